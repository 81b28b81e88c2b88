/*
 * disk - the disk of one instance whose size has one: its writable files.
 *
 * An image in STATE/store/disk that loses its name before anything is in it:
 * it lives as long as it is mounted, and nobody has to remove it. What it is
 * copied from, an empty file system of that many bytes and inodes, is made
 * once and kept beside (NAME t-BYTES-INODES); an empty one takes some 100 KB.
 * Called by bundle.c and main.c.
 */
#pragma once
#include "jail.h"

/* On dir/name, with folders u (0:0 of base) and w, as root_upper. */
int disk_upper(struct jail *j, int dir, const char *name, uint64_t bytes,
    uint64_t inodes, uint32_t base, struct error *err);

/* At start: what a jail that was killed left half-made. */
void disk_sweep(struct jail *j);

/* Are so many bytes free on the state's disk? ERR_LIMIT tells both. */
int disk_room(
    const struct jail *j, uint64_t bytes, const char *what, struct error *err);
