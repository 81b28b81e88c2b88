/*
 * store - questions of builder about the store, passed on to jail.
 *
 * STORE_PUT, STORE_HAS and WORK_DROP may be asked twice, so what jail did not
 * answer is asked again when it is back: builder sees a wait, no failure.
 */
#pragma once
#include "loop.h"

#define QUESTIONS_MAX 256 /* that wait for an answer */

void store_ask(struct plan *p, struct peer *from, struct frame *f);
/* jail has answered; false when it was no question of ours. */
bool store_answer(struct plan *p, const struct frame *f);
void store_again(struct plan *p);        /* jail is back */
void store_builder_gone(struct plan *p); /* nobody waits any more */
void store_release(struct plan *p);
