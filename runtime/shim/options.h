/*
 * options - what jail asks of a shim: its arguments and PAAS_SHIM.
 *
 * Pure but for argv, which it borrows. Called by main and the unit tests.
 *   paas-shim RUN/i/ID NAME UID MODE RUNTIME OWNER_UID:OWNER_GID [CONTAINER]
 *   PAAS_SHIM=segment_bytes,segments
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define PATH_ROOM 160 /* of a path below RUN/i/ID; sun_path is shorter */

enum mode {
	MODE_LOG,  /* output becomes log segments */
	MODE_PTY,  /* a terminal that waits for a client */
	MODE_PIPE, /* pipes that wait for a client */
	MODE_JOB   /* descriptors that builder gave */
};

struct options {
	const char *folder; /* RUN/i/ID, borrowed */
	const char *id;     /* the last part of folder */
	uint64_t instance;  /* the same as a number */
	const char *name;   /* of the log's files */
	uid_t app_uid;      /* host id of the app's user */
	enum mode mode;
	const char *runtime;
	const char *container; /* run inside this one; NULL: a new one */
	uid_t uid;             /* whom the shim becomes */
	gid_t gid;
	uint64_t segment_bytes, segments; /* of MODE_LOG alone */
	char root[PATH_ROOM];             /* RUN/crun, the runtime's state */
};

/* settings is what PAAS_SHIM says, or NULL. */
int options_parse(int argc, const char *const *argv, const char *settings,
    struct options *ret, struct error *err);
