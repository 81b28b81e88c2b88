#include "make.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "bundle.h"
#include "instance.h"
#include "proc/identity.h"
#include "proc/spawn.h"
#include "range.h"
#include "reserve.h"
#include "root.h"

#define IO_WEIGHT 100           /* where a frame does not say it */
#define CPU_MAX 100000          /* percent of one */
#define SHIM_MEMORY (16u << 20) /* room for one that is alone in a group */
#define SHIM_PIDS 8
#define ENV_BYTES_MAX (8u << 20) /* of a sealed environment */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

enum { FD_FOLDER = 3, FD_LOGS, FD_CTL, FD_ENV, FD_READY, FD_JOB };

/* --- reading the frame ---------------------------------------------------- */

static void add(
    struct order *o, struct str *list, size_t *n, size_t most, struct str value)
{
	if (*n < most)
		list[(*n)++] = value;
	else
		o->overfull = true;
}

static void read_volume(struct order *o, uint16_t tag, struct str value)
{
	struct volume *v = o->nvolumes ? &o->volumes[o->nvolumes - 1] : NULL;

	if (tag == F_VOLUME && o->nvolumes == VOLUMES_MAX)
		o->overfull = true;
	else if (tag == F_VOLUME)
		o->volumes[o->nvolumes++].id = frame_number(value);
	else if (v && tag == F_VOLUME_BYTES)
		v->bytes = frame_number(value);
	else if (v && tag == F_VOLUME_PATH)
		v->path = value;
}

static void read_lists(struct order *o, const struct frame *f)
{
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value)) {
		if (tag == F_ARG)
			add(o, o->args, &o->nargs, OCI_LIST_MAX, value);
		else if (tag == F_ENV)
			add(o, o->env, &o->nenv, OCI_LIST_MAX, value);
		else if (tag == F_LAYER)
			add(o, o->layers, &o->nlayers, ROOT_LAYERS_MAX, value);
		else
			read_volume(o, tag, value);
	}
}

static void read_order(struct order *o, const struct frame *f)
{
	struct record *r = &o->r;

	r->instance = frame_u64(f, F_INSTANCE);
	r->app = frame_u64(f, F_APP);
	r->kind = frame_u64(f, F_KIND);
	r->release = frame_u64(f, F_RELEASE);
	r->generation = frame_u64(f, F_GENERATION);
	r->num = frame_u64(f, F_NUM);
	r->port = frame_u64(f, F_PORT);
	r->job = frame_u64(f, F_JOB);
	r->work = frame_u64(f, F_WORK);
	r->of = frame_u64(f, F_OF);
	r->most = frame_u64(f, F_MS);
	r->attached = frame_u64(f, F_STATE) == 1;
	r->pty = r->attached && frame_u64(f, F_PTY) == 1;
	r->time = clock_real_ms();
	str_copy(frame_str(f, F_PTYPE), r->ptype, sizeof(r->ptype));
	str_copy(frame_str(f, F_NAME), r->name, sizeof(r->name));
	str_copy(frame_str(f, F_SIZE), r->size, sizeof(r->size));
	str_copy(frame_str(f, F_SHOWN), r->shown, sizeof(r->shown));
	o->memory = frame_u64(f, F_MEMORY);
	o->weight = frame_u64(f, F_CPU);
	o->pids = frame_u64(f, F_PIDS);
	o->cpu_max = frame_u64(f, F_CPU_MAX);
	o->io = frame_u64(f, F_IO) ? frame_u64(f, F_IO) : IO_WEIGHT;
	o->io_max = frame_u64(f, F_IO_MAX);
	o->disk = frame_u64(f, F_DISK);
	o->own_disk = frame_u64(f, F_OWN_DISK) == 1;
	o->inodes = frame_u64(f, F_INODES);
	o->rows = frame_u64(f, F_ROWS);
	o->cols = frame_u64(f, F_COLS);
	o->nfds = f->nfds;
	for (int i = 0; i < f->nfds && i < 4; i++)
		o->fds[i] = f->fds[i];
	read_lists(o, f);
}

/* The environment is a sealed memfd: nobody writes in it any more. */
static int check_env(int fd, struct error *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals == -1 || !(seals & F_SEAL_WRITE) || fstat(fd, &st) == -1 ||
	    st.st_size > ENV_BYTES_MAX)
		return error_set(
		    err, ERR_INVALID, "the environment is no sealed memory");
	return 0;
}

