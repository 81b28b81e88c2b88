/*
 * store - questions passed on to jail: of builder about the store, of web
 * about the host.
 *
 * STORE_PUT, STORE_HAS, WORK_DROP and DOCTOR may be asked twice, so what jail
 * did not answer is asked again when it is back: who asked sees a wait, no
 * failure.
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
