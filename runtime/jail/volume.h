/*
 * volume - the persistent folders of apps.
 *
 *   STATE/volumes/APP/ID   an ext4 image as large as its quota, sparse
 *   RUN/v/APP-ID/          where it is mounted while anything of the app is
 *                          there; the folder d in it is what apps see
 *
 * One mount a volume, however many instances have it: each gets a clone,
 * id-mapped to the app's range (on disk all is owned in the store's range).
 * The image is whole under its name or not there. A kill at any step leaves
 * what the next start takes up or takes away. Called by plan.c (make, drop),
 * bundle.c (open), instance.c (idle) and main.c (sweep).
 */
#pragma once
#include "jail.h"
#include "root.h"

#define VOLUMES_MAX ROOT_VOLUMES_MAX

struct volume {
	uint64_t id, bytes;
	struct str path; /* borrowed: where the instance has it */
};

/*
 * The folder of a volume, made, grown and mounted as need be: a descriptor.
 * ERR_UNAVAILABLE while it is being repaired, ERR_LIMIT without room.
 */
int volume_open(
    struct jail *j, uint64_t app, const struct volume *v, struct error *err);
/* The volumes of an order, on its folder's m/v0, m/v1 ... */
int volumes_share(struct jail *j, uint64_t app, int folder,
    const struct volume *v, size_t n, int userns, struct error *err);

/* Nothing is left of it but what instances still have mounted. */
int volume_drop(struct jail *j, uint64_t app, uint64_t id, struct error *err);
/* The same for all of an app. */
void volumes_app_drop(struct jail *j, uint64_t app);

/* Unmount those of an app of which nothing but `except` is left. */
struct instance;
void volumes_idle(struct jail *j, uint64_t app, const struct instance *except);
/* At start, when the instances are known: unmount, take away half-made ones. */
void volumes_sweep(struct jail *j);

/* Frames of plan. Both answer. */
int volume_put(struct jail *j, const struct frame *f, struct frame_out *o,
    struct error *err);
