#include "proc/settings.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "wire/conf.h"

enum kind {
	TEXT,   /* printable, no space at its ends */
	PATH,   /* TEXT that starts with / */
	HOST,   /* a host name */
	WORD,   /* one of a few words */
	LISTEN, /* ADDR:PORT, may be given more than once */
	SIZE,   /* NAME key=value ..., may be given more than once */
	NUMBER,
	BYTES, /* a number with K, M or G behind it */
	SECONDS,
};

struct setting {
	const char *name;
	enum kind kind;
	size_t offset, size; /* in struct settings; size of a text */
	const char *otherwise;
	uint64_t min, max;
	const char *words; /* of a WORD, joined by | */
	const char *doc;   /* NULL: set by super, not by people */
};

#define AT(member) offsetof(struct settings, member)
#define TEXT_ROW(name, kind, member, otherwise, words, doc)                    \
	{                                                                      \
		name, kind, AT(member),                                        \
		    sizeof(((struct settings *)0)->member), otherwise, 0, 0,   \
		    words, doc                                                 \
	}
#define NUMBER_ROW(name, kind, member, otherwise, min, max, doc)               \
	{                                                                      \
		name, kind, AT(member), 0, otherwise, min, max, NULL, doc      \
	}
#define K 1024ull
#define M (1024 * K)
#define G (1024 * M)

