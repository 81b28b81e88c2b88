#include "oci.h"

#include <inttypes.h>

#include "json.h"
#include "lease.h"
#include "seccomp.h"

#define NOFILE 16384  /* descriptors of one process */
#define OOM_SCORE 500 /* goes before the shim and anything of the host */

/* What /proc tells about the host, and what it would let root change. */
static const char *const masked[] = {"/proc/acpi", "/proc/asound",
    "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/pagetypeinfo", "/proc/sched_debug",
    "/proc/scsi", "/proc/slabinfo", "/proc/timer_list", "/proc/timer_stats",
    "/proc/vmallocinfo", "/sys/devices/virtual/powercap", "/sys/firmware"};
static const char *const readonly[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

/* What it takes to read and write files of any owner. */
static const char *const files[] = {
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID"};

static void strings(struct buf *out, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		json_strz(out, list[i]);
	}
}

static void strs(struct buf *out, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		json_str(out, list[i]);
	}
}

static void capabilities_print(const struct oci *o, struct buf *out)
{
	static const char *const sets[] = {
	    "bounding", "effective", "inheritable", "permitted", "ambient"};

	for (size_t i = 0; i < NELEM(sets); i++) {
		/* Only the first, second and fourth: not to be passed on. */
		bool given = o->owner && i != 2 && i != 4;

		buf_addf(out, "%s\"%s\":[",
		    i == 0 ? ",\"capabilities\":{" : ",", sets[i]);
		if (given)
			strings(out, files, NELEM(files));
		buf_addc(out, ']');
	}
	buf_addc(out, '}');
}

void oci_process_print(const struct oci *o, struct buf *out)
{
	int uid = o->owner ? 0 : OCI_UID;

	buf_addf(out, "{\"terminal\":%s,", o->terminal ? "true" : "false");
	if (o->terminal && o->rows && o->cols)
		buf_addf(out,
		    "\"consoleSize\":{\"height\":%" PRIu64 ",\"width\":%" PRIu64
		    "},",
		    o->rows, o->cols);
	buf_addf(out, "\"user\":{\"uid\":%d,\"gid\":%d},\"args\":[", uid, uid);
	strs(out, o->args, o->nargs);
	buf_addz(out, "],\"env\":[");
	strs(out, o->env, o->nenv);
	buf_addz(out, "],\"cwd\":");
	json_strz(out, o->cwd);
	capabilities_print(o, out);
	buf_addf(out,
	    ",\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":%d,\"soft\":%d}"
	    ","
	    "{\"type\":\"RLIMIT_CORE\",\"hard\":0,\"soft\":0}],"
	    "\"noNewPrivileges\":true,\"oomScoreAdj\":%d",
	    NOFILE, NOFILE, OOM_SCORE);
	if (o->apparmor) {
		buf_addz(out, ",\"apparmorProfile\":");
		json_strz(out, o->apparmor);
	}
	buf_addc(out, '}');
}

static void tmpfs_print(const struct oci_tmpfs *t, struct buf *out)
{
	buf_addz(out, ",{\"type\":\"tmpfs\",\"source\":\"tmpfs\",");
	buf_addz(out, "\"destination\":");
	json_strz(out, t->to);
	buf_addf(out,
	    ",\"options\":[\"nosuid\",\"nodev\",\"size=%" PRIu64
	    "\",\"nr_inodes=%" PRIu64 "\",\"mode=%o\"",
	    t->bytes, t->inodes, t->mode);
	if (t->mine)
		buf_addf(out, ",\"uid=%d\",\"gid=%d\"", OCI_UID, OCI_UID);
	buf_addz(out, "]}");
}

static void bind_print(const struct oci_mount *m, struct buf *out)
{
	buf_addz(out, ",{\"type\":\"bind\",\"source\":");
	json_strz(out, m->from);
	buf_addz(out, ",\"destination\":");
	json_strz(out, m->to);
	buf_addf(out, ",\"options\":[\"bind\",\"%s\",\"nosuid\",\"nodev\"]}",
	    m->write ? "rw" : "ro");
}

static void mounts_print(const struct oci *o, struct buf *out)
{
	buf_addz(out,
	    "\"mounts\":["
	    "{\"type\":\"proc\",\"source\":\"proc\",\"destination\":\"/proc\","
	    "\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
	    "{\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"destination\":\"/dev\","
	    "\"options\":[\"nosuid\",\"strictatime\",\"mode=755\","
	    "\"size=65536\",\"nr_inodes=256\"]},"
	    "{\"type\":\"devpts\",\"source\":\"devpts\","
	    "\"destination\":\"/dev/pts\",\"options\":[\"nosuid\",\"noexec\","
	    "\"newinstance\",\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]},"
	    "{\"type\":\"tmpfs\",\"source\":\"shm\","
	    "\"destination\":\"/dev/shm\",\"options\":[\"nosuid\",\"noexec\","
	    "\"nodev\",\"mode=1777\",\"size=67108864\",\"nr_inodes=4096\"]}");
	for (size_t i = 0; i < o->ntmpfs; i++)
		tmpfs_print(&o->tmpfs[i], out);
	for (size_t i = 0; i < o->nmounts; i++)
		bind_print(&o->mounts[i], out);
	buf_addz(out, "],");
}

static void linux_print(const struct oci *o, struct buf *out)
{
	static const char *const kinds[] = {"uid", "gid"};

	buf_addz(out, "\"linux\":{");
	for (size_t i = 0; i < NELEM(kinds); i++)
		buf_addf(out,
		    "\"%sMappings\":[{\"containerID\":0,\"hostID\":%" PRIu32
		    ",\"size\":%u}],",
		    kinds[i], o->id_base, ID_RANGE);
	if (o->cgroup) {
		buf_addz(out, "\"cgroupsPath\":");
		json_strz(out, o->cgroup);
		buf_addc(out, ',');
	}
	buf_addz(out,
	    "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\"},"
	    "{\"type\":\"uts\"},{\"type\":\"mount\"},{\"type\":\"cgroup\"},"
	    "{\"type\":\"user\"}],\"maskedPaths\":[");
	strings(out, masked, NELEM(masked));
	buf_addz(out, "],\"readonlyPaths\":[");
	strings(out, readonly, NELEM(readonly));
	buf_addz(out, "],\"seccomp\":");
	seccomp_print(out);
	buf_addc(out, '}');
}

void oci_print(const struct oci *o, struct buf *out)
{
	buf_addz(out, "{\"ociVersion\":\"1.0.0\",\"process\":");
	oci_process_print(o, out);
	buf_addz(out, ",\"root\":{\"path\":");
	json_strz(out, o->root);
	buf_addf(out, ",\"readonly\":%s},\"hostname\":",
	    o->root_readonly ? "true" : "false");
	json_strz(out, o->hostname);
	buf_addc(out, ',');
	mounts_print(o, out);
	linux_print(o, out);
	buf_addz(out, "}\n");
}

bool oci_env_has(const struct str *env, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		struct str rest = env[i], name;

		if (str_split(&rest, '=', &name) && str_eqz(name, key))
			return true;
	}
	return false;
}
