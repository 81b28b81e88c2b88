/*
 * push - one push, from the list of refs to the report.
 *
 *   GATHER --body--> QUEUE --slot--> RECEIVE --pack adopted--> (end)
 *                                        \--deploy branch--> OPEN
 *   OPEN --web's row--> BUILD --decided--> DRAIN --log sent--> (end)
 *
 * 1. Up to RECEIVE a push ends with its client. From OPEN on it goes on to
 *    its end whether somebody listens or not.
 * 2. A push holds a worker and its repository's lane in RECEIVE only.
 * 3. While a push is in OPEN or BUILD no other one gets a ref of it that
 *    waits, but for the deploy branch with the option "supersede": web then
 *    ends the first build.
 * 4. A push found in web's list at the start enters in BUILD, without a
 *    client, with one command.
 */
#pragma once
#include "body.h"
#include "caps.h"
#include "clean.h"
#include "command.h"
#include "gitd.h"
#include "repo.h"
#include "repodir.h"
#include "stream.h"
#include "worker.h"

enum push_stage {
	STAGE_GATHER,
	STAGE_QUEUE,
	STAGE_RECEIVE,
	STAGE_OPEN,
	STAGE_BUILD,
	STAGE_DRAIN
};

struct push {
	struct list item; /* in gitd's pushes */
	struct gitd *g;
	struct repo *repo;
	uint64_t app, user;
	enum push_stage stage;

	struct body *body;    /* the request's; NULL when that is gone */
	struct stream *out;   /* NULL without a client */
	struct push **holder; /* the request's pointer to us, or NULL */
	int input;            /* instead of a body; -1 when there is one */
	struct slot slot;
	struct worker *worker;
	struct ev_timer deadline;        /* of the upload */
	struct ev_timer keepalive;       /* of the answer */
	char quarantine[QUARANTINE_MAX]; /* "" when there is none */
	int quarantine_fd;
	struct commands cmds;
	char **options;
	size_t noptions;
	struct caps caps;
	bool listed;         /* all commands are there */
	struct error failed; /* why the pack was not taken; ERR_NONE: it was */

	/* deploy.c */
	size_t deploy;         /* which command is built; cmds.n for none */
	uint64_t row;          /* web's id of this push, 0 before OPENED */
	uint32_t question;     /* the frame that asks for the row, or 0 */
	int log;               /* the build's, or -1 */
	struct ev_timer again; /* the ref could not be moved yet */
	int64_t log_at;
	enum clean_state clean;
};

/* A push whose body is still to come. out is left when the push ends. */
struct push *push_new(struct repo *repo, uint64_t app, uint64_t user,
    struct stream *out, struct push **holder);
/* Go on with what the body has gathered; body is the request's. */
void push_ready(struct push *p, struct body *body);
/* Go on with a descriptor (taken over) that has all from the first line. */
void push_ready_fd(struct push *p, int input);
/* The request is gone: neither its body nor its stream may be used. */
void push_alone(struct push *p);

/* For deploy.c. A push that came to us from web's list: */
struct push *push_found(
    struct repo *repo, struct str ref, struct str old, struct str new);
void push_move(struct push *p, enum push_stage to);
void push_say(struct push *p, struct str text);
/* Send the report and forget the push. */
void push_finish(struct push *p);
/* Refuse the whole push and forget it. */
void push_fail(struct push *p, const struct error *why);
