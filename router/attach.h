/*
 * attach - rendezvous secrets: who presents one is joined to an instance.
 *
 * Owns the table that web fills. A secret is used once and forgotten when
 * its time is over.
 */
#pragma once
#include <stdint.h>

#include "base/str.h"
#include "ev/ev.h"

#define ATTACH_MAX 4096 /* secrets at a time */

struct router;
struct map;

struct attach {
	struct map *secrets;
	struct ev_timer sweep;
};

void attach_init(struct attach *a);
void attach_release(struct attach *a);
void attach_add(
    struct router *r, struct str secret, uint64_t instance, uint64_t ms);
/* The instance that secret is for, 0 when it is not known. */
uint64_t attach_find(struct router *r, struct str secret);
void attach_forget(struct router *r, struct str secret);
