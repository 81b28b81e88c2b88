/*
 * sizes - the sizes of instances: names for what one may use.
 *
 * Part of the settings: lines `size = NAME key=value ...` change a size that
 * is there or add one. What a line leaves out is as it was; of a new size, as
 * the settings app_memory, app_pids, app_cpu_weight and app_inodes say.
 *
 *   memory   bytes, swap included          pids    processes and threads
 *   cpu      weight when it is scarce      cpu_max percent of one CPU, or none
 *   io       weight when it is scarce      io_max  bytes a second, or none
 *   disk     bytes of a disk of its own, or none: then its files are in
 *            memory, as many bytes as app_disk says
 *   inodes   files it may write
 *
 * Read by settings, resolved by web and plan.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define SIZES_MAX 32
#define SIZE_NAME 33
#define SIZE_DEFAULT "basic"

struct size { /* 0: not said, or none */
	char name[SIZE_NAME];
	uint64_t memory, cpu, cpu_max, pids, io, io_max, disk, inodes;
};

struct sizes {
	struct size v[SIZES_MAX];
	uint64_t n;
};

struct settings;

/* Those that Heroku has. */
void sizes_init(struct sizes *ret);
/* Read what stands behind `size =`. */
int sizes_set(struct sizes *s, struct str line, struct error *err);
/* As lines that settings read back. */
void sizes_print(const struct sizes *s, struct buf *out);
/* Their names, with ", " between. */
void sizes_names(const struct sizes *s, struct buf *out);
/* By name, upper case or lower; NULL when there is none. */
const struct size *sizes_find(const struct sizes *s, struct str name);

struct size_limits { /* every number is set; 0 in those with a maximum: none */
	uint64_t memory, cpu, cpu_max, pids, io, io_max, disk, inodes;
	bool own_disk; /* not in memory */
};
/* Of a size; of an unknown one what the settings say of all. */
void size_limits(
    const struct settings *s, struct str size, struct size_limits *ret);

/* Bytes of memory that instances of this host share: a setting, or all. */
uint64_t size_host_memory(const struct settings *s);
/* "512M", "2.5G": bytes for people. */
void size_bytes_text(uint64_t bytes, char out[24]);
