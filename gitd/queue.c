#include "queue.h"

#include <assert.h>

void queue_init(struct queue *q, unsigned max)
{
	*q = (struct queue){.max = max};
	list_init(&q->waiting);
}

bool queue_open(const struct lane *lane)
{
	return lane->running + lane->waiting <= LANE_WAITING_MAX;
}

static void run(struct slot *s)
{
	list_del(&s->item);
	s->running = true;
	s->queue->running++;
	if (s->lane) {
		s->lane->waiting--;
		s->lane->running++;
	}
	s->go(s);
}

static struct slot *next(struct queue *q)
{
	struct slot *s;

	if (q->running >= q->max)
		return NULL;
	list_each(s, &q->waiting, item)
	{
		if (!s->lane || !s->lane->running)
			return s;
	}
	return NULL;
}

/* go() may come back into the queue, so each turn looks from the start. */
static void run_all(struct queue *q)
{
	struct slot *s;

	while ((s = next(q)) != NULL)
		run(s);
}

void queue_enter(struct queue *q, struct slot *s)
{
	assert(!s->queue);
	s->queue = q;
	s->running = false;
	list_add(&q->waiting, &s->item);
	if (s->lane)
		s->lane->waiting++;
	run_all(q);
}

void queue_leave(struct slot *s)
{
	struct queue *q = s->queue;

	if (!q)
		return;
	s->queue = NULL;
	if (s->running)
		q->running--;
	else
		list_del(&s->item);
	if (s->lane && s->running)
		s->lane->running--;
	else if (s->lane)
		s->lane->waiting--;
	s->running = false;
	run_all(q);
}
