/*
 * queue - who may have a worker now, and who has to wait.
 *
 * Pure. So many slots run at once, and one of each lane (a repository):
 * the first that waits and whose lane is free goes next. A slot without a
 * lane only waits for its turn.
 */
#pragma once
#include <stdbool.h>

#include "base/list.h"

#define LANE_WAITING_MAX 3

struct lane {
	unsigned running, waiting;
};

struct queue {
	struct list waiting;
	unsigned running, max;
};

/* Zeroed by its owner before the first queue_enter. */
struct slot {
	struct list item;
	struct queue *queue; /* NULL while it is in none */
	struct lane *lane;   /* or NULL */
	bool running;
	void (*go)(struct slot *s); /* it is your turn */
};

void queue_init(struct queue *q, unsigned max);
/* May one more come into this lane? */
bool queue_open(const struct lane *lane);
/* go() is called at once or later. */
void queue_enter(struct queue *q, struct slot *s);
/* It is done, or does not want to wait any more. Twice is harmless. */
void queue_leave(struct slot *s);
