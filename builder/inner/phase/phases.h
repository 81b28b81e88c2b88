/*
 * phases - each phase as a function on what the one before it made; creator
 * calls them in turn, the other programs one each between reading and writing
 * their files. They return 0 or the phase's exit code, with err set.
 */
#pragma once
#include "inner/detect.h"
#include "session.h"

/* What analyzed.toml says; NULL. */
json_t *analyze_phase(struct session *s, struct error *err);
/* group and plan in the form of their files. */
int detect_phase(struct session *s, const json_t *analyzed, json_t **ret_group,
    json_t **ret_plan, struct error *err);
int restore_phase(struct session *s, const json_t *analyzed,
    const json_t *group, struct error *err);
int build_phase(struct session *s, const json_t *analyzed, const json_t *group,
    json_t *plan, struct error *err);
/* names: the image's, as the platform gave them. */
int export_phase(struct session *s, const json_t *analyzed, const json_t *group,
    const json_t *names, struct error *err);
