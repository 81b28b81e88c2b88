#include "proc/sizes.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/name.h"
#include "proc/settings.h"

#define K 1024ull
#define M (1024 * K)
#define G (1024 * M)
#define INODE_EACH 16384 /* bytes of disk for each file, as mke2fs has it */
#define INODE_LEAST 512  /* as few at most: half of the disk is tables then */
#define IO_WEIGHT 100
#define HOST_MAX (1ull << 50) /* a percentage of it is still a number */

struct key {
	const char *name;
	size_t offset;
	uint64_t min, max;
	bool bytes, optional; /* optional: "none" takes it away */
};

#define KEY(member, min, max, bytes, optional)                                 \
	{                                                                      \
#member, offsetof(struct size, member), min, max, bytes,       \
		    optional                                                   \
	}
static const struct key keys[] = {
    KEY(memory, 4 * M, 1024 * G, true, false),
    KEY(cpu, 1, 10000, false, false),
    KEY(cpu_max, 1, 100000, false, true),
    KEY(pids, 8, 100000, false, false),
    KEY(io, 1, 10000, false, false),
    KEY(io_max, 64 * K, 1024 * G, true, true),
    KEY(disk, 16 * M, 16384 * G, true, true),
    KEY(inodes, 1024, 100000000, false, false),
};

/* Memory in the steps that Heroku has; the others share as they need. */
static const char *const first[] = {
    "eco cpu=50",
    "basic",
    "standard-1x",
    "standard-2x memory=1G cpu=200 io=200",
    "performance-m memory=2560M cpu=500 io=500 pids=4096",
    "performance-l memory=14G cpu=1000 io=1000 pids=8192",
    "performance-l-ram memory=30G cpu=1000 io=1000 pids=8192",
    "performance-xl memory=62G cpu=2000 io=1000 pids=16384",
    "performance-2xl memory=126G cpu=4000 io=1000 pids=32768",
};

/* --- reading -------------------------------------------------------------- */

static uint64_t *value_of(struct size *s, const struct key *k)
{
	return (uint64_t *)((char *)s + k->offset);
}

static const struct key *find_key(struct str name)
{
	for (size_t i = 0; i < NELEM(keys); i++)
		if (str_eqz(name, keys[i].name))
			return &keys[i];
	return NULL;
}

static int bad_key(struct str name, struct error *err)
{
	return error_set(err, ERR_INVALID,
	    "a size has no \"%.*s\"; write memory, cpu, cpu_max, pids, io, "
	    "io_max, disk or inodes, as in: standard-2x memory=1G cpu=200",
	    (int)(name.len > 40 ? 40 : name.len), name.p);
}

static int set_key(struct size *s, struct str word, struct error *err)
{
	char least[24], most[24];
	const struct key *k;
	struct str value = word, name;
	uint64_t number = 0;
	bool ok;

	if (str_find(word, '=') == -1)
		return bad_key(word, err);
	(void)str_split(&value, '=', &name);
	k = find_key(name);
	if (!k)
		return bad_key(name, err);
	if (k->optional && str_eqz(value, "none")) {
		*value_of(s, k) = 0;
		return 0;
	}
	ok = k->bytes ? settings_bytes(value, &number)
	              : str_u64(value, UINT64_MAX, &number);
	if (ok && number >= k->min && number <= k->max) {
		*value_of(s, k) = number;
		return 0;
	}
	if (k->bytes) {
		size_bytes_text(k->min, least);
		size_bytes_text(k->max, most);
	} else {
		snprintf(least, sizeof(least), "%" PRIu64, k->min);
		snprintf(most, sizeof(most), "%" PRIu64, k->max);
	}
	return error_set(err, ERR_INVALID, "%s of a size is from %s to %s%s",
	    k->name, least, most, k->optional ? ", or none" : "");
}

static int check(const struct size *s, struct error *err)
{
	if (s->disk && s->inodes > s->disk / INODE_LEAST)
		return error_set(err, ERR_INVALID,
		    "a disk of %" PRIu64 " bytes has room for %" PRIu64
		    " inodes",
		    s->disk, s->disk / INODE_LEAST);
	return 0;
}

