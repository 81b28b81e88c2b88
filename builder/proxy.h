/*
 * proxy - the host's proxy settings, which build containers get too.
 */
#pragma once
#include "base/str.h"

#define PROXY_MAX 6

struct proxy {
	char *env[PROXY_MAX + 1]; /* "KEY=value"; NULL at the end */
};

/* From the text of /etc/environment; other variables are none of ours. */
void proxy_parse(struct str text, struct proxy *ret);
/* Read the file; a host without one has no proxy. Call it before landlock. */
void proxy_read(struct proxy *ret);
