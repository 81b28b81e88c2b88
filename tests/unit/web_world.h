/*
 * web_world - paas-web inside a test: its store, HTTP and frames are real,
 * the programs around it are played, all in one loop.
 *
 * What web sends to a played peer is kept until the test asks for it.
 */
#pragma once
#include <jansson.h>

#include "ev/ev.h"
#include "ipc/msg.h"
#include "ipc/peer.h"
#include "web.h"

#define OWNER "owner@localhost"

struct world {
	char path[64];
	struct web web;
	struct roles roles;
	struct peer *plan, *logd, *router; /* the ends of those it dials */
	struct peer *gitd, *builder;
	struct ipc_listener *listeners[3];
	int nlisteners;
	struct world *before; /* the one made before */
	struct list seen;     /* frames that nobody asked for yet */
	struct seen *last;
	bool runs_refused; /* plan answers each RUN with an error */
	char token[44];    /* the owner's */

	/* Of the last answer; json is NULL when it was none. */
	unsigned status;
	struct buf text; /* with its head */
	json_t *json;
};

struct world *world_new(void);
void world_free(struct world *w);

/* Another account with a token of this scope. */
void world_account(
    struct world *w, const char *email, const char *scope, char token[44]);

/* Turn the loop until done(arg), or fail. */
void world_until(struct world *w, bool (*done)(void *arg), void *arg);
/* Turn it until nothing happens any more. */
void world_settle(struct world *w);

/* --- HTTP ----------------------------------------------------------------- */

struct request_text {
	const char *method, *path;
	const char *token;   /* NULL: the owner's; "": none */
	const char *headers; /* whole lines, or NULL */
	struct str body;
};

/* The answer's status. The client is on this machine, as the router says. */
unsigned world_ask(struct world *w, const struct request_text *q);
#define ASK(w, ...) world_ask(w, &(struct request_text){__VA_ARGS__})

/* The same in two steps, for an answer that waits. */
struct call;
struct call *world_call(struct world *w, const struct request_text *q);
unsigned world_answer(struct world *w, struct call *c);

/* The value of an answer's head field, in mem; "" when it is not there. */
const char *world_field(struct world *w, const char *name, char mem[512]);
const char *world_text(const json_t *o, const char *name);

/* --- frames --------------------------------------------------------------- */

/* The oldest kept frame of this type to role; valid until the next. */
const struct frame *world_expect(
    struct world *w, enum role role, enum msg type);
/* Does the loop settle without one? */
bool world_without(struct world *w, enum role role, enum msg type);
void world_forget(struct world *w); /* what was seen so far */

/* Bytes of the frame's i-th descriptor, from its start. */
void world_read_fd(const struct frame *f, int i, struct buf *out);

/* --- the usual way -------------------------------------------------------- */

struct pushed {
	uint64_t push, build;
	int log; /* to read; the caller's */
};

/* gitd opens a push of a commit made of one digit to app 1; "" or an option. */
struct pushed world_push(struct world *w, char digit, const char *option);
/* builder says that it has built: an image of that digit, with a web type. */
void world_built(struct world *w, uint64_t build, char digit);
void world_live(struct world *w, uint64_t release);
/* The decision on the push: its enum push_state, with the reason. */
uint64_t world_decided(struct world *w, const struct pushed *p, char mem[256]);
/* App 1, "hello", with v1 live. */
void world_deploy(struct world *w);
