/*
 * plan - the closed list of verbs that plan may have done, one row each.
 *
 * Plan is the only peer on jail.sock. When it connects it gets every
 * instance there is (STATES_BEGIN .. END), then each change.
 */
#pragma once
#include "jail.h"

void plan_listen(struct jail *j, int fd);