static const struct setting table[] = {
    TEXT_ROW("state", PATH, state, "/var/lib/paas", NULL,
        "folder of all that must outlive a reboot"),
    TEXT_ROW("listen", LISTEN, listen, "", NULL,
        "address and port of the front door; may be repeated (default: "
        "127.0.0.1:8080 and [::1]:8080, or 0.0.0.0:8080 and [::]:8080 with a "
        "domain)"),
    TEXT_ROW("host", HOST, host, "localhost", NULL, "the platform's own name"),
    TEXT_ROW("apps_domain", HOST, apps_domain, "localhost", NULL,
        "apps are served as NAME.apps_domain"),
    TEXT_ROW("log_level", WORD, log_level, "info", "error|warn|info|debug",
        "how much the daemons say on standard error (on a terminal: warn "
        "if not set)"),
    TEXT_ROW("runtime", WORD, runtime, "crun", "crun|runc", "the OCI runtime"),
    TEXT_ROW("registry_ca", PATH, registry_ca,
        "/etc/ssl/certs/ca-certificates.crt", NULL,
        "CA bundle that build containers trust"),

    NUMBER_ROW("host_memory", BYTES, host_memory_bytes, "0", 0, 1024 * 1024 * G,
        "memory that instances share: the formation of an app may add up to "
        "it, and releases run beside each other within it; 0: all of the "
        "machine's"),
    NUMBER_ROW("run_memory", NUMBER, run_memory, "50", 1, 10000,
        "percent of that memory for the one-off commands of an app that run "
        "at a time (one may run in any case)"),
    NUMBER_ROW("run_memory_all", NUMBER, run_memory_all, "100", 1, 10000,
        "percent of that memory for the one-off commands of all apps"),
    TEXT_ROW("size", SIZE, sizes, "standard-2x memory=1G cpu=200", NULL,
        "a size of instances: a name, then memory, cpu (weight), cpu_max "
        "(percent of one CPU), pids, io (weight), io_max (bytes a second), "
        "disk (bytes on disk, else app_disk in memory), inodes; may be "
        "repeated. It changes or adds to: eco, basic, standard-1x, "
        "standard-2x, performance-m, performance-l, ..."),
    NUMBER_ROW(
        "volumes_max", NUMBER, volumes_max, "10", 0, 32, "volumes of an app"),
    NUMBER_ROW("volume_size", BYTES, volume_size_bytes, "100G", 32 * M,
        16384 * G, "size of the largest volume"),
    NUMBER_ROW("app_memory", BYTES, app_memory_bytes, "512M", 4 * M, 1024 * G,
        "memory of an instance, swap included, where its size says nothing"),
    NUMBER_ROW("app_pids", NUMBER, app_pids, "256", 8, 100000,
        "processes and threads of an instance, where its size says nothing"),
    NUMBER_ROW("app_cpu_weight", NUMBER, app_cpu_weight, "100", 1, 10000,
        "share of the CPU that an instance gets when it is scarce"),
    NUMBER_ROW("app_disk", BYTES, app_disk_bytes, "256M", 1 * M, 1024 * G,
        "files that an instance may write (in memory)"),
    NUMBER_ROW("app_inodes", NUMBER, app_inodes, "65536", 1024, 100000000,
        "number of such files"),
    NUMBER_ROW("app_flows", NUMBER, app_flows, "4096", 16, 1000000,
        "network connections of an instance that the host keeps track of"),
    NUMBER_ROW("egress_max", NUMBER, egress_max, "100", 0, 200,
        "rules about what an app may reach (paas egress)"),
    NUMBER_ROW("links_max", NUMBER, links_max, "50", 0, 100,
        "apps that one app may be linked to (paas links)"),
    TEXT_ROW("smtp", WORD, smtp, "open", "open|closed",
        "whether apps reach port 25 of the internet"),
    NUMBER_ROW("build_memory", BYTES, build_memory_bytes, "2G", 64 * M,
        1024 * G, "memory of a build, its files included"),
    NUMBER_ROW("build_pids", NUMBER, build_pids, "1024", 16, 1000000,
        "processes and threads of a build"),
    NUMBER_ROW("build_disk", BYTES, build_disk_bytes, "2G", 16 * M, 1024 * G,
        "files that a build may write (in memory)"),
    NUMBER_ROW("build_inodes", NUMBER, build_inodes, "1000000", 4096, 100000000,
        "number of such files"),
    NUMBER_ROW("build_seconds", SECONDS, build_seconds, "900", 1, 86400,
        "time of a build"),
    NUMBER_ROW("boot_seconds", SECONDS, boot_seconds, "60", 1, 3600,
        "until a new web process must accept on $PORT"),
    NUMBER_ROW("uptime_seconds", SECONDS, uptime_seconds, "3", 0, 3600,
        "a process without a port is healthy when it is up so long"),
    NUMBER_ROW("stop_seconds", SECONDS, stop_seconds, "30", 0, 3600,
        "between SIGTERM and SIGKILL"),
    NUMBER_ROW("drain_seconds", SECONDS, drain_seconds, "30", 0, 86400,
        "that an old instance gets to end its requests"),
    NUMBER_ROW("push_pack", BYTES, push_pack_bytes, "1G", 1 * K, 64 * G,
        "size of a push"),
    NUMBER_ROW("push_objects", NUMBER, push_objects, "2000000", 1, 1000000000,
        "objects of a push"),
    NUMBER_ROW("push_refs", NUMBER, push_refs, "10000", 1, 100000,
        "branches and tags that a push may change"),
    NUMBER_ROW("push_seconds", SECONDS, push_seconds, "1800", 1, 86400,
        "time of an upload"),
    NUMBER_ROW("source_bytes", BYTES, source_bytes, "1G", 1 * K, 1024 * G,
        "files of a commit that is built"),
    NUMBER_ROW("source_files", NUMBER, source_files, "500000", 1, 100000000,
        "number of such files"),
    NUMBER_ROW("apps_max", NUMBER, apps_max, "1000", 1, 1000000,
        "apps of this platform"),
    NUMBER_ROW("instances_max", NUMBER, instances_max, "100", 1, 10000,
        "instances of one process type"),
    NUMBER_ROW("runs_max", NUMBER, runs_max, "50", 1, 10000,
        "one-off commands of an app (run, ps:exec) at the same time"),
    NUMBER_ROW("run_seconds", SECONDS, run_seconds, "86400", 1, 31536000,
        "time of a one-off command"),
    NUMBER_ROW("release_seconds", SECONDS, release_seconds, "3600", 1, 86400,
        "time of a release command"),
    NUMBER_ROW(
        "cron_max", NUMBER, cron_max, "20", 0, 50, "cron jobs of an app"),
    NUMBER_ROW("config_value", BYTES, config_value_bytes, "32K", 1, 1 * M,
        "size of one config var"),
    NUMBER_ROW("config_total", BYTES, config_total_bytes, "64K", 1, 4 * M,
        "size of all config vars of an app"),
    NUMBER_ROW("hold_requests", NUMBER, hold_requests, "1000", 0, 1000000,
        "requests of an app that wait for an instance"),
    NUMBER_ROW("hold_seconds", SECONDS, hold_seconds, "30", 0, 3600,
        "how long they wait"),
    NUMBER_ROW("log_segment", BYTES, log_segment_bytes, "2M", 64 * K, 1 * G,
        "size of a piece of an instance's log"),
    NUMBER_ROW("log_segments", NUMBER, log_segments, "8", 2, 1000,
        "pieces kept of an instance's log"),
    NUMBER_ROW("log_app", BYTES, log_app_bytes, "64M", 128 * K, 1024 * G,
        "size of all logs of an app; the oldest of ended instances go first"),
    NUMBER_ROW("log_host", BYTES, log_host_bytes, "4G", 128 * K, 1024 * G,
        "size of the logs of all apps"),
    NUMBER_ROW("log_followers", NUMBER, log_followers, "50", 1, 200,
        "readers of an app's log at once"),
    NUMBER_ROW(
        "drains_max", NUMBER, drains_max, "5", 0, 100, "log drains of an app"),
    TEXT_ROW("drain_private", WORD, drain_private, "no", "no|yes",
        "may log drains lead to this machine and private networks"),
    TEXT_ROW("outbound_ca", PATH, outbound_ca,
        "/etc/ssl/certs/ca-certificates.crt", NULL,
        "CA bundle that the servers of log drains are checked against"),

    TEXT_ROW("run", PATH, run, "/run/paas/0", NULL, NULL),
    TEXT_ROW("libexec", PATH, libexec, "/usr/local/libexec/paas", NULL, NULL),
    TEXT_ROW("buildpacks", PATH, buildpacks, "/usr/local/share/paas/buildpacks",
        NULL, NULL),
    TEXT_ROW("url", TEXT, url, "http://localhost:8080", NULL, NULL),
    NUMBER_ROW("slot", NUMBER, slot, "0", 0, 63, NULL),
};

