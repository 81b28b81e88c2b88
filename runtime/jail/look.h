/*
 * look - what a running instance is doing, as the kernel's tables say.
 *
 * Numbers alone, read from /proc of its first process: who listens in its
 * network namespace. Asked by plan for one that did not listen in time.
 */
#pragma once
#include "instance.h"

/* Tell plan on which ports processes of in listen. */
void look_ports(struct jail *j, const struct instance *in);
