/*
 * seccomp - the filter of every instance, as the JSON of an OCI config.
 *
 * Pure. An allow-list for one architecture (naming more makes each start
 * 9 ms slower, and one blocks the 32-bit ones too): what containers-common
 * allows, less what an app has no use for and kernels had holes in. What
 * isn't named fails with ENOSYS, so that libraries fall back; what programs
 * probe and then handle fails with EPERM.
 */
#pragma once
#include "base/buf.h"

/* Append the value of linux.seccomp. */
void seccomp_print(struct buf *out);
