/*
 * export - the layers of an image on top of the run image, its labels and its
 * config, into an OCI layout. Called by exporter and creator.
 */
#pragma once
#include "layout.h"
#include "session.h"

struct exporting {
	struct session *s;
	json_t *about;         /* as image.h has it; layers get their digests */
	const json_t *before;  /* label of the previous image: its buildpacks */
	const json_t *project; /* project metadata; NULL */
	struct layout run, previous;
	const char *run_name; /* as the platform named the run image */
	struct layout_out *out;
	/* made: */
	json_t *layers; /* [{digest, by}] above the base */
	json_t *label;  /* io.buildpacks.lifecycle.metadata */
	char digest[DIGEST_HEX];
	size_t size; /* of the manifest */
};

/* Export to x->out; digest and size are the manifest's. */
int export_image(struct exporting *x, struct error *err);
