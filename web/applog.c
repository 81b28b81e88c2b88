#include "applog.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "ipc/msg.h"

#define LINE_MAX_BYTES 2048
#define QUEUE_MAX 256

struct waiting_line {
	struct list item;
	int64_t app;
	char text[];
};

static int send_line(struct web *w, int64_t app, const char *text)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_LOG_WRITE, 0);

	frame_put_u64(&o, F_APP, (uint64_t)app);
	frame_put_z(&o, F_SOURCE, "app");
	frame_put_z(&o, F_PROC, "api");
	frame_put_z(&o, F_TEXT, text);
	return peer_send(w->logd, &o);
}

static void drop(struct web *w, struct waiting_line *l)
{
	list_del(&l->item);
	w->log_queued--;
	free(l);
}

static void keep(struct web *w, int64_t app, const char *text)
{
	size_t len = strlen(text) + 1;
	struct waiting_line *l = xmalloc(sizeof(*l) + len);

	l->app = app;
	memcpy(l->text, text, len);
	list_add(&w->log_queue, &l->item);
	if (++w->log_queued > QUEUE_MAX)
		drop(w,
		    container_of(w->log_queue.next, struct waiting_line, item));
}

void applog(struct web *w, int64_t app, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (send_line(w, app, text) == -1)
		keep(w, app, text);
}

void applog_up(struct web *w)
{
	struct waiting_line *l;

	list_each(l, &w->log_queue, item)
	{
		if (send_line(w, l->app, l->text) == -1)
			return;
		drop(w, l);
	}
}
