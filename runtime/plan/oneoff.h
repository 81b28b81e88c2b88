/*
 * oneoff - what is kept to start a one-off, a release phase or a job.
 *
 * Such an instance is started by what a frame brought and not by a release:
 * struct pending holds it (args, layers, descriptors, limits) until jail says
 * that it runs, so that it can be asked for again when jail comes back, and
 * who waits for the answer. Owned by its instance; freed by who removes that.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proc/settings.h"
#include "wire/frame.h"

struct asker {
	uint64_t peer; /* peer_id of the connection that asked */
	uint32_t id;   /* of its frame; 0: nobody waits */
};

struct pending {
	struct asker asker;
	struct size_limits limits;
	uint64_t attached, pty, rows, cols;
	char *command;        /* NULL for a job */
	struct buf args, env; /* each with a NUL behind */
	char *volumes;        /* as volumes_copy has them */
	char *layers;         /* digests, base first, each with a newline */
	int fds[4];           /* as MSG_INSTANCE_START has them */
	int nfds;
};

/*
 * From a RUN frame, whose limits are those of apps, or from a JOB frame. One
 * that runs inside another has no layers of its own.
 */
struct pending *pending_run(struct frame *f, const struct settings *s);
struct pending *pending_job(struct frame *f);
/* A command with the code, config and volumes of a release. */
struct want;
struct pending *pending_cron(
    const struct want *w, const char *command, const struct settings *s);
/* The size that a RUN frame asks for. */
struct str pending_size(const struct frame *f);
void pending_free(struct pending *p); /* closes fds; NULL is fine */
/* Everything but the labels of an INSTANCE_START. */
void pending_put(const struct pending *p, struct frame_out *o);

/* F_LAYER* of f, each with a newline behind; the caller frees it. */
char *layers_copy(const struct frame *f);
void layers_put(const char *layers, struct frame_out *o);

/* The groups of F_VOLUME in f, a line "ID BYTES PATH\n" each; the caller
 * frees it. */
char *volumes_copy(const struct frame *f);
void volumes_put(const char *volumes, struct frame_out *o);

/* Of an INSTANCE_START. */
void limits_put(const struct size_limits *l, struct frame_out *o);

#define LAUNCHER "/cnb/lifecycle/launcher" /* in every root */