int sizes_set(struct sizes *s, struct str line, struct error *err)
{
	const struct size *known;
	struct size size = {0};
	struct str word;

	line = str_trim(line);
	(void)str_split(&line, ' ', &word);
	if (!name_size(word))
		return error_set(err, ERR_INVALID,
		    "size must be NAME and what it may use, as in: "
		    "standard-2x memory=1G cpu=200");
	known = sizes_find(s, word);
	if (known)
		size = *known;
	else if (s->n == SIZES_MAX)
		return error_set(
		    err, ERR_LIMIT, "more than %d sizes", SIZES_MAX);
	str_copy(word, size.name, sizeof(size.name));
	while (line.len && str_split(&line, ' ', &word))
		if (word.len && set_key(&size, word, err) == -1)
			return -1;
	if (check(&size, err) == -1)
		return -1;
	if (known)
		s->v[known - s->v] = size;
	else
		s->v[s->n++] = size;
	return 0;
}

void sizes_init(struct sizes *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < NELEM(first); i++)
		(void)sizes_set(ret, str_z(first[i]), NULL);
}

/* --- telling -------------------------------------------------------------- */

void sizes_print(const struct sizes *s, struct buf *out)
{
	for (uint64_t i = 0; i < s->n; i++) {
		struct size size = s->v[i];

		buf_addf(out, "size = %s", size.name);
		for (size_t k = 0; k < NELEM(keys); k++) {
			uint64_t value = *value_of(&size, &keys[k]);

			if (value)
				buf_addf(
				    out, " %s=%" PRIu64, keys[k].name, value);
			else if (keys[k].optional)
				buf_addf(out, " %s=none", keys[k].name);
		}
		buf_addc(out, '\n');
	}
}

void sizes_names(const struct sizes *s, struct buf *out)
{
	for (uint64_t i = 0; i < s->n; i++)
		buf_addf(out, "%s%s", i ? ", " : "", s->v[i].name);
}

const struct size *sizes_find(const struct sizes *s, struct str name)
{
	for (uint64_t i = 0; i < s->n; i++)
		if (str_eq_nocase(name, str_z(s->v[i].name)))
			return &s->v[i];
	return NULL;
}

/* --- what it comes to ----------------------------------------------------- */

static uint64_t or (uint64_t said, uint64_t otherwise)
{
	return said ? said : otherwise;
}

void size_limits(
    const struct settings *s, struct str size, struct size_limits *ret)
{
	static const struct size unknown;
	const struct size *z = sizes_find(&s->sizes, size);

	if (!z)
		z = &unknown;
	*ret = (struct size_limits){
	    .memory = or (z->memory, s->app_memory_bytes),
	    .cpu = or (z->cpu, s->app_cpu_weight),
	    .cpu_max = z->cpu_max,
	    .pids = or (z->pids, s->app_pids),
	    .io = or (z->io, IO_WEIGHT),
	    .io_max = z->io_max,
	    .own_disk = z->disk != 0,
	    .disk = or (z->disk, s->app_disk_bytes),
	    .inodes =
	        or (z->inodes, z->disk ? z->disk / INODE_EACH : s->app_inodes),
	};
}

uint64_t size_host_memory(const struct settings *s)
{
	struct sysinfo info;

	if (s->host_memory_bytes)
		return s->host_memory_bytes;
	if (sysinfo(&info) == -1)
		return HOST_MAX;
	return (uint64_t)info.totalram * info.mem_unit;
}

void size_bytes_text(uint64_t bytes, char out[24])
{
	static const struct {
		uint64_t bytes;
		char letter;
	} units[] = {{G, 'G'}, {M, 'M'}, {K, 'K'}};

	for (size_t i = 0; i < NELEM(units); i++) {
		uint64_t unit = units[i].bytes, tenths;

		if (bytes < unit)
			continue;
		tenths = bytes / unit * 10 + bytes % unit * 10 / unit;
		if (tenths % 10 && tenths < 1000)
			snprintf(out, 24, "%" PRIu64 ".%" PRIu64 "%c",
			    tenths / 10, tenths % 10, units[i].letter);
		else
			snprintf(out, 24, "%" PRIu64 "%c", tenths / 10,
			    units[i].letter);
		return;
	}
	snprintf(out, 24, "%" PRIu64, bytes);
}
