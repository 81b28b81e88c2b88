/*
 * adopt - what an earlier jail left: instances that run go on, what was
 * half-made goes away.
 */
#pragma once
#include "jail.h"

/* Before anything new is made, and before plan is heard. */
void adopt_all(struct jail *j);

/*
 * End and remove everything of this slot: processes, mounts, groups,
 * network. For a full stop, when no jail runs. Returns the exit code.
 */
int adopt_clean(struct jail *j);
