/*
 * place - where an exchange goes: its route, the queue of its app, an
 * instance, and what is done when that one is lost.
 */
#pragma once
#include "base/error.h"
#include "exchange.h"

/* Take x out of the queue that it waits in, if any. */
void place_forget(struct exchange *x);
/* The upstream has taken something: it is connected. */
void place_connected(struct exchange *x);
/*
 * Send head, and what the client has sent of the body, to the upstream. -1
 * when the body is malformed; a lost upstream shows in its conn.
 */
int place_relay(struct exchange *x, struct str head, struct error *err);
