/*
 * host - what the platform needs of the machine, asked once at start.
 */
#pragma once
#include "base/error.h"
#include "proc/settings.h"

/* The first thing that is missing, in one line that says what to do. */
int host_check(const struct settings *s, struct error *err);