/* --- reading ------------------------------------------------------------- */

static int bad(const struct setting *row, const char *form, struct error *err)
{
	return error_set(err, ERR_INVALID, "%s must be %s", row->name, form);
}

static bool printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	}
	return true;
}

static bool one_of(const char *words, struct str value)
{
	struct str rest = str_z(words), word;

	while (str_split(&rest, '|', &word)) {
		if (str_eq(word, value))
			return true;
	}
	return false;
}

static int put_text(char *at, size_t size, const struct setting *row,
    struct str value, struct error *err)
{
	if (value.len >= size)
		return error_set(err, ERR_LIMIT,
		    "%s has %zu characters, at most %zu", row->name, value.len,
		    size - 1);
	memset(at, 0, size); /* equal settings have equal bytes */
	memcpy(at, value.p, value.len);
	return 0;
}

/* ADDR:PORT with an IPv4 address, or an IPv6 one in brackets. */
static bool is_listen(struct str value)
{
	struct str host, port = value;
	uint64_t number;
	ssize_t colon = -1;

	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] == ':')
			colon = (ssize_t)i;
	}
	if (colon < 1)
		return false;
	host = str_sub(value, 0, (size_t)colon);
	port = str_sub(value, (size_t)colon + 1, value.len);
	if (host.p[0] != '[' && str_find(host, ':') != -1)
		return false;
	return str_u64(port, 65535, &number) && number > 0;
}

static int add_listen(struct settings *s, const struct setting *row,
    struct str value, struct error *err)
{
	if (!is_listen(value))
		return bad(row,
		    "ADDR:PORT, for example 127.0.0.1:8080 or [::1]:8080", err);
	if (s->nlisten == SETTINGS_LISTEN_MAX)
		return error_set(err, ERR_LIMIT, "more than %d times listen",
		    SETTINGS_LISTEN_MAX);
	if (put_text(s->listen[s->nlisten], sizeof(s->listen[0]), row, value,
	        err) == -1)
		return -1;
	s->nlisten++;
	return 0;
}

static int set_text(struct settings *s, const struct setting *row,
    struct str value, struct error *err)
{
	if (!printable(value) || value.len == 0)
		return bad(row, "printable text", err);
	if (row->kind == PATH && value.p[0] != '/')
		return bad(row, "a path that starts with /", err);
	if (row->kind == HOST && !name_host(value))
		return bad(row,
		    "a host name of lower-case letters, digits, - and .", err);
	if (row->kind == WORD && !one_of(row->words, value))
		return bad(row, row->words, err);
	if (row->kind == LISTEN)
		return add_listen(s, row, value, err);
	if (row->kind == SIZE)
		return sizes_set(&s->sizes, value, err);
	return put_text((char *)s + row->offset, row->size, row, value, err);
}

bool settings_bytes(struct str value, uint64_t *ret)
{
	uint64_t unit = 1, number;

	if (value.len > 0) {
		char last = value.p[value.len - 1];

		unit = last == 'K' ? K : last == 'M' ? M : last == 'G' ? G : 1;
	}
	if (unit > 1)
		value.len--;
	if (!str_u64(value, UINT64_MAX / unit, &number))
		return false;
	*ret = number * unit;
	return true;
}

