#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "ipc/msg.h"

#define WAIT_MS 3000
#define BYTES_MAX (256u * 1024)

struct lines {
	struct web *w;
	struct ev_io io;
	struct ev_timer timer;
	struct buf raw;
	void (*done)(void *arg, struct str text);
	void *arg;
};

static void lines_free(struct lines *l)
{
	ev_io_del(&l->io);
	fd_close(&l->io.fd);
	ev_timer_stop(&l->timer);
	buf_release(&l->raw);
	free(l);
}

/* "TIME SOURCE[PROC]: TEXT" without all that stands before the text. */
static struct str text_of(struct str line)
{
	ssize_t at = str_find_str(line, STR("]: "));

	return at == -1 ? line : str_sub(line, (size_t)at + 3, line.len);
}

static void finish(struct lines *l)
{
	scoped_buf struct buf out = BUF_INIT(BYTES_MAX);
	struct str rest = buf_str(&l->raw), line;

	while (rest.len && str_split(&rest, '\n', &line)) {
		buf_add(&out, text_of(line));
		buf_addc(&out, '\n');
	}
	l->done(l->arg, buf_str(&out));
	lines_free(l);
}

static void ready(struct ev_io *io, unsigned events)
{
	struct lines *l = container_of(io, struct lines, io);
	struct error err = {0};
	ssize_t n = buf_read(&l->raw, io->fd, &err);

	if (n == 0 || (n == -1 && err.sys != EAGAIN))
		finish(l);
}

static void too_late(struct ev_timer *t)
{
	finish(container_of(t, struct lines, timer));
}

static void send_follow(struct lines *l, int64_t app, const char *proc,
    uint64_t instance, unsigned most, int pipe_end)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_LOG_FOLLOW, 0);

	frame_put_u64(&o, F_APP, (uint64_t)app);
	frame_put_u64(&o, F_LINES, most);
	frame_put_u64(&o, F_TAIL, 0);
	frame_put_z(&o, F_SOURCE, "app");
	frame_put_z(&o, F_PROC, proc);
	if (instance)
		frame_put_u64(&o, F_INSTANCE, instance);
	frame_put_fd(&o, pipe_end);
	(void)peer_send(l->w->logd, &o); /* away: the pipe ends at once */
}

struct lines *lines_ask(struct web *w, int64_t app, const char *proc,
    uint64_t instance, unsigned most, void (*done)(void *arg, struct str text),
    void *arg)
{
	struct lines *l = xcalloc(1, sizeof(*l));
	int ends[2] = {-1, -1};
	struct error err = {0};

	*l = (struct lines){.w = w,
	    .io = {.fd = -1, .ready = ready},
	    .timer = {.fire = too_late},
	    .raw = BUF_INIT(BYTES_MAX),
	    .done = done,
	    .arg = arg};
	ev_timer_set(w->ev, &l->timer, WAIT_MS);
	if (fd_pipe(ends, &err) == -1)
		return l; /* the timer ends it */
	l->io.fd = ends[0];
	send_follow(l, app, proc, instance, most, ends[1]);
	fd_close(&ends[1]);
	if (fd_nonblock(l->io.fd, true, &err) == -1 ||
	    ev_io_add(w->ev, &l->io, EV_READ, &err) == -1)
		ev_timer_set(w->ev, &l->timer, 0);
	return l;
}

void lines_cancel(struct lines *l)
{
	if (l)
		lines_free(l);
}
