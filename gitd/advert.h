/*
 * advert - what receive-pack says first: the refs, and what it can do.
 *
 * Pure, but for the list of refs that the caller made.
 */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "reflist.h"

#define ADVERT_MAX (8u << 20) /* the most refs with long names fit */

/*
 * Append it: with the "# service" line of HTTP, and "version 1" for a client
 * that asks for that.
 */
void advert_build(
    struct buf *out, const struct reflist *refs, bool http, bool version1);
