/*
 * paas-receive - a worker for one job that touches a repository's objects.
 *
 *   paas-receive receive    a push or a fetch, asked by gitd
 *   paas-receive export     a commit's tree for a build, asked by builder
 *
 * Descriptor 0 is the connection to the asker. The worker reads the job,
 * confines itself to the one repository, does it, and ends. A second
 * argument names the repository: so a gitd that serves alone starts it, as
 * the user that both run as.
 */
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "export.h"
#include "fetch.h"
#include "git.h"
#include "ipc/peer.h"
#include "proc/sandbox.h"
#include "proc/start.h"
#include "push.h"

#define CONN 0
#define CPU_SECONDS 120
#define MEMORY_BYTES (1536ull << 20)
#define PROCESSES 256 /* of all workers: they have one user */
#define PATHS_MAX 16  /* that the sandbox leaves open */
#define BORROWED_MAX 4096

struct worker {
	struct start start;
	const char *alone; /* the repository, or NULL under super */
	char repo[320];
	char quarantine[96]; /* "" for none */
	bool may_exec;
	uint64_t file_bytes; /* the largest file it may write */
};

struct paths {
	struct sandbox_path list[PATHS_MAX];
	size_t n;
};

static void allow(struct paths *p, const char *path, bool write, bool exec)
{
	if (p->n < PATHS_MAX && access(path, F_OK) == 0)
		p->list[p->n++] = (struct sandbox_path){
		    .path = path, .write = write, .exec = exec};
}

/* What git is made of, and what it opens. */
static void allow_git(struct paths *p)
{
	static const char *const programs[] = {
	    GIT_PROGRAM, "/usr/lib", "/lib", "/lib64"};

	for (size_t i = 0; i < NELEM(programs); i++)
		allow(p, programs[i], false, true);
	allow(p, "/etc/ld.so.cache", false, false);
	allow(p, "/dev/null", true, false);
	allow(p, "/dev/urandom", false, false); /* for names of files */
}

/*
 * A repository that somebody made for a gitd alone may borrow objects of
 * others. text is written into, and kept by the paths.
 */
static void allow_borrowed(struct paths *p, struct buf *text)
{
	struct str rest, line;
	struct error err = {0};

	if (fd_read_file(AT_FDCWD, "objects/info/alternates", text, &err) ==
	        -1 ||
	    !buf_z(text)[0])
		return;
	rest = buf_str(text);
	while (str_split(&rest, '\n', &line)) {
		if (!line.len || line.p[0] != '/' || !rest.p)
			continue;
		text->p[line.p + line.len - text->p] = '\0';
		allow(p, line.p, false, false);
	}
}

static int confine_files(const struct worker *w, struct error *err)
{
	scoped_buf struct buf borrowed = BUF_INIT(BORROWED_MAX);
	struct paths p = {.n = 0};
	bool missing = false;

	allow(&p, ".", false, false);
	if (w->quarantine[0])
		allow(&p, w->quarantine, true, false);
	if (w->may_exec)
		allow_git(&p);
	if (w->alone)
		allow_borrowed(&p, &borrowed);
	if (sandbox_paths(p.list, p.n, &missing, err) == -1)
		return -1;
	if (missing)
		log_warn("the kernel has no landlock: files are confined by "
		         "permissions alone");
	return 0;
}

static int confine(const struct worker *w, struct error *err)
{
	unsigned calls = SANDBOX_NO_SOCKET;

	if (!w->may_exec)
		calls |= SANDBOX_NO_EXEC | SANDBOX_NO_FORK;
	if (confine_files(w, err) == -1 ||
	    sandbox_rlimit(RLIMIT_CPU, CPU_SECONDS, err) == -1 ||
	    sandbox_rlimit(RLIMIT_FSIZE, w->file_bytes, err) == -1)
		return -1;
	if (!w->alone && sandbox_rlimit(RLIMIT_NPROC, PROCESSES, err) == -1)
		return -1;
#ifndef __SANITIZE_ADDRESS__ /* its shadow needs terabytes of addresses */
	if (sandbox_rlimit(RLIMIT_AS, MEMORY_BYTES, err) == -1)
		return -1;
#endif
	return sandbox_calls(calls, err);
}

/* Go into the repository that f names, and lock the door. */
static int enter(struct worker *w, const struct frame *f, struct error *err)
{
	if (w->alone)
		snprintf(w->repo, sizeof(w->repo), "%s", w->alone);
	else
		snprintf(w->repo, sizeof(w->repo), "%s/repos/%" PRIu64 ".git",
		    w->start.settings.state, frame_u64(f, F_REPO));
	if (chdir(w->repo) == -1)
		return errno == ENOENT
		           ? error_set(err, ERR_NOT_FOUND, "no such repository")
		           : error_sys(err, "enter the repository");
	return confine(w, err);
}

