#include "ctl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#define QUEUE_MAX 16 /* of one instance; a shim takes them at once */

struct word {
	struct list item;
	enum msg type;
	int signo;
	int client;          /* -1: none */
	unsigned rows, cols; /* 0: not said */
};

static void word_free(struct word *w)
{
	list_del(&w->item);
	fd_close(&w->client);
	free(w);
}

static void say(struct instance *in, const struct word *w)
{
	struct frame_out o = frame_begin(w->type, 0);

	if (w->type == MSG_SHIM_SIGNAL)
		frame_put_u64(&o, F_SIGNO, (uint64_t)w->signo);
	if (w->type == MSG_SHIM_ATTACH)
		frame_put_fd(&o, w->client);
	if (w->type == MSG_SHIM_RESIZE) {
		frame_put_u64(&o, F_ROWS, w->rows);
		frame_put_u64(&o, F_COLS, w->cols);
	}
	if (peer_send(in->ctl, &o) == -1)
		log_warn("shim not told id=%s", in->name);
}

static void shim_up(struct peer *p, void *ctx)
{
	struct instance *in = ctx;
	struct word *w;

	list_each(w, &in->ctl_queue, item)
	{
		say(in, w);
		word_free(w);
	}
}

/* The shim has nothing to say on this way. */
static void shim_frame(struct peer *p, struct frame *f, void *ctx)
{
}

static void shim_down(struct peer *p, void *ctx)
{
}

static const struct peer_ops ops = {shim_up, shim_frame, shim_down};

static void tell(struct instance *in, const struct word *said)
{
	struct word *w, *other;
	char path[128];
	size_t n = 0;

	if (in->state == INSTANCE_EXITED || in->ending)
		return;
	if (!in->ctl) {
		snprintf(path, sizeof(path), "%s/i/%s/ctl",
		    in->j->settings->run, in->name);
		in->ctl = ipc_connect(
		    in->j->ev, path, ROLE_JAIL, ROLE_SHIM, &ops, in);
	}
	list_each(other, &in->ctl_queue, item) n++;
	if (n >= QUEUE_MAX) {
		log_warn("shim does not listen id=%s", in->name);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	*w = *said;
	if (said->client != -1)
		w->client = fcntl(said->client, F_DUPFD_CLOEXEC, 3);
	list_add(&in->ctl_queue, &w->item);
	if (peer_is_up(in->ctl))
		shim_up(in->ctl, in);
}

void ctl_signal(struct instance *in, int signo)
{
	tell(in, &(struct word){
	             .type = MSG_SHIM_SIGNAL, .signo = signo, .client = -1});
}

void ctl_attach(struct instance *in, int fd)
{
	tell(in, &(struct word){.type = MSG_SHIM_ATTACH, .client = fd});
}

void ctl_resize(struct instance *in, unsigned rows, unsigned cols)
{
	tell(in, &(struct word){.type = MSG_SHIM_RESIZE,
	             .client = -1,
	             .rows = rows,
	             .cols = cols});
}

void ctl_close(struct instance *in)
{
	struct word *w;

	list_each(w, &in->ctl_queue, item) word_free(w);
	peer_close(in->ctl);
	in->ctl = NULL;
}
