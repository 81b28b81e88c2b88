/* peers - who is connected: the listener, the connectors, what comes in. */
#pragma once
#include "loop.h"

/* fd is the listening plan.sock, owned by the caller. */
void peers_open(struct plan *p, int fd, const struct roles *roles);
void peers_close(struct plan *p);