/* A size or number of inodes of 0 would be a tmpfs without a bound. */
static bool is_unbounded(const struct order *o)
{
	return !o->kind->empty && !o->kind->inside &&
	       (o->disk == 0 || o->inodes == 0);
}

static int check_order(struct order *o, struct error *err)
{
	if (o->r.instance == 0 || o->r.kind >= KIND_N || o->r.port > 65535 ||
	    o->weight < 1 || o->weight > 10000 || o->pids == 0 ||
	    o->cpu_max > CPU_MAX || o->io > 10000 || o->rows > 65535 ||
	    o->cols > 65535)
		return error_set(err, ERR_INVALID, "an order out of bounds");
	o->kind = kind_row((enum instance_kind)o->r.kind);
	if (o->overfull)
		return error_set(err, ERR_LIMIT,
		    "at most %d layers, %d arguments, %d variables and %d "
		    "volumes",
		    ROOT_LAYERS_MAX, OCI_LIST_MAX, OCI_LIST_MAX, VOLUMES_MAX);
	for (size_t i = 0; i < o->nvolumes; i++)
		if (!o->volumes[i].path.len || !o->volumes[i].bytes)
			return error_set(
			    err, ERR_INVALID, "a volume without path or size");
	if (o->nfds != (o->kind->job ? 4 : 1) || is_unbounded(o) ||
	    (o->kind->job && o->r.work == 0) ||
	    (o->nlayers == 0) != (o->kind->empty || o->kind->inside) ||
	    (o->r.of != 0) != o->kind->inside)
		return error_set(
		    err, ERR_INVALID, "an order that does not fit its kind");
	return check_env(o->fds[o->kind->job ? 2 : 0], err);
}

/* An app's own process that runs; our programs in builds are nobody's place. */
static int find_host(struct jail *j, struct order *o, struct error *err)
{
	struct instance *host = instance_find(j, o->r.of);

	if (!o->kind->inside)
		return 0;
	if (!host || host->r.app != o->r.app || host->ending ||
	    host->state != INSTANCE_RUNNING || host->r.of != 0 ||
	    kind_row((enum instance_kind)host->r.kind)->job)
		return error_set(err, ERR_NOT_FOUND,
		    "the process to run it in does not run");
	o->host = host;
	return 0;
}

/* --- leases, record ------------------------------------------------------- */

static int take_leases(struct jail *j, struct order *o, struct error *err)
{
	uint32_t range, number = 0;

	if (o->host)
		return 0; /* its host's */
	if (lease_take(j->ranges, o->r.app, &range, err) == -1)
		return -1;
	if (o->kind->network &&
	    lease_take(j->numbers, o->r.instance, &number, err) == -1) {
		range_drop(j, o->r.app);
		return -1;
	}
	o->r.range = range;
	o->r.net = number;
	return 0;
}

static int write_record(struct instance *in, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(RECORD_MAX);

	record_print(&in->r, &text);
	return fd_write_file(in->folder, "record", buf_str(&text), 0600, err);
}

/* --- the shim ------------------------------------------------------------- */

/* The app's folder of log segments: shims write there, logd reads and cuts. */
static int open_logs(struct jail *j, uint64_t app, struct error *err)
{
	const struct role_ids *shim = &j->roles->of[ROLE_SHIM];
	const struct role_ids *logd = &j->roles->of[ROLE_LOGD];
	char name[24];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%" PRIu64, app);
	if (mkdirat(j->logs_dir, name, 0700) == -1 && errno != EEXIST)
		return error_sys(err, "make log folder %s", name);
	fd = openat(j->logs_dir, name, OPEN_DIR);
	if (fd == -1)
		return error_sys(err, "open log folder %s", name);
	if (fstat(fd, &st) == 0 && st.st_uid == shim->uid)
		return fd;
	if (fchown(fd, shim->uid, logd->gid) == -1 || fchmod(fd, 02770) == -1) {
		(void)error_sys(err, "owner of log folder %s", name);
		fd_close(&fd);
	}
	return fd;
}

