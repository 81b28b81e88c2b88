/*
 * rendezvous - join this terminal to a one-off instance.
 *
 * The attach URL is asked with `Upgrade: rendezvous`; after the answer 101
 * bytes go both ways until the instance ends.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"

struct session {
	const char *url;
	bool raw; /* a terminal: every key goes through */
	/* Called when the window has another size; it may not block. */
	void (*resized)(void *arg);
	void *arg;
};

/*
 * Relay stdin and stdout until the end; *ret_code is the command's exit code,
 * -1 when none came.
 */
int rendezvous(const struct session *s, int *ret_code, struct error *err);
