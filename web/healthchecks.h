/*
 * healthchecks - what app.json declares about the health of its processes.
 *
 *   "healthchecks": {"web": [{"type": "startup", "path": "/ready"}, ...]}
 *
 * Dokku's form, with the words of other systems beside it: see the table of
 * keys. Read when a build has made an image, so that what is wrong fails the
 * build, and again whenever plan is told what to run. Owns what it parsed.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "wire/frame.h"

#define HEALTHCHECKS_MAX 8        /* of one process type */
#define HEALTHCHECKS_BYTES 10240u /* of all, as plan is told them */

struct healthchecks; /* opaque */

/*
 * app_json is what the image keeps of it; empty for none. ERR_INVALID says
 * what to write instead. What is returned may be NULL with no error: none
 * are declared; all functions take that.
 */
int healthchecks_read(
    struct str app_json, struct healthchecks **ret, struct error *err);
void healthchecks_free(struct healthchecks *h);
#define scoped_healthchecks __attribute__((cleanup(healthchecks_drop)))
void healthchecks_drop(struct healthchecks **h);

/* Is there a type named that the image does not have? Its name, or NULL. */
const char *healthchecks_stranger(const struct healthchecks *h,
    bool (*has)(void *arg, struct str type), void *arg);
/* Put the checks of type as F_CHECKs. */
void healthchecks_put(
    const struct healthchecks *h, struct str type, struct frame_out *o);