static int open_ctl(struct instance *in, struct error *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	scoped_fd int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/i/%s/ctl",
	    in->j->settings->run, in->name);
	if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    chmod(at.sun_path, 0600) == -1 || listen(fd, 8) == -1)
		return error_sys(err, "listen on %s", at.sun_path);
	return take_fd(&fd);
}

static int make_shim_folder(struct instance *in, struct error *err)
{
	uid_t shim = in->j->roles->of[ROLE_SHIM].uid;

	if (fd_mkdir(in->folder, "s", 0700, err) == -1)
		return -1;
	if (fchownat(in->folder, "s", shim, 0, AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(err, "owner of the shim's folder");
	return 0;
}

/* In the child: from here on it counts as the instance's. */
static int become_shim(void *arg, struct error *err)
{
	struct instance *in = arg;
	char group[ID_TEXT];
	struct identity self;

	/* Inside another: so that what the runtime starts is there. */
	id_text(in->r.of ? in->r.of : in->r.instance, group);
	if (cgroup_enter(&in->j->cgroups, group, err) == -1 ||
	    identity_of(getpid(), &self, err) == -1 ||
	    identity_write(FD_FOLDER, "shim", &self, err) == -1)
		return -1;
	if (setns(in->netns, CLONE_NEWNET) == -1)
		return error_sys(err, "enter the network namespace");
	return 0;
}

static const char *mode_of(const struct order *o)
{
	if (o->kind->job)
		return "job";
	if (o->r.attached)
		return o->r.pty ? "attach-pty" : "attach-pipe";
	return "log";
}

struct shim_args {
	char run[128], uid[16], owner[32], limits[64], container[ID_TEXT];
	const char *argv[9];
	const char *env[4];
};

static void fill_args(
    struct shim_args *a, struct instance *in, const struct order *o)
{
	const struct settings *set = in->j->settings;
	const struct role_ids *shim = &in->j->roles->of[ROLE_SHIM];
	const struct record *host = o->host ? &o->host->r : &in->r;

	snprintf(a->run, sizeof(a->run), "%s/i/%s", set->run, in->name);
	snprintf(a->uid, sizeof(a->uid), "%" PRIu32,
	    lease_base((uint32_t)host->range) + OCI_UID);
	snprintf(a->owner, sizeof(a->owner), "%u:%u", (unsigned)shim->uid,
	    (unsigned)shim->gid);
	snprintf(a->limits, sizeof(a->limits), "PAAS_SHIM=%" PRIu64 ",%" PRIu64,
	    set->log_segment_bytes, set->log_segments);
	a->argv[0] = "paas-shim";
	a->argv[1] = a->run;
	a->argv[2] = in->r.name;
	a->argv[3] = a->uid;
	a->argv[4] = mode_of(o);
	a->argv[5] = in->j->runtime;
	a->argv[6] = a->owner;
	if (o->host) {
		id_text(host->instance, a->container);
		a->argv[7] = a->container;
	}
	a->env[0] = a->limits;
	a->env[1] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	a->env[2] = "LC_ALL=C.UTF-8";
}

static pid_t spawn_shim(struct instance *in, const struct order *o, int logs,
    int ctl, int ready, struct error *err)
{
	struct shim_args a = {0};
	struct spawn_fd fds[8] = {{in->folder, FD_FOLDER}, {ctl, FD_CTL},
	    {o->fds[o->kind->job ? 2 : 0], FD_ENV}, {ready, FD_READY}};
	struct spawn s = {.argv = a.argv,
	    .env = a.env,
	    .fds = fds,
	    .nfds = 4,
	    .session = 1,
	    .exec_fd = in->j->shim_program,
	    .child = become_shim,
	    .arg = in};

	fill_args(&a, in, o);
	if (logs != -1)
		fds[s.nfds++] = (struct spawn_fd){logs, FD_LOGS};
	if (o->kind->job) {
		fds[s.nfds++] = (struct spawn_fd){o->fds[0], FD_JOB};
		fds[s.nfds++] = (struct spawn_fd){o->fds[1], FD_JOB + 1};
		fds[s.nfds++] = (struct spawn_fd){o->fds[3], FD_JOB + 2};
	}
	return spawn(&s, err);
}

static int start_shim(
    struct instance *in, const struct order *o, struct error *err)
{
	scoped_fd int logs = -1, ctl = -1;
	int ready[2];
	pid_t pid;

	if (make_shim_folder(in, err) == -1)
		return -1;
	ctl = open_ctl(in, err);
	logs = o->kind->job ? -1 : open_logs(in->j, in->r.app, err);
	if (ctl == -1 || (!o->kind->job && logs == -1) ||
	    fd_pipe(ready, err) == -1)
		return -1;
	pid = spawn_shim(in, o, logs, ctl, ready[1], err);
	fd_close(&ready[1]);
	if (pid == -1) {
		fd_close(&ready[0]);
		return -1;
	}
	if (instance_watch(in, pid, err) == -1) {
		fd_close(&ready[0]);
		return -1;
	}
	return instance_wait_ready(in, ready[0], err);
}

/* --- all of it ------------------------------------------------------------ */

/* Beside its host's processes; its shim alone is put apart when it runs. */
static int make_inside(
    struct instance *in, const struct order *o, struct error *err)
{
	const struct cgroup_limits limits = {.memory = SHIM_MEMORY,
	    .weight = o->weight,
	    .pids = SHIM_PIDS,
	    .io = o->io};

	in->netns = fcntl(o->host->netns, F_DUPFD_CLOEXEC, 3);
	if (in->netns == -1)
		return error_sys(err, "namespace of %s", o->host->r.name);
	if (write_record(in, err) == -1 ||
	    cgroup_make(&in->j->cgroups, in->name, &limits, err) == -1 ||
	    bundle_process(in, o, err) == -1 || start_shim(in, o, err) == -1)
		return -1;
	instance_tell(in);
	return 0;
}

static int make(struct instance *in, const struct order *o, struct error *err)
{
	const struct cgroup_limits limits = {.memory = o->memory,
	    .weight = o->weight,
	    .cpu_max = o->cpu_max,
	    .pids = o->pids,
	    .io = o->io,
	    .io_max = o->io_max};

	if (o->host)
		return make_inside(in, o, err);
	if (write_record(in, err) == -1 ||
	    cgroup_make(&in->j->cgroups, in->name, &limits, err) == -1 ||
	    net_make(in->j->net, (uint32_t)in->r.net, in->r.app, &in->netns,
	        err) == -1 ||
	    bundle_mount(in, o, err) == -1 || bundle_write(in, o, err) == -1 ||
	    start_shim(in, o, err) == -1)
		return -1;
	instance_tell(in);
	memory_watch(in);
	reserve_watch(in);
	return 0;
}

/* Without even a folder there is nothing to keep but the answer. */
static void refuse(struct jail *j, const struct order *o, struct error *err)
{
	struct instance in = {.j = j, .r = o->r, .state = INSTANCE_EXITED};

	log_warn("instance refused id=%016" PRIx64 " reason=%s", o->r.instance,
	    log_quote(str_z(err->msg)));
	in.end = (struct ending){.code = 125, .time = clock_real_ms()};
	str_copy(str_z(err->msg), in.end.text, sizeof(in.end.text));
	instance_tell(&in);
}

static void begin(struct jail *j, struct order *o)
{
	struct error err = {0};
	struct instance *in;
	struct ending e = {.code = 125};

	if (check_order(o, &err) == -1 || find_host(j, o, &err) == -1 ||
	    take_leases(j, o, &err) == -1) {
		refuse(j, o, &err);
		return;
	}
	in = instance_new(j, &o->r, &err);
	if (!in) {
		if (o->r.range)
			range_drop(j, o->r.app);
		if (o->r.net)
			lease_drop(j->numbers, o->r.instance, NULL);
		refuse(j, o, &err);
		return;
	}
	if (make(in, o, &err) == 0)
		return;
	log_warn("instance not started id=%s reason=%s", in->name,
	    log_quote(str_z(err.msg)));
	str_copy(str_z(err.msg), e.text, sizeof(e.text));
	instance_end(in, &e);
}

void make_instance(struct jail *j, struct frame *f)
{
	struct instance *in = instance_find(j, frame_u64(f, F_INSTANCE));
	struct order *o;

	if (in) { /* asked again after a reconnect */
		instance_tell(in);
		return;
	}
	o = xcalloc(1, sizeof(*o));
	o->layers = xcalloc(ROOT_LAYERS_MAX, sizeof(*o->layers));
	read_order(o, f);
	begin(j, o);
	free(o->layers);
	free(o);
}
