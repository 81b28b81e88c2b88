/*
 * handlers - what comes in frames, put into the model: a function a message.
 *
 * peers.c has the table. msg_check has seen to roles, fields and descriptors;
 * a handler checks the ranges of what it uses.
 */
#pragma once
#include "loop.h"

/* from_web.c */
void on_want_begin(struct plan *p, struct peer *from, struct frame *f);
void on_want(struct plan *p, struct peer *from, struct frame *f);
void on_want_end(struct plan *p, struct peer *from, struct frame *f);
void on_want_drop(struct plan *p, struct peer *from, struct frame *f);
void on_want_gone(struct plan *p, struct peer *from, struct frame *f);
void on_crons(struct plan *p, struct peer *from, struct frame *f);
void on_instance_stop(struct plan *p, struct peer *from, struct frame *f);
/* from_runs.c */
void on_run(struct plan *p, struct peer *from, struct frame *f);
void on_resize(struct plan *p, struct peer *from, struct frame *f);
/* from_builder.c */
void on_job(struct plan *p, struct peer *from, struct frame *f);
void on_job_cancel(struct plan *p, struct peer *from, struct frame *f);
void on_store(struct plan *p, struct peer *from, struct frame *f);
void builder_gone(struct plan *p);
/* from_jail.c */
void on_states_begin(struct plan *p, struct peer *from, struct frame *f);
void on_instance_state(struct plan *p, struct peer *from, struct frame *f);
void on_instance_memory(struct plan *p, struct peer *from, struct frame *f);
void on_instance_ports(struct plan *p, struct peer *from, struct frame *f);
void on_room(struct plan *p, struct peer *from, struct frame *f);
void on_states_end(struct plan *p, struct peer *from, struct frame *f);
void jail_answered(struct plan *p, const struct frame *f);
/* from_router.c */
void on_target_health(struct plan *p, struct peer *from, struct frame *f);
void on_target_failed(struct plan *p, struct peer *from, struct frame *f);
void on_target_drained(struct plan *p, struct peer *from, struct frame *f);
void on_app_quiet(struct plan *p, struct peer *from, struct frame *f);
void on_app_called(struct plan *p, struct peer *from, struct frame *f);
void router_answered(struct plan *p, const struct frame *f);

/* It rests no more: step and web are to know. */
void wake(struct plan *p, struct app *a);
/* The app of this id, made when new; NULL (an error is answered) past a limit.
 */
struct app *plan_app(struct plan *p, struct peer *from, const struct frame *f);
/* Answer f, if it waits for one. */
void refuse(struct peer *to, const struct frame *f, enum errc code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
