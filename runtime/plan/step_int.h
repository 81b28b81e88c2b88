/*
 * step_int - what the files of step share: step.c, candidate.c, live.c,
 * exclusive.c, room.c.
 */
#pragma once
#include "step.h"

struct step {
	const struct app *app;
	const struct step_env *env;
	struct actions *out;
	const struct want *want;      /* what must serve, or NULL */
	const struct want *candidate; /* under way, or NULL */
	uint64_t wake_ms;
};

/* Append an action about in (or about the app: NULL). */
struct action *step_add(struct step *s, enum act act, const struct inst *in);
/* Start process num of this type of w. */
void step_start(
    struct step *s, const struct want *w, const char *ptype, uint64_t num);
/* Is it at_ms yet? If not, step wants to be asked again then. */
bool step_due(struct step *s, uint64_t at_ms);

bool step_is_candidate(const struct step *s, const struct inst *in);
/* The newest in its place of the wanted release and generation that is not
 * being ended. */
bool step_is_current(const struct step *s, const struct inst *in);
bool step_serves(const struct inst *in); /* every loop of the router knows */
/* Not current, but it takes requests or works where no current one does. */
bool step_stands_in(const struct step *s, const struct inst *in);

/* Of what is wanted now: release, generation, size, a place in it. */
bool step_is_of_now(const struct step *s, const struct inst *in);

/* exclusive.c */
bool step_stops_first(const struct step *s); /* of this app: always */
bool step_is_old(const struct step *s, const struct inst *in);
bool step_must_wait(const struct step *s); /* an old one is there yet */
/* room.c */
void step_room(struct step *s);
/* There is memory for the candidate's processes, or there will be no more. */
bool step_has_room(const struct step *s);
/* Memory lacked: the candidate comes, or what it replaced, when it is free. */
bool step_is_tight(const struct step *s);
/* candidate.c */
void step_candidate(struct step *s);
void step_report(struct step *s); /* an end that web asks for again */
bool step_boot_is_over(struct step *s, const struct inst *in);
void step_boot_text(
    const struct step *s, const struct inst *in, char *out, size_t size);
/* cron.c */
void step_cron(struct step *s);
/* live.c */
void step_live(struct step *s);
/* The current one of a place, or NULL. */
const struct inst *step_current(
    const struct step *s, const char *ptype, uint64_t num);
/* rest.c */
void step_rest(struct step *s);
void step_resume(struct step *s); /* how it rested, while we were away */
