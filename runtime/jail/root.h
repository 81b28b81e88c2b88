/*
 * root - the file system of an instance: layers below, a bounded upper above.
 *
 * Layers are owned in the store's range of ids on disk; each is mounted
 * id-mapped to the app's range, so that what is root's in a layer is root's
 * inside and nobody's outside. All mounts are nosuid and nodev. Mount points
 * are in the instance's folder; root_undo takes them all back. Called by
 * bundle.c, store.c, disk.c, volume.c and the clean-up; owns mounts alone.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

#define ROOT_VOLUMES_MAX 32 /* of an instance: m/v0, m/v1 ... */
#define ROOT_LAYERS_MAX 400 /* the kernel's limit for overlayfs is 500 */

/*
 * A user namespace whose map carries the store's ids to those from base on:
 * what id-mapped mounts need. Returns its descriptor.
 */
int root_userns(uint32_t base, struct error *err);
/* In a child of ours: SIGKILL when its parent ends, or has ended already. */
void end_with_parent(pid_t parent);

/* An upper: a tmpfs on dir/name with folders u (0:0 of base) and w. */
int root_upper(int dir, const char *name, uint64_t bytes, uint64_t inodes,
    uint32_t base, struct error *err);

/* Those folders on what is mounted on dir/name already. */
int root_upper_folders(
    int dir, const char *name, uint32_t base, struct error *err);

struct root_layers {
	int store;                 /* STATE/store/layers */
	int userns;                /* of the app's range */
	const struct str *digests; /* base first */
	size_t n;
};
/*
 * Mount the overlay on folder/root, with the upper folders of the tmpfs at
 * the path upper (relative to folder or absolute). folder is open.
 */
int root_overlay(int folder, const struct root_layers *layers,
    const char *upper, struct error *err);

/* An empty, bounded root that belongs to base, on folder/root. */
int root_empty(int folder, uint64_t bytes, uint32_t base, struct error *err);

/*
 * Mount what is open as from on folder/m/name: id-mapped by userns, or as it
 * is with -1.
 */
int root_share(int folder, const char *name, int from, int userns,
    bool readonly, struct error *err);
/* The same for any path: a plain bind mount that others' programs can reach. */
int root_bind(
    int dir, const char *name, int from, bool readonly, struct error *err);

/* Take back all mounts in an instance's folder. */
void root_undo(int folder);
/* Take back the mount on dir/name, if there is one. */
void root_unmount(int dir, const char *name);
/* Take back every mount at or below path. */
void root_unmount_below(const char *path);
