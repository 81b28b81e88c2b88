/*
 * jobs - what inner is called for. Each fills its report and says in the log
 * what people should know; 0 when it did its work, -1 when the report has the
 * error.
 */
#pragma once
#include <stdint.h>

#include "digest.h"
#include "life.h"
#include "report.h"

struct options {
	uint64_t files, bytes; /* most of a source, an image, a base image */
	char base[DIGEST_HEX]; /* the run image's layer; of an export */
};

/* The places of a build container of the platform's. */
struct life job_life(void);

/*
 * build: the source from descriptor 0 into /app, then detect, restore and the
 * buildpacks' bin/build. Leaves its layers and metadata.toml in /layers.
 */
int job_build(const struct options *o, struct report *r);
/* export: the layers of what build left, into /out, and the OCI config. */
int job_export(const struct options *o, struct report *r);
/* import: the tar on descriptor 0 becomes a layer in /out. */
int job_import(const struct options *o, struct report *r);
