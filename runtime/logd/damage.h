/*
 * damage - the next whole record behind bytes that are none.
 *
 * Disks and kills leave such bytes. A record's length and checksum make it
 * all but certain that what is found is one.
 */
#pragma once
#include <stdint.h>

#define DAMAGE_MAX (1u << 20) /* bytes that are searched */

/* Its offset in fd behind `from`; -1 when there is none near. */
int64_t damage_skip(int fd, uint64_t from);
