#include "ask.h"

#include "ipc/msg.h"

void ask_cancel(struct ask *a)
{
	if (!a->w)
		return;
	a->w = NULL;
	list_del(&a->item);
	ev_timer_stop(&a->timer);
}

static void finish(
    struct ask *a, const struct frame *f, const struct error *err)
{
	ask_cancel(a);
	a->done(a, f, err);
}

static void too_late(struct ev_timer *t)
{
	struct ask *a = container_of(t, struct ask, timer);
	struct error err = {0};

	error_set(&err, ERR_UNAVAILABLE,
	    "The platform is busy and has not answered in time. Try again.");
	finish(a, NULL, &err);
}

struct frame_out ask_begin(struct ask *a, struct peer *p, uint16_t type)
{
	a->id = peer_next_id(p);
	a->peer = peer_id(p);
	return frame_begin(type, a->id);
}

int ask_send(struct web *w, struct ask *a, struct peer *p, struct frame_out *o,
    uint64_t timeout_ms, struct error *err)
{
	if (peer_send(p, o) == -1)
		return error_set(err, ERR_UNAVAILABLE,
		    "A part of the platform (%s) is restarting. Try again in "
		    "a moment.",
		    role_name(peer_role(p)));
	a->w = w;
	list_add(&w->asks, &a->item);
	a->timer.fire = too_late;
	ev_timer_set(w->ev, &a->timer, timeout_ms);
	return 0;
}

void ask_answered(struct web *w, struct peer *p, const struct frame *f)
{
	struct error err = {0};
	struct ask *a;

	if (!f->id)
		return;
	list_each(a, &w->asks, item)
	{
		if (a->id != f->id || a->peer != peer_id(p))
			continue;
		if (f->type == MSG_OK) {
			finish(a, f, NULL);
		} else {
			frame_error(f, &err);
			finish(a, NULL, &err);
		}
		return;
	}
}

void ask_peer_gone(struct web *w, struct peer *p)
{
	struct error err = {0};
	struct ask *a;

	error_set(&err, ERR_UNAVAILABLE,
	    "A part of the platform (%s) was restarted. Try again.",
	    role_name(peer_role(p)));
again:
	list_each(a, &w->asks, item)
	{
		if (a->peer != peer_id(p))
			continue;
		finish(a, NULL, &err); /* may take others off the list */
		goto again;
	}
}
