#include "bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "disk.h"
#include "range.h"
#include "root.h"
#include "store.h"
#include "target.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PLATFORM_BYTES (8u << 20) /* config vars as files */
#define IMPORT_ROOT_BYTES (1u << 20)
#define TEXT_MAX 320 /* of one path or item of ours */
#define MOUNTS_MAX (20 + VOLUMES_MAX)
#define RESOLV_CONF "nameserver 169.254.1.1\n" /* names, at the gateway */

static const struct kind_row rows[KIND_N] = {
    [KIND_APP] = {.network = true, .cwd = "/app"},
    [KIND_RUN] = {.network = true, .cwd = "/app"},
    [KIND_RELEASE] = {.network = true, .cwd = "/app"},
    [KIND_BUILD] = {.job = true, .network = true, .upper = true, .cwd = "/app"},
    [KIND_EXPORT] = {.job = true, .owner = true, .upper = true, .cwd = "/"},
    [KIND_IMPORT] = {.job = true, .owner = true, .empty = true, .cwd = "/"},
    [KIND_CRON] = {.network = true, .cwd = "/app"},
    [KIND_EXEC] = {.inside = true, .cwd = "/app"},
};

const struct kind_row *kind_row(enum instance_kind kind)
{
	return &rows[kind];
}

/* --- mounts --------------------------------------------------------------- */

static int mount_root(struct instance *in, const struct order *o,
    const struct work *w, int userns, struct error *err)
{
	uint32_t base = lease_base((uint32_t)in->r.range);
	struct root_layers layers = {
	    .userns = userns, .digests = o->layers, .n = o->nlayers};
	scoped_fd int store = -1;
	char upper[TEXT_MAX];

	if (o->kind->empty)
		return root_empty(in->folder, IMPORT_ROOT_BYTES, base, err);
	store = openat(in->j->store_dir, "layers", OPEN_DIR);
	if (store == -1)
		return error_sys(err, "open the layers");
	layers.store = store;
	if (w) {
		snprintf(upper, sizeof(upper),
		    "%s/store/work/%016" PRIx64 "/up", in->j->settings->state,
		    w->id);
		return root_overlay(in->folder, &layers, upper, err);
	}
	if ((o->own_disk ? disk_upper(in->j, in->folder, "u", o->disk,
	                       o->inodes, base, err)
	                 : root_upper(in->folder, "u", o->disk, o->inodes, base,
	                       err)) == -1)
		return -1;
	return root_overlay(in->folder, &layers, "u", err);
}

static int share_work(struct instance *in, const struct order *o,
    const struct work *w, int userns, struct error *err)
{
	scoped_fd int cache = -1, out = -1, upper = -1;

	if (!o->kind->empty) {
		cache = store_cache(in->j, in->r.app, err);
		if (cache == -1 || root_share(in->folder, "cache", cache,
		                       userns, false, err) == -1)
			return -1;
	}
	if (!o->kind->owner)
		return 0;
	out = openat(w->dir, "out", OPEN_DIR);
	if (out == -1)
		return error_sys(err, "open a work's out folder");
	if (root_share(in->folder, "out", out, userns, false, err) == -1)
		return -1;
	if (!o->kind->upper)
		return 0;
	upper = openat(w->dir, "up/u", OPEN_DIR);
	if (upper == -1)
		return error_sys(err, "open a work's upper");
	return root_share(in->folder, "upper", upper, -1, true, err);
}

int bundle_mount(struct instance *in, const struct order *o, struct error *err)
{
	int userns = range_userns(in->j, in->r.range, err);
	struct work *w = NULL;

	if (userns == -1)
		return -1;
	if (o->kind->job &&
	    store_work(in->j, in->r.work, in->r.app, &w, err) == -1)
		return -1;
	if (o->kind->upper &&
	    store_work_upper(w, o->disk, o->inodes, err) == -1)
		return -1;
	if (mount_root(in, o, o->kind->upper ? w : NULL, userns, err) == -1)
		return -1;
	if (volumes_share(in->j, in->r.app, in->folder, o->volumes, o->nvolumes,
	        userns, err) == -1)
		return -1;
	return w ? share_work(in, o, w, userns, err) : 0;
}

