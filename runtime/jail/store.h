/*
 * store - the image store and the folders that builds work in.
 *
 *   STATE/store/layers/DIGEST/         a layer, never changed
 *   STATE/store/blobs/sha256/DIGEST    a file, never changed
 *   STATE/store/work/ID/               one build's: out/ (becomes layers and
 *                                      blobs), up/ (tmpfs), lease (its range)
 *   STATE/store/cache/APP/             an app's caches
 *   STATE/store/disk/                  see disk.h
 *   STATE/store/trash/                 what is being removed
 *
 * All of it is owned in the store's range of ids. Called by plan.c and make.c.
 */
#pragma once
#include <stdint.h>

#include "jail.h"

struct work {
	uint64_t id, app;
	uint32_t range; /* holds a share of the app's lease */
	int dir;        /* its folder */
	bool upper;     /* up/ is mounted */
};

enum store_kind { STORE_LAYER, STORE_BLOB };

/* Find the works there are, take away what was being removed. */
int store_open(struct jail *j, struct error *err);
void store_close(struct jail *j);

/* The work's folder, made when it is new. */
int store_work(struct jail *j, uint64_t id, uint64_t app, struct work **ret,
    struct error *err);
/* Its upper, mounted on first use. */
int store_work_upper(
    struct work *w, uint64_t bytes, uint64_t inodes, struct error *err);
void store_work_drop(struct jail *j, uint64_t id);

/* Open the app's cache folder, made when it is new. */
int store_cache(struct jail *j, uint64_t app, struct error *err);

/* Move work/ID/out/NAME to its place; what is there already is fine. */
int store_put(struct jail *j, uint64_t work, struct str name, struct str digest,
    enum store_kind kind, struct error *err);
int store_has(
    struct jail *j, struct str digest, enum store_kind kind, struct error *err);

void store_cache_drop(struct jail *j, uint64_t app);

/* Remove what an app has on disk beside images: cache and logs. */
void store_app_drop(struct jail *j, uint64_t app);
