/*
 * settings - the one configuration: a table of names, defaults and ranges.
 *
 * Read by super from a file of `name = value` lines (wire/conf) and flags,
 * checked as a whole, then handed to the daemons as a sealed memfd in the
 * same form. No secret is ever a setting. The table is also what
 * `paas server --help` and the documented sample file are printed from.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "proc/sizes.h"

#define SETTINGS_LISTEN_MAX 8
#define SETTINGS_URL_MAX 300

struct settings {
	char state[256];      /* folder of all that must outlive a reboot */
	char run[64];         /* /run/paas/N, set by super, not by the user */
	char libexec[256];    /* folder of the programs, set by super */
	char buildpacks[256]; /* folder of the bundled buildpacks */
	char listen[SETTINGS_LISTEN_MAX][80]; /* ADDR:PORT of the front door */
	int nlisten;
	char host[254];             /* the platform's own name */
	char apps_domain[254];      /* apps live at NAME.apps_domain */
	char url[SETTINGS_URL_MAX]; /* http://HOST:PORT, set by super */
	uint64_t slot;              /* N, set by super */
	char log_level[16];
	char runtime[16];      /* crun or runc */
	char registry_ca[256]; /* CA bundle handed to build containers */

	struct sizes sizes;
	uint64_t host_memory_bytes; /* 0: as much as there is */
	uint64_t run_memory;        /* percent of it, for an app's one-offs */
	uint64_t run_memory_all;    /* for those of all apps */
	uint64_t volumes_max;       /* of an app */
	uint64_t volume_size_bytes; /* of the largest */
	uint64_t app_memory_bytes;  /* of an instance */
	uint64_t app_pids;
	uint64_t app_cpu_weight; /* 1..10000 as cgroup v2 */
	uint64_t app_disk_bytes; /* writable tmpfs of an instance */
	uint64_t app_inodes;
	uint64_t app_flows;  /* tracked connections of an instance */
	uint64_t egress_max; /* rules of one app */
	uint64_t links_max;  /* of one app */
	char smtp[8];        /* open or closed: port 25 of the internet */
	uint64_t build_memory_bytes;
	uint64_t build_pids;
	uint64_t build_disk_bytes; /* tmpfs of a build */
	uint64_t build_inodes;
	uint64_t build_seconds;  /* wall clock of one build */
	uint64_t boot_seconds;   /* until $PORT accepts */
	uint64_t uptime_seconds; /* until what has no port is healthy */
	uint64_t stop_seconds;   /* between SIGTERM and SIGKILL */
	uint64_t drain_seconds;  /* for requests in flight */
	uint64_t push_pack_bytes;
	uint64_t push_objects;
	uint64_t push_refs; /* commands of one push */
	uint64_t push_seconds;
	uint64_t source_bytes; /* exported tree of one commit */
	uint64_t source_files;
	uint64_t apps_max;
	uint64_t instances_max; /* of one process type */
	uint64_t runs_max, run_seconds, cron_max;
	uint64_t release_seconds;
	uint64_t config_value_bytes;
	uint64_t config_total_bytes;
	uint64_t hold_requests; /* waiting for an instance, per app */
	uint64_t hold_seconds;
	uint64_t log_segment_bytes;
	uint64_t log_segments; /* per instance */
	uint64_t log_app_bytes, log_host_bytes;
	uint64_t log_followers; /* of one app */
	uint64_t drains_max;    /* of one app */
	char drain_private[8];  /* yes: to this machine, too */
	char outbound_ca[256];
};

/* Every setting at its default. */
void settings_init(struct settings *ret);
/* Set one by name. ERR_INVALID says what the value must be. */
int settings_set(
    struct settings *s, struct str name, struct str value, struct error *err);
/* Read a whole file's text; err names the line. */
int settings_parse(struct settings *s, struct str text, struct error *err);
/* All settings as text that settings_parse reads back. */
void settings_print(const struct settings *s, struct buf *out);
/* "512M": a number of bytes, with K, M or G behind it or not. */
bool settings_bytes(struct str value, uint64_t *ret);
/* The documented sample file: every public setting, default and meaning. */
void settings_sample(struct buf *out);
