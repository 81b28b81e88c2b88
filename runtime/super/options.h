/*
 * options - the command line and the config file of `paas server`.
 *
 * Called by main alone. Flags win over the file, the file over defaults.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "proc/settings.h"

struct options {
	struct settings settings;
	bool detach, keep, login, stop, help, sample;
	const char *print;   /* name of a setting to print, or NULL */
	const char *restart; /* the daemon to restart, or "all", or NULL */
	bool domain_given;
};

/* Read argv (without the program's name) and the config file. */
int options_read(char **argv, struct options *ret, struct error *err);
/* The text of --help. */
void options_help(struct buf *out);
