#include "mask.h"

#include <stdlib.h>

#include "base/mem.h"

/* A long value is looked for in pieces: so little is ever held back. */
#define PIECE 128
#define HELD_MAX (1u << 20)

struct secret {
	char *p;
	size_t len;
};

struct mask {
	struct secret *v; /* the longest first */
	size_t n;
	bool first[256]; /* does one begin with this byte? */
	struct buf held; /* not told yet */
};

/* Values that are in every log and no secret. */
static const char *const plain[] = {
    "production", "development", "localhost", "127.0.0.1", "disabled"};

static bool is_plain(struct str value)
{
	for (size_t i = 0; i < NELEM(plain); i++)
		if (str_eqz(value, plain[i]))
			return true;
	return false;
}

/* --- what to look for ----------------------------------------------------- */

static void add_piece(struct mask *m, struct str piece)
{
	if ((m->n & (m->n - 1)) == 0)
		m->v = xrealloc(m->v, (m->n ? 2 * m->n : 1) * sizeof(*m->v));
	m->v[m->n++] = (struct secret){str_dup(piece), piece.len};
	m->first[(unsigned char)piece.p[0]] = true;
}

/* Each piece has at least MASK_LEAST bytes: the last one takes the rest. */
static void add_line(struct mask *m, struct str line)
{
	while (line.len > 0) {
		size_t n = line.len < PIECE + MASK_LEAST ? line.len : PIECE;

		add_piece(m, str_sub(line, 0, n));
		line = str_sub(line, n, line.len);
	}
}

static void add_value(struct mask *m, struct str value)
{
	struct str line;

	if (is_plain(value))
		return;
	while (value.len && str_split(&value, '\n', &line)) {
		if (str_ends(line, STR("\r")))
			line.len--;
		line = str_trim(line);
		if (line.len >= MASK_LEAST)
			add_line(m, line);
	}
}

static int longest_first(const void *a, const void *b)
{
	const struct secret *one = a, *two = b;

	return one->len < two->len ? 1 : one->len > two->len ? -1 : 0;
}

struct mask *mask_new(struct str config)
{
	struct mask *m = xcalloc(1, sizeof(*m));
	struct str item, key;

	m->held = (struct buf)BUF_INIT(HELD_MAX);
	while (config.len && str_split(&config, '\0', &item))
		if (str_split(&item, '=', &key) && item.len)
			add_value(m, item);
	if (m->n)
		qsort(m->v, m->n, sizeof(*m->v), longest_first);
	return m;
}

void mask_free(struct mask *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		explicit_bzero(m->v[i].p, m->v[i].len);
		free(m->v[i].p);
	}
	free(m->v);
	buf_release(&m->held);
	free(m);
}

/* --- the stream ----------------------------------------------------------- */

/*
 * What begins at p: the length of a value, 0 for none. *partial when more of
 * the stream (unless that is its end) may still turn it into one.
 */
static size_t match(const struct mask *m, struct str p, bool end, bool *partial)
{
	*partial = false;
	if (!m->first[(unsigned char)p.p[0]])
		return 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct secret *s = &m->v[i];
		size_t n = s->len < p.len ? s->len : p.len;

		if (memcmp(s->p, p.p, n) != 0)
			continue;
		if (n == s->len)
			return n;
		if (end)
			continue;
		*partial = true;
		return 0;
	}
	return 0;
}

/* Tell what is held; at the end a beginning alone is nothing. */
static void tell(struct mask *m, bool end, struct buf *out)
{
	struct str in = buf_str(&m->held);
	size_t at = 0, told = 0;

	if (in.len == 0)
		return;
	while (at < in.len) {
		bool partial;
		size_t n = match(m, str_sub(in, at, in.len), end, &partial);

		if (partial)
			break;
		if (n) {
			buf_add(out, str_sub(in, told, at));
			buf_addz(out, MASK_WORD);
			told = at + n;
		}
		at += n ? n : 1;
	}
	buf_add(out, str_sub(in, told, at));
	buf_consume(&m->held, at);
}

void mask_feed(struct mask *m, struct str in, struct buf *out)
{
	if (m->n == 0) {
		buf_add(out, in);
		return;
	}
	buf_add(&m->held, in);
	tell(m, false, out);
}

void mask_end(struct mask *m, struct buf *out)
{
	tell(m, true, out);
}
