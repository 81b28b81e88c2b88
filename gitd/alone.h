/*
 * alone - gitd without a platform: for git's own tests, and behind ssh.
 *
 * Runs as the user who started it; no login, no builds. Repositories are
 * what is in a folder, and are never made.
 */
#pragma once
#include "gitd.h"

/* Serve DIR/NAME.git on a loopback address until SIGTERM. */
int alone_serve(
    struct gitd *g, const char *dir, const char *listen, struct error *err);
/* Speak receive-pack of one repository on the standard streams. */
int alone_receive(struct gitd *g, const char *dir, struct error *err);