/* --- programs ------------------------------------------------------------- */

static int share_one(
    int cnb, const char *path, const char *name, struct error *err)
{
	scoped_fd int from = open(path, O_PATH | O_CLOEXEC);

	if (from == -1)
		return error_sys(err, "open %s", path);
	root_unmount(cnb, name);
	return root_bind(cnb, name, from, true, err);
}

/* What was replaced on the disk since can't be mounted any more. */
static bool is_gone(int cnb, const char *name)
{
	struct stat st;

	return fstatat(cnb, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_nlink == 0;
}

/* The programs may lie where only root can look; /run may be noexec. */
static int share_programs(struct jail *j, bool gone_only, struct error *err)
{
	const struct settings *set = j->settings;
	const struct {
		const char *folder, *file, *name;
	} shares[] = {
	    {set->libexec, "/launcher", "launcher"},
	    {set->libexec, "/inner", "inner"},
	    {set->registry_ca, "", "ca.crt"},
	    {set->buildpacks, "", "buildpacks"},
	};
	scoped_fd int cnb = -1;
	char path[TEXT_MAX];

	snprintf(path, sizeof(path), "%s/cnb", set->run);
	cnb = open(path, OPEN_DIR);
	if (cnb == -1)
		return error_sys(err, "open %s", path);
	for (size_t i = 0; i < NELEM(shares); i++) {
		if (gone_only && !is_gone(cnb, shares[i].name))
			continue;
		snprintf(path, sizeof(path), "%s%s", shares[i].folder,
		    shares[i].file);
		/* Not each instance needs each: the runtime tells then. */
		if (share_one(cnb, path, shares[i].name, err) == -1 &&
		    !gone_only)
			return -1;
	}
	return 0;
}

int bundle_share_programs(struct jail *j, struct error *err)
{
	const struct settings *set = j->settings;
	scoped_fd int run = open(set->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (run == -1)
		return error_sys(err, "open %s", set->run);
	if (fd_mkdir(run, "cnb", 0755, err) == -1)
		return -1;
	return share_programs(j, false, err);
}

/* --- config.json ---------------------------------------------------------- */

struct config {
	struct instance *in;
	const struct order *o;
	struct oci oci;
	struct oci_mount mounts[MOUNTS_MAX];
	char texts[2 * MOUNTS_MAX][TEXT_MAX];
	size_t ntexts;
	struct str env[OCI_LIST_MAX + 8];
	size_t nenv;
};

__attribute__((format(printf, 2, 3))) static const char *text_of(
    struct config *c, const char *fmt, ...)
{
	char *text = c->texts[c->ntexts++];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, TEXT_MAX, fmt, args);
	va_end(args);
	return text;
}

static void add_mount(
    struct config *c, const char *from, const char *to, bool write)
{
	c->mounts[c->oci.nmounts++] = (struct oci_mount){from, to, write};
}

/* Something in the instance's own folder. */
static void add_own(
    struct config *c, const char *name, const char *to, bool write)
{
	add_mount(c,
	    text_of(
	        c, "%s/i/%s/%s", c->in->j->settings->run, c->in->name, name),
	    to, write);
}

static void add_program(struct config *c, const char *name, const char *to)
{
	add_mount(c, text_of(c, "%s/cnb/%s", c->in->j->settings->run, name), to,
	    false);
}

/* The programs of the lifecycle: inner, which goes by its name. */
static const char *const phases[] = {"/cnb/lifecycle/analyzer",
    "/cnb/lifecycle/detector", "/cnb/lifecycle/restorer",
    "/cnb/lifecycle/builder", "/cnb/lifecycle/exporter",
    "/cnb/lifecycle/creator", "/cnb/lifecycle/rebaser"};

static void add_mounts(struct config *c)
{
	const struct kind_row *kind = c->o->kind;

	add_program(c, "launcher", "/cnb/lifecycle/launcher");
	if (kind->job)
		add_program(c, "inner", "/cnb/lifecycle/inner");
	if (!kind->empty)
		add_own(c, "hosts", "/etc/hosts", false);
	if (kind->network)
		add_own(c, "resolv.conf", "/etc/resolv.conf", false);
	if (c->in->r.kind == KIND_BUILD) {
		for (size_t i = 0; i < NELEM(phases); i++)
			add_program(c, "inner", phases[i]);
		add_program(c, "buildpacks", "/cnb/buildpacks");
		add_program(c, "ca.crt", "/etc/ssl/certs/ca-certificates.crt");
	}
	if (kind->job && !kind->empty)
		add_own(c, "m/cache", "/cache", true);
	if (kind->owner)
		add_own(c, "m/out", "/out", true);
	if (kind->owner && kind->upper)
		add_own(c, "m/upper", "/upper", false);
	for (size_t i = 0; i < c->o->nvolumes; i++)
		add_mount(c,
		    text_of(c, "%s/i/%s/m/v%zu", c->in->j->settings->run,
		        c->in->name, i),
		    text_of(c, STR_FMT, STR_ARG(c->o->volumes[i].path)), true);
}

static void default_env(struct config *c, const char *name, const char *value)
{
	if (!oci_env_has(c->o->env, c->o->nenv, name))
		c->env[c->nenv++] = str_z(text_of(c, "%s=%s", name, value));
}

static void fixed_env(struct config *c, const char *name, const char *value)
{
	c->env[c->nenv++] = str_z(text_of(c, "%s=%s", name, value));
}

/* As the API names it: see shape_instance_uuid of web. */
static void dyno_uuid(uint64_t id, char out[37])
{
	snprintf(out, 37, "%08x-%04x-4%03x-8%x00-000000000000",
	    (unsigned)(id >> 32), (unsigned)(id >> 16 & 0xffff),
	    (unsigned)(id >> 4 & 0xfff), (unsigned)(id & 0xf));
}

/* What the platform sets goes last: later ones win in the launcher. */
static void add_env(struct config *c)
{
	const struct record *r = c->o->host ? &c->o->host->r : &c->in->r;
	char port[8], uuid[37];

	default_env(c, "PATH",
	    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (c->in->r.pty)
		default_env(c, "TERM", "xterm-256color");
	for (size_t i = 0; i < c->o->nenv; i++)
		c->env[c->nenv++] = c->o->env[i];
	fixed_env(c, "HOME", "/app");
	if (c->o->kind->job)
		return;
	fixed_env(c, "DYNO", r->name);
	dyno_uuid(r->instance, uuid);
	fixed_env(c, "PAAS_DYNO_ID", uuid);
	if (r->port) {
		snprintf(port, sizeof(port), "%u", (unsigned)r->port);
		fixed_env(c, "PORT", port);
	}
}

static void host_name(const struct record *r, char *out, size_t size)
{
	snprintf(out, size, "%.63s", r->name);
	for (char *c = out; *c; c++)
		if (*c == '.' || *c == '_')
			*c = '-';
}

/* Whatever the image has in these places, nothing follows it. */
static int make_targets(const struct config *c, struct error *err)
{
	const char *const always[] = {"/proc", "/dev", c->oci.cwd};
	scoped_fd int root = openat(c->in->folder, "root", OPEN_DIR);
	uint32_t base = c->oci.id_base;
	struct stat st;

	if (root == -1)
		return error_sys(err, "open the root");
	for (size_t i = 0; i < NELEM(always); i++)
		if (target_make(root, always[i], true, base, err) == -1)
			return -1;
	for (size_t i = 0; i < c->oci.ntmpfs; i++)
		if (target_make(root, c->oci.tmpfs[i].to, true, base, err) ==
		    -1)
			return -1;
	for (size_t i = 0; i < c->oci.nmounts; i++) {
		const struct oci_mount *m = &c->oci.mounts[i];

		if (stat(m->from, &st) == -1)
			return error_sys(err, "look at %s", m->from);
		if (target_make(root, m->to, S_ISDIR(st.st_mode), base, err) ==
		    -1)
			return -1;
	}
	return 0;
}

/* What runs, and as whom. */
static void add_process(struct config *c)
{
	const struct order *o = c->o;

	add_env(c);
	c->oci.cwd = o->kind->cwd;
	c->oci.args = o->args;
	c->oci.nargs = o->nargs;
	c->oci.env = c->env;
	c->oci.nenv = c->nenv;
	c->oci.owner = o->kind->owner;
	c->oci.terminal = c->in->r.pty;
	c->oci.rows = o->rows;
	c->oci.cols = o->cols;
	c->oci.apparmor = c->in->j->apparmor ? APPARMOR_PROFILE : NULL;
}

static int print_config(struct instance *in, const struct order *o,
    struct buf *out, struct error *err)
{
	struct config c = {.in = in, .o = o};
	static const struct oci_tmpfs platform = {.to = "/platform",
	    .bytes = PLATFORM_BYTES,
	    .inodes = 4096,
	    .mode = 0755,
	    .mine = true};
	char hostname[64];

	host_name(&in->r, hostname, sizeof(hostname));
	add_mounts(&c);
	add_process(&c);
	c.oci.root =
	    text_of(&c, "%s/i/%s/root", in->j->settings->run, in->name);
	c.oci.hostname = hostname;
	c.oci.mounts = c.mounts;
	c.oci.tmpfs = &platform;
	c.oci.ntmpfs = in->r.kind == KIND_BUILD;
	c.oci.id_base = lease_base((uint32_t)in->r.range);
	oci_print(&c.oci, out);
	return make_targets(&c, err);
}

static int write_one(
    struct instance *in, const char *name, struct str text, struct error *err)
{
	scoped_fd int fd = openat(in->folder, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd == -1)
		return error_sys(err, "create %s", name);
	return fd_write_all(fd, text, err);
}

static int write_json(struct instance *in, const char *name,
    const struct buf *text, struct error *err)
{
	if (text->bad)
		return error_set(err, ERR_INVALID,
		    "the command or environment is too long, or not UTF-8");
	return write_one(in, name, buf_str(text), err);
}

static int write_names(struct instance *in, struct error *err)
{
	scoped_buf struct buf hosts = BUF_INIT(256);
	char hostname[64];

	host_name(&in->r, hostname, sizeof(hostname));
	/*
	 * localhost has one address here: the router reaches an instance by
	 * IPv4, and an app that listens on the first address of localhost, as
	 * Node does, would choose ::1.
	 */
	buf_addf(&hosts,
	    "127.0.0.1\tlocalhost %s\n::1\tip6-localhost ip6-loopback\n",
	    hostname);
	if (write_one(in, "hosts", buf_str(&hosts), err) == -1 ||
	    write_one(in, "resolv.conf", STR(RESOLV_CONF), err) == -1)
		return -1;
	return 0;
}

int bundle_write(struct instance *in, const struct order *o, struct error *err)
{
	scoped_buf struct buf config = BUF_INIT(OCI_MAX);

	if (share_programs(in->j, true, err) == -1 ||
	    write_names(in, err) == -1 ||
	    print_config(in, o, &config, err) == -1)
		return -1;
	return write_json(in, "config.json", &config, err);
}

int bundle_process(
    struct instance *in, const struct order *o, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(OCI_MAX);
	struct config c = {.in = in, .o = o};

	add_process(&c);
	oci_process_print(&c.oci, &text);
	return write_json(in, "process.json", &text, err);
}
