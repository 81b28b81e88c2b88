/*
 * peers - the connections to web and plan, and what comes over them.
 *
 * Either may go away at any time. web gone: builds go on, and what it should
 * know is told when it is back. plan gone: it ends our jobs, so builds start
 * again from their beginning.
 */
#pragma once
#include "builder.h"

/* Connect and stay connected, for good. */
void peers_connect(struct builder *b);
