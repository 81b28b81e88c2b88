#include "api/sessions.h"

#include "base/mem.h"
#include "base/rand.h"

struct log_sessions {
	struct list list; /* the one unused longest first */
	size_t n;
};

struct log_sessions *sessions_new(void)
{
	struct log_sessions *all = xcalloc(1, sizeof(*all));

	list_init(&all->list);
	return all;
}

static void drop(struct log_sessions *all, struct log_session *s)
{
	list_del(&s->item);
	all->n--;
	free(s);
}

static void sweep(struct web *w)
{
	struct log_sessions *all = w->sessions;
	struct log_session *s;

	list_each(s, &all->list, item)
	{
		if (all->n <= SESSIONS_MAX &&
		    ev_now_ms(w->ev) - s->used_ms < SESSION_MS)
			return;
		drop(all, s);
	}
}

const struct log_session *sessions_add(
    struct web *w, const struct log_session *s)
{
	struct log_session *new = xmalloc(sizeof(*new));

	*new = *s;
	rand_secret(new->secret);
	new->used_ms = ev_now_ms(w->ev);
	list_add(&w->sessions->list, &new->item);
	w->sessions->n++;
	sweep(w);
	return new;
}

const struct log_session *sessions_use(struct web *w, struct str secret)
{
	struct log_session *s;

	sweep(w);
	list_each(s, &w->sessions->list, item)
	{
		if (!str_eq_secret(str_z(s->secret), secret))
			continue;
		s->used_ms = ev_now_ms(w->ev);
		list_del(&s->item);
		list_add(&w->sessions->list, &s->item);
		return s;
	}
	return NULL;
}
