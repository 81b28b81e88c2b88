/*
 * vars - config vars in the form in which they travel: "KEY=VALUE\0"...
 *
 * Pure. The order in which they were set is kept. Called by release.c,
 * web/api and the unit tests.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/* Take one off the front of *env; false at the end. */
bool vars_next(struct str *env, struct str *ret_key, struct str *ret_value);
bool vars_get(struct str env, struct str key, struct str *ret);

struct var_change {
	struct str key, value; /* borrowed */
	bool remove;
};

struct vars_limits {
	uint64_t value_bytes, total_bytes;
};

/* May the key and value be set? Says what to do otherwise. */
int vars_check(const struct var_change *c, const struct vars_limits *limits,
    struct error *err);

/*
 * Append env with the changes to out. Appends the release's description
 * ("Set A, B config vars") to what, nothing when no value differs.
 */
int vars_apply(struct str env, const struct var_change *changes, size_t n,
    const struct vars_limits *limits, struct buf *out, struct buf *what,
    struct error *err);
