/*
 * tips - what a ref would point to: does it exist, and is it of a right type?
 *
 * Reads the repository in the current folder, and a quarantine beside it.
 * Whatever is in either is complete: git index-pack --strict refuses a pack
 * that names an object which is neither in it nor in the repository, and
 * nothing else ever gets in. So a tip that exists has all its history.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

struct tips; /* opaque */

struct tips *tips_open(struct error *err);
void tips_close(struct tips *t); /* NULL is fine */

/* Look in this folder of objects too. */
int tips_add(struct tips *t, const char *objects, struct error *err);
/* Is there an object with this id (40 hex digits)? */
bool tips_has(struct tips *t, struct str id);
/* Why ref name can't point to id, or NULL when it can. */
const char *tips_refusal(struct tips *t, struct str name, struct str id);

static inline void tips_closep(struct tips **t)
{
	tips_close(*t);
}
#define scoped_tips __attribute__((cleanup(tips_closep)))
