/*
 * peers - the frames: who is connected, and which frame goes where.
 */
#pragma once
#include "web.h"

/* Listen on fd for gitd and builder; connect to router, plan and logd. */
void peers_open(struct web *w, int fd, const struct roles *roles);
