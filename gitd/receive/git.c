#include "git.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proc/spawn.h"

#define STDERR_MAX (64u << 10) /* of what git complains about */
#define ENV_MAX 64
#define REASON_MAX 160

/*
 * safe.directory: the repository belongs to gitd's user. The sizes keep git
 * below the worker's address space.
 */
static const char *const config[][2] = {
    {"safe.directory", "*"},
    {"core.hooksPath", "/dev/null"},
    {"core.packedGitWindowSize", "32m"},
    {"core.packedGitLimit", "256m"},
    {"core.bigFileThreshold", "64m"},
    {"core.deltaBaseCacheLimit", "64m"},
    {"pack.windowMemory", "64m"},
    {"pack.threads", "2"},
    {"pack.writeReverseIndex", "false"},
    {"transfer.hideRefs", "refs/gitd"},
    {"uploadpack.allowFilter", "true"},
    {"gc.auto", "0"},
};

struct env {
	char *list[ENV_MAX];
	int n;
};

static void env_release(struct env *e)
{
	for (int i = 0; i < e->n; i++)
		free(e->list[i]);
}

static void env_add(struct env *e, const char *name, const char *value)
{
	assert(e->n < ENV_MAX - 1);
	if (value)
		e->list[e->n++] = xasprintf("%s=%s", name, value);
}

/* A path as it may stand in the list of alternates: quoted as C would. */
static char *quoted_path(const char *path)
{
	scoped_buf struct buf out = BUF_INIT(2 * PATH_MAX + 3);

	buf_addc(&out, '"');
	for (const char *p = path; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_addc(&out, '\\');
		buf_addc(&out, *p);
	}
	buf_addc(&out, '"');
	return xstrdup(buf_z(&out));
}

static int env_fill(struct env *e, const struct git_run *run, struct error *err)
{
	scoped_free char *here = getcwd(NULL, 0);
	char name[40], count[12];

	if (!here)
		return error_sys(err, "path of the repository");
	env_add(e, "PATH", "/usr/bin:/bin");
	env_add(e, "HOME", "/nonexistent");
	env_add(e, "LC_ALL", "C");
	env_add(e, "GIT_CONFIG_NOSYSTEM", "1");
	env_add(e, "GIT_TERMINAL_PROMPT", "0");
	env_add(e, "GIT_DIR", ".");
	env_add(e, "GIT_PROTOCOL", run->protocol);
	if (run->objects) {
		scoped_free char *all = xasprintf("%s/objects", here);
		scoped_free char *path = quoted_path(all);

		env_add(e, "GIT_OBJECT_DIRECTORY", run->objects);
		env_add(e, "GIT_ALTERNATE_OBJECT_DIRECTORIES", path);
	}
	snprintf(count, sizeof(count), "%zu", NELEM(config));
	env_add(e, "GIT_CONFIG_COUNT", count);
	for (size_t i = 0; i < NELEM(config); i++) {
		snprintf(name, sizeof(name), "GIT_CONFIG_KEY_%zu", i);
		env_add(e, name, config[i][0]);
		snprintf(name, sizeof(name), "GIT_CONFIG_VALUE_%zu", i);
		env_add(e, name, config[i][1]);
	}
	e->list[e->n] = NULL;
	return 0;
}

static int die_with_worker(void *arg, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return error_sys(err, "tie git to its worker");
	return 0;
}

static pid_t start(
    const struct git_run *run, int out, int complaints, struct error *err)
{
	struct env env __attribute__((cleanup(env_release))) = {.n = 0};
	const struct spawn_fd fds[] = {{run->in, 0}, {out, 1}, {complaints, 2}};
	const char *argv[16] = {GIT_PROGRAM};
	struct spawn sp = {
	    .argv = argv, .fds = fds, .nfds = 3, .child = die_with_worker};

	for (size_t i = 0; run->args[i] && i + 2 < NELEM(argv); i++)
		argv[i + 1] = run->args[i];
	if (env_fill(&env, run, err) == -1)
		return -1;
	sp.env = (const char *const *)env.list;
	return spawn(&sp, err);
}

/* Read once from *fd into b; close it at its end. A full b loses the rest. */
static void gather(int *fd, struct buf *b)
{
	struct error err = {0};
	char waste[4096];
	ssize_t n;

	if (b->len < b->max)
		n = buf_read(b, *fd, &err);
	else
		n = read(*fd, waste, sizeof(waste));
	if (n == 0 || (n == -1 && err.sys != EINTR && err.sys != EAGAIN))
		fd_close(fd);
}

/* Gather both outputs until they end; kill pid if the asker goes away. */
static void attend(
    struct git_run *run, pid_t pid, int *out, int *complaints, struct buf *said)
{
	int conn = run->conn;

	while (*out != -1 || *complaints != -1) {
		struct pollfd p[] = {{.fd = *out, .events = POLLIN},
		    {.fd = *complaints, .events = POLLIN},
		    {.fd = conn, .events = POLLRDHUP}};

		if (poll(p, NELEM(p), -1) == -1)
			continue;
		if (p[0].revents)
			gather(out, &run->text);
		if (p[1].revents)
			gather(complaints, said);
		if (p[2].revents) {
			(void)kill(pid, SIGKILL); /* our own, not yet reaped */
			conn = -1;
		}
	}
}

/* The reason: the first error, which the last words only sum up. */
static struct str find_reason(struct str said)
{
	static const struct str error = STR("error: "), fatal = STR("fatal: ");
	struct str line, last = STR("");

	while (str_split(&said, '\n', &line)) {
		if (str_starts(line, error))
			return str_sub(line, error.len, error.len + REASON_MAX);
		if (line.len)
			last = line;
	}
	if (str_starts(last, fatal))
		last = str_sub(last, fatal.len, last.len);
	return str_sub(last, 0, REASON_MAX);
}

static int judge(int status, struct str said, struct error *err)
{
	struct str line = find_reason(said);
	int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (signo == SIGXCPU || signo == SIGKILL)
		return error_set(err, ERR_LIMIT,
		    "git used more processor time or memory than one job may");
	if (signo == SIGXFSZ)
		return error_set(
		    err, ERR_LIMIT, "git wrote more than one job may");
	if (signo)
		return error_set(
		    err, ERR_INTERNAL, "git ended by signal %d", signo);
	if (str_starts(line, STR("Out of memory")))
		return error_set(err, ERR_LIMIT,
		    "git needs more memory than one job may use");
	if (!line.len)
		return error_set(err, ERR_INVALID, "git ended with status %d",
		    WEXITSTATUS(status));
	return error_set(err, ERR_INVALID, STR_FMT, STR_ARG(line));
}

int git_run(struct git_run *run, struct error *err)
{
	scoped_buf struct buf said = BUF_INIT(STDERR_MAX);
	scoped_fd int out_r = -1, out_w = -1, err_r = -1, err_w = -1;
	int pipe_fds[2], status = 0;
	pid_t pid;

	if (fd_pipe(pipe_fds, err) == -1)
		return -1;
	err_r = pipe_fds[0];
	err_w = pipe_fds[1];
	if (run->out == -1) {
		if (fd_pipe(pipe_fds, err) == -1)
			return -1;
		out_r = pipe_fds[0];
		out_w = pipe_fds[1];
	}
	pid = start(run, run->out == -1 ? out_w : run->out, err_w, err);
	if (pid == -1)
		return -1;
	fd_close(&out_w);
	fd_close(&err_w);
	attend(run, pid, &out_r, &err_r, &said);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return judge(status, buf_str(&said), err);
}
