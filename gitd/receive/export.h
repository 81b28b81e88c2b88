/*
 * export - stream a commit's tree to a build, in the form of wire/source.h.
 *
 * Objects are read one by one from the repository in the current folder: no
 * checkout, no index, no filters, no attributes. The whole tree is walked
 * and held against the limits before the first byte is written.
 */
#pragma once
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct export_job {
	int conn; /* to builder */
	int out;  /* the pipe */
	struct str commit;
	uint64_t max_bytes, max_files;
};

/* Do the job and send EXPORT_DONE. On failure the caller sends ERROR. */
int export_stream(const struct export_job *job, struct error *err);
