/*
 * bundle - what stands around an instance's processes, by its kind.
 *
 * One row a kind: which root, what is mounted in it, whether it has a
 * network, as whom it runs. Writes config.json, resolv.conf and hosts into
 * the instance's folder, or process.json for one inside another. Called by
 * make.c alone.
 */
#pragma once
#include <stdbool.h>

#include "instance.h"
#include "oci.h"
#include "volume.h"

struct kind_row {
	bool job;     /* a step of a build: its descriptors come with it */
	bool network; /* a veth; otherwise lo alone */
	bool owner;   /* as root of its user namespace, our program alone */
	bool upper;   /* the work's upper, not one of its own */
	bool empty;   /* an empty root instead of layers */
	bool inside;  /* in all that a running instance has */
	const char *cwd;
};
const struct kind_row *kind_row(enum instance_kind kind);

struct order { /* of an instance: the frame, read */
	struct record r;
	struct instance *host; /* of one that runs inside another */
	const struct kind_row *kind;
	struct str args[OCI_LIST_MAX], env[OCI_LIST_MAX];
	size_t nargs, nenv;
	struct str *layers;
	size_t nlayers;
	struct volume volumes[VOLUMES_MAX];
	size_t nvolumes;
	bool overfull; /* more in a list than there is room for */
	uint64_t memory, weight, cpu_max, pids, io, io_max, disk, inodes;
	bool own_disk; /* its upper is on a disk of its own */
	uint64_t rows, cols;
	int fds[4]; /* borrowed: environment, or stdin output environment
	               report */
	int nfds;
};

/* Its root and all it shares with the store, mounted in its folder. */
int bundle_mount(struct instance *in, const struct order *o, struct error *err);
int bundle_write(struct instance *in, const struct order *o, struct error *err);
/* For one that runs inside another: process.json. */
int bundle_process(
    struct instance *in, const struct order *o, struct error *err);
/*
 * Once at start: launcher, inner and buildpacks where others can reach. An
 * instance made later takes what has replaced one of them.
 */
int bundle_share_programs(struct jail *j, struct error *err);
