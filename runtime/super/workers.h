/*
 * workers - programs made on demand, one for each connection, like inetd.
 *
 * A connection to receive.sock (from gitd) or export.sock (from builder)
 * gets a fresh paas-receive under its own user, with the connection as
 * descriptor 0, one to outbound.sock (from logd) a paas-outbound. At most 2 a
 * core of the first run at once, and 2 of the last; further ones wait.
 */
#pragma once
#include "ev/ev.h"
#include "ipc/role.h"
#include "programs.h"
#include "sockets.h"

struct workers; /* opaque */

struct workers *workers_new(struct ev *ev, const struct programs *programs,
    const struct sockets *sockets, const struct roles *roles, int conf);
void workers_free(struct workers *w);
