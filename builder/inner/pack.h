/*
 * pack - a tree becomes a layer: hashed in its canonical tar form while it
 * is copied, in one read.
 *
 * The tree may be hostile: links are never followed, sockets, pipes and
 * device nodes are left out, and what is copied has its bounds. The same
 * tree gives the same digest wherever and whenever it is packed.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "digest.h"

#define PACK_UID 1000       /* owner of what buildpacks make, and its group */
#define PACK_TIME 315532801 /* 1980-01-01T00:00:01Z, of every file */

enum {
	PACK_KEEP_IDS = 1,   /* owner and whole mode as they are on disk */
	PACK_KEEP_TIMES = 2, /* mtime as it is on disk, in whole seconds */
	PACK_OWNER = 4       /* uid and gid below; folders above as on disk */
};

struct pack {
	int root; /* paths of the image start here */
	int out;  /* folder of the new layer; -1: hash only */
	unsigned keep;
	uint32_t uid, gid; /* with PACK_OWNER */
	/* gets the tar, too, as it is made; or NULL */
	int (*sink)(void *arg, struct str bytes, struct error *err);
	void *sink_arg;
	/* is this one part of the layer? NULL: all are */
	bool (*want)(void *arg, const char *path);
	void *want_arg;
	uint64_t files, bytes; /* what may still be packed; counted down */
	uint64_t skipped;      /* entries left out, counted up */
};

/*
 * Pack path (and the folders above it, 0755 and owned by PACK_UID) into a
 * layer; "" packs all that is in root. Writes the diffID.
 */
int pack_tree(struct pack *p, const char *path, char ret_digest[DIGEST_HEX],
    struct error *err);
