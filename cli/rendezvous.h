/*
 * rendezvous - join this terminal to a one-off instance.
 *
 * The attach URL is asked with `Upgrade: rendezvous`; after the answer 101
 * bytes go both ways until the instance ends.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"

/*
 * Relay stdin and stdout until the end. raw: give every key through.
 * *ret_code is the command's exit code, -1 when none came.
 */
int rendezvous(const char *url, bool raw, int *ret_code, struct error *err);
