/*
 * shape - rows of the store as the JSON of the Platform API.
 *
 * Each returns a fresh value that the caller owns.
 */
#pragma once
#include <jansson.h>

#include "dynos.h"
#include "web.h"

#define REGION "local"

int64_t shape_now(void);             /* seconds since 1970 */
json_t *shape_time(int64_t seconds); /* null for 0 */
json_t *shape_account(const struct account *a);
json_t *shape_token(
    const struct token *t, const struct account *a, const char *secret);
json_t *shape_app(struct web *w, const struct app *a);
/* current: the version of the app's newest release that succeeded. */
json_t *shape_release(const char *base, const struct app *a,
    const struct release *r, uint64_t current);
json_t *shape_formation(
    struct web *w, const struct app *a, const struct formation *f);
json_t *shape_dyno(struct web *w, const struct app *a, const struct dyno *d);
json_t *shape_build(struct web *w, const char *base, const struct app *a,
    const struct build *b);
json_t *shape_domain(
    struct web *w, const struct app *a, const struct domain *d);
json_t *shape_collaborator(const struct app *a, const struct account *who,
    const char *uuid, int64_t created_at, bool owner);
json_t *shape_region(void);
json_t *shape_stack(void);

json_t *shape_size(const struct web *w, const struct size *size);

/* An instance's number in the form of a UUID. */
void shape_instance_uuid(uint64_t instance, char out[37]);
