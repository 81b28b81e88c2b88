/*
 * connect - a connection to the unix socket of a daemon or of super.
 *
 * Descriptors are SOCK_SEQPACKET, nonblocking and the caller's. Called by
 * peer.c, and by the daemons that have workers made.
 */
#pragma once
#include "base/error.h"

int ipc_connect_fd(const char *path, struct error *err);
/*
 * Ask super for a worker: a connection to RUN/NAME.sock, for ipc_adopt. A
 * worker takes it; super closes it when it can't make one.
 */
int ipc_ask(const char *run, const char *name, struct error *err);
