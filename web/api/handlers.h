/*
 * handlers - what each route of table.c does.
 *
 * Each is called with the request's body read and the actor authorised, and
 * answers it, now or later.
 */
#pragma once
#include "api/request.h"
#include "api/shape.h"

/* account.c */
void on_account(struct request *r);
void on_tokens(struct request *r);
void on_token_create(struct request *r);
void on_token_info(struct request *r);
void on_token_delete(struct request *r);
void on_session_create(struct request *r);
void on_session_delete(struct request *r);

/* apps.c */
void on_apps(struct request *r);
void on_app_create(struct request *r);
void on_app_info(struct request *r);
void on_app_change(struct request *r);
void on_app_delete(struct request *r);
void on_regions(struct request *r);
void on_stacks(struct request *r);
void on_nothing(struct request *r); /* an empty list */

/* people.c */
void on_domains(struct request *r);
void on_domain_info(struct request *r);
void on_domain_create(struct request *r);
void on_domain_delete(struct request *r);
void on_collaborators(struct request *r);
void on_collaborator_create(struct request *r);
void on_collaborator_delete(struct request *r);

/* net.c */
void on_egress(struct request *r);
void on_egress_create(struct request *r);
void on_egress_delete(struct request *r);
void on_links(struct request *r);
void on_link_create(struct request *r);
void on_link_delete(struct request *r);

/* releases.c */
void on_config(struct request *r);
void on_config_change(struct request *r);
void on_releases(struct request *r);
void on_release_info(struct request *r);
void on_release_config(struct request *r);
void on_release_create(struct request *r);
void on_builds(struct request *r);
void on_build_info(struct request *r);
void on_build_delete(struct request *r);

/* dynos.c */
void on_idle(struct request *r);
void on_idle_change(struct request *r);
void on_strategy(struct request *r);
void on_strategy_change(struct request *r);
void on_formations(struct request *r);
void on_formation_info(struct request *r);
void on_formation_change(struct request *r);
void on_formation_one(struct request *r);
void on_dynos(struct request *r);
void on_dyno_info(struct request *r);
void on_dynos_restart(struct request *r);
void on_dyno_stop(struct request *r);
void on_type_stop(struct request *r);
/* Call then(r) once plan has told what runs. */
void request_dynos(struct request *r, void (*then)(struct request *r));
/* The process that the path names, by name or id; NULL: it is refused. */
const struct dyno *request_dyno(struct request *r);

/* run.c */
void on_run(struct request *r);
void on_run_inside(struct request *r);
void on_dyno_resize(struct request *r);

/* platform.c */
void on_doctor(struct request *r);

/* volumes.c */
void on_volumes(struct request *r);
void on_volume_create(struct request *r);
void on_volume_info(struct request *r);
void on_volume_change(struct request *r);
void on_volume_delete(struct request *r);

/* sizes.c */
void on_sizes(struct request *r);
void on_size_info(struct request *r);

/* drains.c */
void on_drains(struct request *r);
void on_drain_info(struct request *r);
void on_drain_create(struct request *r);
void on_drain_delete(struct request *r);

/* cron.c, features.c */
void on_crons(struct request *r);
void on_cron_change(struct request *r);
void on_cron_run(struct request *r);
void on_features(struct request *r);
void on_feature_info(struct request *r);
void on_feature_change(struct request *r);

/* logs.c, outputs.c */
void on_log_session(struct request *r);
void on_logs(struct request *r);
void on_output(struct request *r);
