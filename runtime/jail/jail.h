/*
 * jail - what all of its files share: the table of instances, pools, peers.
 *
 * The frames come from plan (plan.c) and, over the pair, from the router
 * (sockets.c). An instance is made in make.c, watched and ended in
 * instance.c, found again after a restart in adopt.c. On disk:
 *
 *   RUN/i/ID/     ID: the instance in 16 hex digits; the OCI bundle
 *     record, end   see record.h
 *     shim          identity of its shim
 *     ctl           the shim's socket
 *     config.json, resolv.conf, hosts; or process.json
 *     l/N  u/  root/  m/NAME   mount points, see root.h
 *     s/            the shim's own folder: out, err, pid, exit
 *   RUN/v/, STATE/volumes/   see volume.h
 *   RUN/cnb/        launcher, inner, buildpacks: bound where others can reach
 *   STATE/store/    layers, blobs, work/ID, cache/APP, trash; see store.h
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "cgroup.h"
#include "ev/ev.h"
#include "freezer.h"
#include "ipc/peer.h"
#include "lease.h"
#include "net.h"
#include "proc/settings.h"
#include "proc/start.h"
#include "record.h"

#define APPARMOR_PROFILE "paas-app" /* paas-app.apparmor */
#define ID_TEXT 17                  /* 16 hex digits and a NUL */

struct jail {
	struct ev *ev;
	const struct settings *settings;
	const struct roles *roles;
	int instances_dir; /* RUN/i */
	int crun_dir;      /* RUN/crun */
	int logs_dir;      /* STATE/logs */
	int store_dir;     /* STATE/store */
	int volumes_dir;   /* STATE/volumes */
	int mounts_dir;    /* RUN/v */
	int shim_program;
	char runtime[64]; /* path of the OCI runtime */
	bool apparmor;    /* the profile APPARMOR_PROFILE is loaded */

	struct cgroups cgroups;
	struct freezer freezer;
	struct net *net;
	struct lease_pool *ranges, *numbers;
	struct map *userns;    /* by range: descriptor of its id map, + 1 */
	struct map *instances; /* by id */
	struct map *works;     /* by id, see store.h */

	struct watch *watch;     /* of nftables and the resolvers */
	struct ev_timer reserve; /* while builds run, see reserve.h */
	struct ipc_listener *listener;
	struct peer *plan; /* NULL while it is away */
	struct peer *pair; /* the router, behind the holder's pair */
	uint64_t epoch;
};

/* The id as the name of a folder. */
void id_text(uint64_t id, char out[ID_TEXT]);
bool id_parse(struct str s, uint64_t *ret);
