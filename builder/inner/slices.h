/*
 * slices - parts of the app's folder that become layers of their own, by the
 * globs of launch.toml; what no slice takes is the rest.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct slices; /* opaque */

/* Which file of folder app (absolute) is in which slice: the first that fits.
 */
struct slices *slices_new(
    const char *app, const json_t *slices, struct error *err);
void slices_free(struct slices *s);          /* NULL is fine */
size_t slices_count(const struct slices *s); /* the rest is one more */
/* Choose the slice that slices_want is about: 1..count, 0 for the rest. */
void slices_choose(struct slices *s, size_t slice);
/* For struct pack: is this path (from the root) part of the chosen slice? */
bool slices_want(void *slices, const char *path);
