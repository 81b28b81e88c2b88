/*
 * unit - the platform as a unit of systemd: say how it is, ask what is meant.
 *
 * Does nothing where systemd did not start us (no NOTIFY_SOCKET).
 *
 * systemd sends the same SIGTERM for `systemctl restart` and for `stop`, but
 * they mean different things here: a restart replaces the daemons and leaves
 * the apps alone, a stop (at shutdown, too) ends the apps as well. So super
 * asks systemd which job it is about.
 */
#pragma once
#include <stdbool.h>

#include "base/str.h"

bool unit_is_ours(void);            /* did systemd start us? */
void unit_notify(const char *text); /* "READY=1", "STOPPING=1" */
/* Is the unit being stopped, not restarted? False when systemd won't say. */
bool unit_is_stopped(void);
/* The same, of what `systemctl list-jobs` prints. Pure. */
bool unit_names_stop(struct str jobs, struct str unit);
