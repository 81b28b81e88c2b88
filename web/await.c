#include "await.h"

void await_cancel(struct await *a)
{
	if (!a->w)
		return;
	a->w = NULL;
	list_del(&a->item);
	ev_timer_stop(&a->timer);
}

static void too_late(struct ev_timer *t)
{
	struct await *a = container_of(t, struct await, timer);
	struct error err = {0};

	error_set(&err, ERR_UNAVAILABLE,
	    "A part of the platform (%s) is restarting. Try again in a "
	    "moment.",
	    role_name(peer_role(a->peer)));
	await_cancel(a);
	a->over(a, &err);
}

void await_peer(struct web *w, struct await *a, struct peer *p)
{
	a->w = w;
	a->peer = p;
	a->timer.fire = too_late;
	list_add(&w->awaits, &a->item);
	ev_timer_set(w->ev, &a->timer, AWAIT_MS);
}

void await_peer_up(struct web *w, struct peer *p)
{
	struct await *a;
	struct list due;

	/* Who is told may wait again, and others may be freed. */
	list_init(&due);
	list_each(a, &w->awaits, item)
	{
		if (a->peer != p)
			continue;
		list_del(&a->item);
		list_add(&due, &a->item);
	}
	while (!list_empty(&due)) {
		a = container_of(due.next, struct await, item);
		await_cancel(a);
		a->over(a, NULL);
	}
}