/* A bound as people write it: 4M for a row of bytes. */
static const char *bound(
    const struct setting *row, uint64_t number, char text[24])
{
	const char *unit = "";

	if (row->kind == BYTES && number % G == 0 && number) {
		number /= G;
		unit = "G";
	} else if (row->kind == BYTES && number % M == 0 && number) {
		number /= M;
		unit = "M";
	} else if (row->kind == BYTES && number % K == 0 && number) {
		number /= K;
		unit = "K";
	}
	snprintf(text, 24, "%" PRIu64 "%s", number, unit);
	return text;
}

static int set_number(struct settings *s, const struct setting *row,
    struct str value, struct error *err)
{
	char least[24], most[24];
	uint64_t number;
	bool ok = row->kind == BYTES ? settings_bytes(value, &number)
	                             : str_u64(value, UINT64_MAX, &number);

	if (!ok || number < row->min || number > row->max)
		return error_set(err, ERR_INVALID,
		    "%s must be a number from %s to %s%s", row->name,
		    bound(row, row->min, least), bound(row, row->max, most),
		    row->kind == BYTES     ? " (bytes, or with K, M or G)"
		    : row->kind == SECONDS ? " (seconds)"
		                           : "");
	memcpy((char *)s + row->offset, &number, sizeof(number));
	return 0;
}

static int set_row(struct settings *s, const struct setting *row,
    struct str value, struct error *err)
{
	return row->kind >= NUMBER ? set_number(s, row, value, err)
	                           : set_text(s, row, value, err);
}

int settings_set(
    struct settings *s, struct str name, struct str value, struct error *err)
{
	for (size_t i = 0; i < NELEM(table); i++) {
		if (str_eqz(name, table[i].name))
			return set_row(s, table + i, value, err);
	}
	return error_set(err, ERR_NOT_FOUND,
	    "there is no setting \"%.*s\"; paas server --sample-config lists "
	    "them",
	    (int)(name.len > 60 ? 60 : name.len), name.p);
}

void settings_init(struct settings *ret)
{
	struct error err;

	memset(ret, 0, sizeof(*ret));
	sizes_init(&ret->sizes);
	for (size_t i = 0; i < NELEM(table); i++) {
		if (table[i].kind != LISTEN && table[i].kind != SIZE)
			(void)set_row(
			    ret, table + i, str_z(table[i].otherwise), &err);
	}
}

int settings_parse(struct settings *s, struct str text, struct error *err)
{
	struct conf_line line;
	unsigned number = 0;
	int more;

	while ((more = conf_next(&text, &number, &line, err)) == 1) {
		if (settings_set(s, line.name, line.value, err) == -1)
			return error_wrap(err, "line %u", line.number);
	}
	return more;
}

/* --- writing ------------------------------------------------------------- */

void settings_print(const struct settings *s, struct buf *out)
{
	for (size_t i = 0; i < NELEM(table); i++) {
		const char *at = (const char *)s + table[i].offset;
		uint64_t number;

		if (table[i].kind == LISTEN) {
			for (int l = 0; l < s->nlisten; l++)
				buf_addf(out, "listen = %s\n", s->listen[l]);
		} else if (table[i].kind == SIZE) {
			sizes_print(&s->sizes, out);
		} else if (table[i].kind < NUMBER) {
			buf_addf(out, "%s = %s\n", table[i].name, at);
		} else {
			memcpy(&number, at, sizeof(number));
			buf_addf(
			    out, "%s = %" PRIu64 "\n", table[i].name, number);
		}
	}
}

void settings_sample(struct buf *out)
{
	buf_addz(out,
	    "# Settings of paas, as /etc/paas/paas.conf or --config FILE.\n"
	    "# Every line is a default; a flag --set name=value wins.\n");
	for (size_t i = 0; i < NELEM(table); i++) {
		if (!table[i].doc)
			continue;
		buf_addf(out, "\n# %s", table[i].doc);
		if (table[i].words)
			buf_addf(out, ": %s", table[i].words);
		if (table[i].kind >= NUMBER)
			buf_addf(out, " (%" PRIu64 " to %" PRIu64 ")",
			    table[i].min, table[i].max);
		buf_addf(
		    out, "\n# %s = %s\n", table[i].name, table[i].otherwise);
	}
}
