/*
 * room - how much memory is free for more instances, and what an app's use.
 *
 * Free is what the kernel calls available, at most what is left of the memory
 * that instances share (the setting host_memory) by what they all use now.
 * Asked by plan before a release starts beside the one before it.
 */
#pragma once
#include <stdint.h>

#include "base/str.h"
#include "jail.h"

/* Answer plan with MSG_ROOM. */
void room_tell(struct jail *j, uint64_t app);
/* Bytes available, from the text of /proc/meminfo; 0: not said. Pure. */
uint64_t room_available(struct str meminfo);
