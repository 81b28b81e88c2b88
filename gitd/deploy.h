/*
 * deploy - a push to the deploy branch: web's durable row, the build's log,
 * the decision, and the ref.
 *
 * The order at the end is: release live -> row decided -> ref moved -> row
 * settled -> report. Whichever of us is killed in between, the next start
 * reads web's list and goes on from there.
 */
#pragma once
#include "push.h"

/* Ask web for a row; p->deploy names the command. */
void deploy_start(struct push *p);
/* The client takes bytes again, or is gone. */
void deploy_pump(struct push *p);
/* Forget what a push holds for its build. */
void deploy_release(struct push *p);

/* Of web.c. */
void deploy_web_up(struct gitd *g);
void deploy_web_listed(struct gitd *g);
bool deploy_answer(struct gitd *g, struct frame *f);
void deploy_opened(struct gitd *g, struct frame *f);
void deploy_tick(struct gitd *g, struct frame *f);
void deploy_decided(struct gitd *g, struct frame *f);
void deploy_row(struct gitd *g, struct frame *f);
/* The app with this repository is destroyed: its pushes end. */
void deploy_dropped(struct gitd *g, uint64_t repo);
