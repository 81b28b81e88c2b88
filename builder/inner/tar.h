/*
 * tar - the canonical tar form of an entry, of which a layer's diffID is the
 * SHA-256.
 *
 * Pure. POSIX ustar; what does not fit its fields (a path or link target of
 * more than 100 bytes, a number too large) goes into a pax header before it,
 * and only that. Names of users are empty, there are no extended attributes,
 * access or change times. Any reader of OCI layers takes it.
 */
#pragma once
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define TAR_BLOCK 512
#define TAR_END (2 * TAR_BLOCK) /* zero bytes behind the last entry */

enum tar_type {
	TAR_FILE = '0',
	TAR_HARDLINK = '1',
	TAR_SYMLINK = '2',
	TAR_DIR = '5'
};

struct tar_entry {
	enum tar_type type;
	struct str path; /* relative; a folder's without the slash at its end */
	struct str link; /* of the two kinds of link */
	unsigned mode;
	uint64_t uid, gid;
	uint64_t size; /* of a file */
	uint64_t mtime;
};

/* Append the entry's header block or blocks to out. */
void tar_header(const struct tar_entry *e, struct buf *out);
/* Zero bytes that fill up the last block of a file's content. */
size_t tar_padding(uint64_t size);
