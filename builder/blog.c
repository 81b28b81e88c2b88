#include "blog.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"

#define COPY_MAX (256u * 1024) /* of one piece, masked */
#define SAY_MAX 1024

static void tell(struct blog *l)
{
	l->told_ms = ev_now_ms(l->ev);
	l->grown(l);
}

static void timer_fired(struct ev_timer *t)
{
	tell(container_of(t, struct blog, timer));
}

static void tell_soon(struct blog *l)
{
	uint64_t now = ev_now_ms(l->ev);

	if (l->timer.at_ms)
		return;
	if (now - l->told_ms >= BLOG_TICK_MS)
		tell(l);
	else
		ev_timer_set(
		    l->ev, &l->timer, BLOG_TICK_MS - (now - l->told_ms));
}

/* A full disk costs lines of a log, not the build. */
static void append(struct blog *l, struct str bytes)
{
	struct error err = {0};

	if (bytes.len == 0)
		return;
	if (fd_write_all(l->fd, bytes, &err) == -1)
		log_warn("log of a build lost bytes: %s", err.msg);
	l->open = bytes.p[bytes.len - 1] != '\n';
	tell_soon(l);
}

void blog_open(struct blog *l, struct ev *ev, int fd, struct str config,
    void (*grown)(struct blog *l))
{
	*l = (struct blog){.ev = ev,
	    .fd = fd,
	    .mask = mask_new(config),
	    .grown = grown,
	    .timer = {.fire = timer_fired}};
}

void blog_close(struct blog *l)
{
	ev_timer_stop(&l->timer);
	mask_free(l->mask);
	l->mask = NULL;
	fd_close(&l->fd);
}

void blog_copy(struct blog *l, struct str bytes)
{
	scoped_buf struct buf out = BUF_INIT(COPY_MAX);
	size_t left = BLOG_MAX - l->copied;

	if (l->cut)
		return;
	l->copied += bytes.len < left ? bytes.len : left;
	mask_feed(l->mask, str_sub(bytes, 0, left), &out);
	append(l, buf_str(&out));
	if (bytes.len <= left)
		return;
	l->cut = true;
	blog_say(l,
	    " !     This log is cut here: the build printed more than %u MiB.",
	    BLOG_MAX >> 20);
}

void blog_flush(struct blog *l)
{
	scoped_buf struct buf out = BUF_INIT(COPY_MAX);

	mask_end(l->mask, &out);
	append(l, buf_str(&out));
}

void blog_say(struct blog *l, const char *fmt, ...)
{
	char text[SAY_MAX];
	va_list args;
	int n;

	blog_flush(l);
	if (l->open)
		append(l, STR("\n"));
	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, args);
	va_end(args);
	if (n > (int)sizeof(text) - 2)
		n = (int)sizeof(text) - 2;
	text[n] = '\n';
	append(l, str_make(text, (size_t)n + 1));
}

uint64_t blog_size(const struct blog *l)
{
	struct stat st;

	return fstat(l->fd, &st) == -1 ? 0 : (uint64_t)st.st_size;
}
