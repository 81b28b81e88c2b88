/*
 * ui - the dashboard's files, built into this program.
 *
 * The files lie beside this header and are put in by the assembler as they
 * are: no build step. A new one gets a row in assets.c.
 */
#pragma once
#include <stddef.h>

#include "base/str.h"

#define UI_ETAG_MAX 24 /* bytes, quotes and NUL included */

struct ui_file {
	const char *path; /* of the request: "/", "/ui/app.js" */
	const char *type; /* Content-Type */
	const unsigned char *data;
	size_t len;
};

/* The file for this request path; NULL: there is none. */
const struct ui_file *ui_find(struct str path);
/* Its ETag, in quotes. It changes with the content. */
void ui_etag(const struct ui_file *f, char out[UI_ETAG_MAX]);
