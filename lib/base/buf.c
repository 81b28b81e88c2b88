#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"

#define FIRST_CAP 64
#define READ_ROOM 4096 /* a page at least for each read(2) */

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT(b->max);
}

char *buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap;

	if (b->bad || b->len > b->max || n > b->max - b->len) {
		b->bad = true;
		return NULL;
	}
	need = b->len + n;
	if (!b->p || need > b->cap) {
		cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap * 2;
		cap = cap < need ? need : cap;
		cap = cap > b->max ? b->max : cap;
		b->p = xrealloc(b->p, cap + 1); /* + 1: the NUL of buf_z */
		b->cap = cap;
	}
	return b->p + b->len;
}

void buf_add(struct buf *b, struct str s)
{
	char *at = buf_reserve(b, s.len);

	if (!at || s.len == 0)
		return;
	memcpy(at, s.p, s.len);
	b->len += s.len;
}

void buf_addz(struct buf *b, const char *z)
{
	buf_add(b, str_z(z));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, str_make(&c, 1));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	char *at;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	assert(n >= 0);
	at = buf_reserve(b, (size_t)n);
	if (!at)
		return;
	va_start(args, fmt);
	(void)vsnprintf(at, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->bad = false;
}

const char *buf_z(struct buf *b)
{
	if (b->bad || !b->p)
		return "";
	b->p[b->len] = '\0';
	return b->p;
}

static ssize_t read_retry(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got == -1 && errno == EINTR);
	return got;
}

ssize_t buf_read(struct buf *b, int fd, struct error *err)
{
	size_t left = b->max > b->len ? b->max - b->len : 0;
	ssize_t got;

	if (left == 0 || !buf_reserve(b, left < READ_ROOM ? left : READ_ROOM))
		return error_set(
		    err, ERR_LIMIT, "more than %zu bytes to read", b->max);
	got = read_retry(fd, b->p + b->len, b->cap - b->len);
	if (got == -1)
		return error_sys(err, "read");
	b->len += (size_t)got;
	return got;
}

int buf_read_all(struct buf *b, int fd, struct error *err)
{
	ssize_t got;
	char beyond;

	while (b->len < b->max) {
		got = buf_read(b, fd, err);
		if (got <= 0)
			return (int)got;
	}
	got = read_retry(fd, &beyond, 1);
	if (got == -1)
		return error_sys(err, "read");
	if (got == 1)
		return error_set(
		    err, ERR_LIMIT, "more than %zu bytes to read", b->max);
	return 0;
}