static int do_push(struct worker *w, struct frame *f, struct error *err)
{
	struct push_job job = {.conn = CONN,
	    .quarantine = w->quarantine,
	    .max_bytes = frame_u64(f, F_BYTES),
	    .max_objects = frame_u64(f, F_FILES),
	    .max_refs = frame_u64(f, F_COUNT)};
	struct str name = frame_str(f, F_QUARANTINE);

	if (!name.len)
		return error_set(
		    err, ERR_INTERNAL, "a push without quarantine");
	snprintf(w->quarantine, sizeof(w->quarantine), "objects/" STR_FMT,
	    STR_ARG(name));
	/* What a thin pack leaves out is written too. */
	w->file_bytes = 2 * job.max_bytes + (64u << 20);
	if (enter(w, f, err) == -1)
		return -1;
	job.body = frame_take_fd(f, 0);
	return push_receive(&job, err);
}

static int do_fetch(struct worker *w, struct frame *f, struct error *err)
{
	struct str caps = frame_str(f, F_CAPS);
	scoped_free char *protocol = caps.len ? str_dup(caps) : NULL;
	struct fetch_job job = {.conn = CONN,
	    .body = frame_take_fd(f, 0),
	    .out = frame_take_fd(f, 1),
	    .refs = frame_u64(f, F_OP) == RECEIVE_REFS,
	    .protocol = protocol};

	if (job.out == -1)
		return error_set(
		    err, ERR_INTERNAL, "a fetch without an output");
	w->file_bytes = 0;
	if (enter(w, f, err) == -1)
		return -1;
	return fetch_serve(&job, err);
}

static int do_receive(struct worker *w, struct frame *f, struct error *err)
{
	w->may_exec = true;
	if (frame_u64(f, F_OP) == RECEIVE_PUSH)
		return do_push(w, f, err);
	return do_fetch(w, f, err);
}

static int do_export(struct worker *w, struct frame *f, struct error *err)
{
	struct export_job job = {.conn = CONN,
	    .out = frame_take_fd(f, 0),
	    .commit = frame_str(f, F_COMMIT),
	    .max_bytes = frame_u64(f, F_BYTES),
	    .max_files = frame_u64(f, F_FILES)};

	w->file_bytes = 0;
	if (enter(w, f, err) == -1)
		return -1;
	return export_stream(&job, err);
}

static const struct mode {
	const char *name;
	enum role asker;
	enum msg job;
	int (*run)(struct worker *w, struct frame *f, struct error *err);
} modes[] = {
    {"receive", ROLE_GITD, MSG_RECEIVE, do_receive},
    {"export", ROLE_BUILDER, MSG_EXPORT, do_export},
};

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; name && i < NELEM(modes); i++) {
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	}
	return NULL;
}

/* No configuration but the repository's own, no owner to please. */
static int open_git(struct error *err)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA,
	    GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
	    GIT_CONFIG_LEVEL_GLOBAL};

	if (git_libgit2_init() < 0)
		return error_set(err, ERR_INTERNAL, "start libgit2");
	for (size_t i = 0; i < NELEM(levels); i++)
		(void)git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	(void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	return 0;
}

static int prepare(struct worker *w, struct error *err)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!w->alone) {
		if (start_open(&w->start, "receive", err) == -1)
			return -1;
		if (geteuid() == 0 &&
		    sandbox_user(&w->start.roles, ROLE_RECEIVE, err) == -1)
			return -1;
		umask(022); /* gitd is another user, and reads the packs */
	}
	if (open_git(err) == -1 || fd_nonblock(CONN, false, err) == -1)
		return -1;
	return sandbox_basic(err);
}

static void send_error(const struct error *why)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_ERROR, 0);
	struct error err = {0};

	frame_put_u64(&o, F_CODE, why->code);
	frame_put_u64(&o, F_SYS, (uint64_t)why->sys);
	frame_put_z(&o, F_TEXT, why->msg);
	if (ipc_send_fd(CONN, &o, &err) == -1)
		log_debug("nobody hears: %s", err.msg);
}

static int work(struct worker *w, const struct mode *mode, struct error *err)
{
	scoped_free char *mem = xmalloc(FRAME_MAX);
	struct frame f;
	int r;

	r = ipc_recv_fd(CONN, ROLE_RECEIVE, mode->asker, mem, &f, err);
	if (r == 0)
		return 0; /* the asker changed its mind */
	if (r == -1)
		return -1;
	if (f.type == mode->job)
		r = mode->run(w, &f, err);
	else
		r = error_set(err, ERR_INVALID, "not a job for %s", mode->name);
	frame_close_fds(&f);
	return r == -1 ? -1 : 0;
}

int main(int argc, char **argv)
{
	const struct mode *mode = find_mode(argc > 1 ? argv[1] : NULL);
	struct worker w = {.alone = argc > 2 ? argv[2] : NULL};
	struct error err = {0};
	int r;

	if (!mode) {
		fprintf(stderr, "usage: paas-receive receive|export [DIR]\n"
		                "A worker that super and gitd start.\n");
		return 2;
	}
	log_open("receive", LOG_LEVEL_WARN);
	if (prepare(&w, &err) == -1) {
		log_error("worker not started: %s", err.msg);
		return 1;
	}
	r = work(&w, mode, &err);
	if (r == -1)
		send_error(&err);
	/* Nothing waits to be written, and exit handlers find doors locked. */
	_exit(r == -1 ? 1 : 0);
}
