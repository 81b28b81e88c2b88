/*
 * exchange - one request: from its parsed head to its answer's last byte.
 *
 *   ROUTE --routes--> HELD --place--> SENT --answer--> BODY --end--> DONE
 *                                     SENT --101--> TUNNEL --end--> DONE
 *   SENT goes back to HELD when the upstream was lost and it may be retried.
 *
 * 1. The request's head is kept until the end: a retry sends it again, the
 *    log line quotes it.
 * 2. Of the body nothing is kept: once some was passed on, there is no retry.
 * 3. A side is read only while nothing waits to be sent to the other.
 *
 * Owned by its client, freed at the end of the turn in which it is DONE.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "body.h"
#include "client.h"
#include "page.h"
#include "upstream.h"

enum exchange_state {
	EXCHANGE_ROUTE,
	EXCHANGE_HELD,
	EXCHANGE_SENT,
	EXCHANGE_BODY,
	EXCHANGE_TUNNEL,
	EXCHANGE_DONE
};

struct app;

struct exchange {
	struct router *router;
	struct client *client;
	struct upstream *up; /* from SENT on */
	struct app *app;     /* from HELD on */
	struct list wait;    /* in app->waiting or router->unrouted */
	uint8_t state;       /* enum exchange_state */
	uint8_t timeouts;    /* of connections that never stood */
	uint8_t interim;     /* 1xx answers so far */
	bool to_head, old_client /* HTTP/1.0 */, keep, json;
	bool upgrade;    /* asked for a websocket */
	bool rendezvous; /* asked for that protocol */
	bool retriable;  /* sending it twice does no harm */
	bool again;      /* it is: the connection before was lost */
	bool consumed;   /* of its body some was passed on */
	bool begun;      /* the client has got some of the answer */
	bool chunked;    /* the answer leaves in chunks */
	bool up_keep;    /* the upstream can be used again */
	uint8_t code;    /* enum hcode: what went wrong */
	uint16_t status;
	struct body req, answer;
	uint64_t avoid; /* a target that just refused */
	uint64_t hold_until_ms;
	uint64_t placed_ms, connected_ms;
	struct str method, target, host, request_id, addr; /* in head */
	struct str dyno;                                   /* in dyno_mem */
	char dyno_mem[32];
	char *head;
	size_t head_len;
	char head_mem[1024]; /* most heads */
};

/* The client's head is in router->parsed. It may be over on return. */
void exchange_start(struct client *c);
/* There are routes now. */
void exchange_route(struct exchange *x);
/* Try to find an instance; false when it has to wait (on). */
bool exchange_place(struct exchange *x);
/* Pass on what the client has sent. */
void exchange_upload(struct exchange *x);
/* The upstream can be sent to, is lost, or has something to read. */
void exchange_writable(struct exchange *x);
void exchange_lost(struct exchange *x);
void exchange_client_gone(struct exchange *x);
/*
 * The client has ended both ways properly: does the rest of what it sent
 * still have to go out?
 */
bool exchange_is_delivering(const struct exchange *x);
void exchange_timeout(struct exchange *x);

/* It went wrong: a page if nothing of an answer was sent, else a cut. */
void exchange_fail(struct exchange *x, enum hcode code);
void exchange_refuse(struct exchange *x, unsigned status, const char *text);
/* The answer is complete. */
void exchange_end(struct exchange *x);
/* End a tunnel if nothing can pass any more, or nothing is left to. */
void exchange_end_tunnel(struct exchange *x);
/* Something moved: the time limit starts again. */
void exchange_touch(struct exchange *x);
/* Which sides to read. */
void exchange_want(struct exchange *x);

/* answer.c: go on with what the upstream has sent. */
void answer_pump(struct exchange *x);
