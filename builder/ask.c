#include "ask.h"

void asks_init(struct asks *all)
{
	list_init(&all->waiting);
}

struct frame_out ask_begin(struct ask *a, struct peer *p, uint16_t type)
{
	ask_forget(a);
	a->peer = p;
	a->id = peer_next_id(p);
	return frame_begin(type, a->id);
}

int ask_send(
    struct asks *all, struct ask *a, struct frame_out *o, struct error *err)
{
	list_init(&a->of_asks);
	list_add(&all->waiting, &a->of_asks);
	if (peer_send(a->peer, o) == 0 || !peer_is_up(a->peer))
		return 0;
	ask_forget(a);
	return error_set(err, ERR_LIMIT, "a message grew past its limit");
}

void ask_forget(struct ask *a)
{
	if (a->id && a->of_asks.next)
		list_del(&a->of_asks);
	a->id = 0;
}

void asks_answer(struct asks *all, struct peer *p, const struct frame *f)
{
	struct error err = {0};
	struct ask *a;

	if (f->type == MSG_ERROR)
		frame_error(f, &err);
	list_each(a, &all->waiting, of_asks)
	{
		if (a->peer != p || a->id != f->id)
			continue;
		ask_forget(a);
		a->answered(a, f->type == MSG_ERROR ? &err : NULL);
		return;
	}
}

void asks_lost(struct asks *all, struct peer *p)
{
	struct ask *a;

	list_each(a, &all->waiting, of_asks)
	{
		if (a->peer == p)
			ask_forget(a);
	}
}
