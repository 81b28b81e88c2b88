/*
 * str - a borrowed slice of bytes, passed by value; may hold NULs.
 *
 * Owns nothing. Used by everything that looks at somebody else's bytes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

struct str {
	const char *p;
	size_t len;
};

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define STR(literal) ((struct str){literal, sizeof(literal) - 1})
#define STR_FMT "%.*s" /* printf("x=" STR_FMT, STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).p

static inline struct str str_make(const void *p, size_t len)
{
	return (struct str){p, len};
}

/* A C string as a slice; NULL gives the empty slice. */
static inline struct str str_z(const char *z)
{
	return (struct str){z, z ? strlen(z) : 0};
}

/* The bytes from..to of s; both are clamped to its length. */
static inline struct str str_sub(struct str s, size_t from, size_t to)
{
	to = to > s.len ? s.len : to;
	from = from > to ? to : from;
	return (struct str){s.p + from, to - from};
}

bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *z);
bool str_eq_nocase(struct str a, struct str b); /* ASCII */
int str_cmp(struct str a, struct str b);        /* bytewise order */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
struct str str_trim(struct str s); /* spaces and tabs off both ends */

/* Index of byte c (or of needle) in s, -1 when it is not there. */
ssize_t str_find(struct str s, char c);
ssize_t str_find_str(struct str s, struct str needle);

/*
 * Split at the first c: *ret_head is what stands before it, *rest what
 * follows. Without a c the head is all and rest is empty with p NULL.
 * False when *rest had p NULL already: `while (str_split(&r, ',', &item))`.
 */
bool str_split(struct str *rest, char c, struct str *ret_head);

/* Digits only, no sign, no space, at most max. False when s is not that. */
bool str_u64(struct str s, uint64_t max, uint64_t *ret);

/* Copy s into out, which has size bytes: cut to fit, with a NUL. */
void str_copy(struct str s, char *out, size_t size);

/* A fresh NUL-terminated copy; the caller frees it. Aborts on no memory. */
char *str_dup(struct str s);

/* Equal in time that depends on the lengths only. For secrets. */
bool str_eq_secret(struct str a, struct str b);

/* 1 to 16 hex digits of either case. False when s is not that. */
bool str_hex(struct str s, uint64_t *ret);

/* The value of a hex digit (lower or upper case), -1 for any other byte. */
int hex_value(char c);
/* Lower-case hex of n bytes into out, which has 2 * n + 1 bytes. */
void hex_encode(const void *p, size_t n, char *out);
/* 2 * n hex digits of s into n bytes of out. False when s is not that. */
bool hex_decode(struct str s, size_t n, void *out);
