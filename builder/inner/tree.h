/*
 * tree - folders that somebody hostile may have filled: nothing here follows
 * a symbolic link, and every walk has its bounds.
 *
 * Paths are relative to an open folder, parts joined by single slashes.
 */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define TREE_DEPTH_MAX 200     /* folders inside each other: one fd each */
#define TREE_PATH_MAX 4000     /* bytes of a path; the kernel's limit is 4096 */
#define TREE_NAMES_MAX 1000000 /* entries of one folder */

/* The names in a folder, sorted bytewise. */
struct tree_names {
	char **v;
	size_t n;
};
int tree_names(int dir, struct tree_names *ret, struct error *err);
void tree_names_release(struct tree_names *t);
#define scoped_names __attribute__((cleanup(tree_names_release)))

/*
 * Open the folder that path's last part stands in, and point *ret_name at
 * that part. Missing folders are made, 0755, when make is set.
 */
int tree_open_parent(int root, const char *path, bool make,
    const char **ret_name, struct error *err);
/* What stands at path: 1 and *ret, 0 for nothing, -1. */
int tree_stat(int root, const char *path, struct stat *ret, struct error *err);
/* Read the regular file at path into b; ERR_NOT_FOUND when there is none. */
int tree_read(int root, const char *path, struct buf *b, struct error *err);
/* Write a file at path, its folders made; one that is there is replaced. */
int tree_write(int root, const char *path, struct str bytes, mode_t mode,
    struct error *err);

/* Remove name in dir with all below; closed folders of ours are opened. */
int tree_remove(int dir, const char *name, struct error *err);
/* Copy a folder's files, folders and links to name in to, modes kept. */
int tree_copy(int from, int to, const char *name, struct error *err);
