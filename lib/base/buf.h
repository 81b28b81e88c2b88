/*
 * buf - an owned, growing byte buffer, born with its limit.
 *
 * Append freely and check `bad` once: an append that would pass the limit
 * changes nothing but `bad`, and so does every later one until buf_clear().
 * What is appended may not lie in the buffer itself. The bytes are not
 * NUL-terminated, except by buf_z(). Used wherever bytes are gathered.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

struct buf {
	char *p;
	size_t len, cap;
	size_t max; /* bytes; never more than this */
	bool bad;   /* an append did not fit */
};

#define BUF_INIT(max_bytes)                                                    \
	{                                                                      \
		.max = (max_bytes)                                             \
	}

void buf_release(struct buf *b); /* frees; b keeps its limit and is empty */
#define scoped_buf __attribute__((cleanup(buf_release)))

void buf_add(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *z);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for n more bytes at p + len, NULL (and bad) when past the limit. */
char *buf_reserve(struct buf *b, size_t n);
void buf_consume(struct buf *b, size_t n); /* drop n bytes off the front */
void buf_clear(struct buf *b);             /* empty, keeps its memory */

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){b->p, b->len};
}

/* The content as a C string that b owns; "" when empty or bad. */
const char *buf_z(struct buf *b);

/*
 * Read once from fd to the end of b, up to its limit. Returns the bytes,
 * 0 at the end of file, -1 with err; EAGAIN gives -1 with err->sys EAGAIN,
 * a full buffer ERR_LIMIT.
 */
ssize_t buf_read(struct buf *b, int fd, struct error *err);
/* Read fd to its end. */
int buf_read_all(struct buf *b, int fd, struct error *err);
