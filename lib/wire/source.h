/*
 * source - a commit's tree on a pipe, from export to inner.
 *
 * Pure. On the wire, little endian: u8 type, u16 path length, u64 size, the
 * path, then size bytes (a link's target, a file's content). Types: 'd'
 * folder (size 0), 'f' file, 'x' executable file, 'l' symbolic link, 'm' a
 * submodule (size 0, an empty folder is made), 'e' the end (no path). A
 * folder comes before what is in it. Paths are relative, in git's order.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

#define SOURCE_HEAD 11
#define SOURCE_PATH_MAX 4096
#define SOURCE_LINK_MAX 4095

struct source_entry {
	char type;
	struct str path; /* borrowed */
	uint64_t size;
};

/*
 * Take an entry's head and path: the bytes taken, 0 for more needed, -1
 * malformed. A path is refused if it is absolute, empty, has an empty, "."
 * or ".." part, a NUL, or a part longer than 255 bytes.
 */
ssize_t source_parse(
    struct str in, struct source_entry *ret, struct error *err);
void source_head(const struct source_entry *e, unsigned char out[SOURCE_HEAD]);
