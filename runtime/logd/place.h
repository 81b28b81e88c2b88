/*
 * place - how far a drain is, as a small file of logd's own.
 *
 * "paas-drain 1 LOST SINCE_US\n", the lines of reader_save, then a line of the
 * crc32c of all before it in 8 hex digits. Written aside and renamed without
 * waiting for the disk: what a power cut leaves is an older place, or one
 * that is torn and so counts as none; then lines are sent once more.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define PLACE_MAX (512u * 1024)

struct place {
	uint64_t lost, since_us; /* lines to tell of, since when */
	struct str streams;      /* of reader_save */
};

void place_put(struct buf *out, const struct place *p);
/* False when it is not whole. */
bool place_parse(struct str text, struct place *ret);

int place_write(
    int dir, const char *name, const struct place *p, struct error *err);
