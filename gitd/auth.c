#include "auth.h"

#include <stdio.h>

#include "base/mem.h"
#include "ipc/msg.h"

#define WAIT_MS 30000 /* longer than web needs to start again */

struct question {
	struct list item;
	struct gitd *g;
	char *app, *token;
	enum push_op op;
	uint32_t id; /* of the frame */
	struct ev_timer timer;
	auth_done *done;
	void *ctx;
};

static void question_free(struct question *q)
{
	list_del(&q->item);
	ev_timer_stop(&q->timer);
	explicit_bzero(q->token, strlen(q->token));
	free(q->token);
	free(q->app);
	free(q);
}

static void finish(
    struct question *q, const struct grant *grant, const struct error *err)
{
	auth_done *done = q->done;
	void *ctx = q->ctx;

	question_free(q);
	done(ctx, grant, err);
}

static void send_question(struct question *q)
{
	scoped_frame_out struct frame_out o = {0};

	if (!q->g->web || !peer_is_up(q->g->web))
		return;
	q->id = peer_next_id(q->g->web);
	o = frame_begin(MSG_PUSH_AUTH, q->id);
	frame_put_z(&o, F_APP_NAME, q->app);
	frame_put_z(&o, F_TOKEN, q->token);
	frame_put_u64(&o, F_OP, q->op);
	(void)peer_send(q->g->web, &o); /* if it fails: again when web is up */
}

static void too_late(struct ev_timer *t)
{
	struct error err = {0};

	error_set(&err, ERR_UNAVAILABLE,
	    "the platform is starting, try again in a moment");
	finish(container_of(t, struct question, timer), NULL, &err);
}

struct question *auth_ask(struct gitd *g, struct str app, struct str token,
    enum push_op op, auth_done *done, void *ctx)
{
	struct question *q = xcalloc(1, sizeof(*q));

	*q = (struct question){.g = g,
	    .app = str_dup(app),
	    .token = str_dup(token),
	    .op = op,
	    .timer = {.fire = too_late},
	    .done = done,
	    .ctx = ctx};
	list_add(&g->questions, &q->item);
	ev_timer_set(g->ev, &q->timer, WAIT_MS);
	send_question(q);
	return q;
}

void auth_cancel(struct question *q)
{
	if (q)
		question_free(q);
}

static void take_answer(struct question *q, const struct frame *f)
{
	struct error err = {0};
	struct grant grant = {
	    .app = frame_u64(f, F_APP),
	    .repo = frame_u64(f, F_REPO),
	    .user = frame_u64(f, F_USER),
	};

	if (f->type == MSG_PUSH_GRANT) {
		finish(q, &grant, NULL);
		return;
	}
	if (f->type == MSG_ERROR)
		frame_error(f, &err);
	else
		error_set(&err, ERR_INTERNAL, "an answer of a wrong kind");
	finish(q, NULL, &err);
}

bool auth_answer(struct gitd *g, const struct frame *f)
{
	struct question *q;

	if (!f->id)
		return false;
	list_each(q, &g->questions, item)
	{
		if (q->id == f->id) {
			take_answer(q, f);
			return true;
		}
	}
	return false;
}

void auth_web_up(struct gitd *g)
{
	struct question *q;

	list_each(q, &g->questions, item) send_question(q);
}
