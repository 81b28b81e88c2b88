#include "store.h"

#include "base/log.h"
#include "base/mem.h"

struct question {
	struct list of_plan;
	uint64_t peer;        /* who asked: of that very connection */
	uint32_t id, jail_id; /* of its frame, and of the one passed on */
	uint16_t type;
	struct buf fields; /* as they came */
};

static void question_free(struct question *q)
{
	list_del(&q->of_plan);
	buf_release(&q->fields);
	free(q);
}

static void pass_on(struct plan *p, struct question *q)
{
	struct frame_out o;

	if (!peer_is_up(p->jail))
		return; /* it is asked when jail is back */
	q->jail_id = peer_next_id(p->jail);
	o = frame_begin(q->type, q->jail_id);
	frame_put_all(&o, buf_str(&q->fields));
	(void)plan_send(p->jail, &o);
}

static size_t count(const struct plan *p)
{
	struct question *q;
	size_t n = 0;

	list_each(q, &p->questions, of_plan) n++;
	return n;
}

void store_ask(struct plan *p, struct peer *from, struct frame *f)
{
	struct question *q;
	struct error err = {0};

	if (count(p) >= QUESTIONS_MAX) {
		(void)error_set(&err, ERR_LIMIT,
		    "more than %d questions to jail", QUESTIONS_MAX);
		log_warn("%s", err.msg);
		if (f->id)
			(void)peer_send_error(from, f->id, &err);
		return;
	}
	q = xcalloc(1, sizeof(*q));
	q->peer = peer_id(from);
	q->id = f->id;
	q->type = f->type;
	q->fields = (struct buf)BUF_INIT(FRAME_MAX);
	buf_add(&q->fields, f->fields);
	list_add(&p->questions, &q->of_plan);
	pass_on(p, q);
}

static struct peer *asker(const struct plan *p, const struct question *q)
{
	struct peer *const who[] = {p->builder, p->web};

	for (size_t i = 0; i < NELEM(who); i++)
		if (who[i] && peer_id(who[i]) == q->peer)
			return who[i];
	return NULL;
}

static void answer(
    struct plan *p, const struct question *q, const struct frame *f)
{
	struct peer *to = asker(p, q);
	struct frame_out o;

	if (!q->id || !to)
		return;
	o = frame_begin(f->type, q->id);
	frame_put_all(&o, f->fields);
	(void)plan_send(to, &o);
}

bool store_answer(struct plan *p, const struct frame *f)
{
	struct question *q;

	list_each(q, &p->questions, of_plan)
	{
		if (q->jail_id != f->id)
			continue;
		answer(p, q, f);
		question_free(q);
		return true;
	}
	return false;
}

void store_again(struct plan *p)
{
	struct question *q;

	list_each(q, &p->questions, of_plan) pass_on(p, q);
}

void store_builder_gone(struct plan *p)
{
	struct question *q;

	/* What is to be dropped is dropped all the same. */
	list_each(q, &p->questions, of_plan)
	{
		if (q->type == MSG_STORE_PUT || q->type == MSG_STORE_HAS)
			question_free(q);
	}
}

void store_release(struct plan *p)
{
	struct question *q;

	list_each(q, &p->questions, of_plan) question_free(q);
}
