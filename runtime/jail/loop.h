/*
 * loop - file systems in files: ext4 in a sparse image on a loop device.
 *
 * The device goes with the last mount of it (autoclear), so whoever is killed
 * in between leaves none. One image never gets two devices: a second mount
 * shares the first one's. mke2fs and e2fsck run as a user of their own that
 * owns the image and nothing else, and get it as an open file. Called by
 * disk.c and volume.c; owns nothing.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ev/ev.h"

/* What is in fd, of so many bytes, becomes an empty file system. */
int loop_format(int image, uint64_t bytes, uint64_t inodes, bool journal,
    struct error *err);

/* A mount of the image that is nowhere yet: nosuid, nodev. Its journal is
 * replayed by that. */
int loop_mount(int image, struct error *err);

/* Has the kernel found it damaged? It is to be repaired before it is mounted.
 */
bool loop_is_damaged(int image);
/* Start to repair it; c tells when that is over. */
int loop_repair(
    struct ev *ev, struct ev_child *c, int image, struct error *err);

/*
 * The image, and what is mounted of it as fd, grow to so many bytes.
 * ERR_FORBIDDEN where root may not do that while it is in use.
 */
int loop_grow(int image, int mounted, uint64_t bytes, struct error *err);

/* Has the file grown, and its file system not? */
bool loop_is_smaller(int image);
/* The same for one that is nowhere mounted. */
int loop_grow_unused(int image, struct error *err);
