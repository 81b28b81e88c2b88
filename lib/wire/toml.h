/*
 * toml - TOML 1.0: text in, a tree out; and the two pieces a writer needs.
 *
 * Our own and no library: the launcher is static and some kilobytes, and what
 * is parsed is a stranger's, so limits on size, depth and nodes come first.
 * All of the public toml-test suite is asked of it (tests/flow).
 *
 * Pure and bounded. A document owns its tree; strings in it are decoded and
 * may hold NULs. Called by inner (buildpack.toml, build plans, layer files),
 * by the launcher (metadata.toml), by the unit tests and by the fuzzer.
 * Errors name the line.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define TOML_BYTES_MAX (1u << 20) /* of one document */
#define TOML_DEPTH_MAX 32         /* tables and arrays inside each other */
#define TOML_NODES_MAX 100000

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOLEAN,
	TOML_DATETIME, /* of all four kinds; only its text is kept */
	TOML_ARRAY,
	TOML_TABLE
};

struct toml {
	enum toml_type type;
	struct str key;  /* its name, when it stands in a table */
	struct str text; /* a string's value; others as they were written */
	int64_t integer;
	double real;
	bool boolean;
	struct toml *first, *last; /* items of an array, values of a table */
	struct toml *next;         /* the sibling, in order of appearance */
	unsigned line;
	unsigned id_, how_, depth_; /* the parser's own */
};

struct toml_doc; /* opaque */

/* Parse a whole document. Frees nothing of text, keeps nothing of it. */
int toml_parse(struct str text, struct toml_doc **ret, struct error *err);
void toml_free(struct toml_doc *d); /* NULL is fine */
void toml_freep(struct toml_doc **d);
#define scoped_toml __attribute__((cleanup(toml_freep)))

const struct toml *toml_root(const struct toml_doc *d);

/* Loop over a table's values or an array's items; of may be NULL. */
#define toml_each(item, of)                                                    \
	for (const struct toml *item = (of) ? (of)->first : NULL; item;        \
	     item = item->next)

/* The value of key; NULL when t is NULL, no table, or has no such key. */
const struct toml *toml_get(const struct toml *t, const char *key);
/* The same if it is of this type, NULL otherwise. */
const struct toml *toml_get_as(
    const struct toml *t, const char *key, enum toml_type type);
/* The string at key; empty with p NULL when there is none. */
struct str toml_get_str(const struct toml *t, const char *key);

/* Write a key (bare where it can be) or a string as a basic string. */
void toml_add_key(struct buf *out, struct str key);
void toml_add_string(struct buf *out, struct str s);
