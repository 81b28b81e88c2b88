#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

void stage_path(const struct options *o, const char *name, char *out)
{
	(void)snprintf(out, PATH_ROOM, "%s/s/%s", o->folder, name);
}

/*
 * It is root's until the shim drops to its user: other shims have the same
 * user, and the runtime writes a file here.
 */
static int make_folder(int folder, struct stage *st, struct error *err)
{
	if (fd_mkdir(folder, "s", 0700, err) == -1)
		return -1;
	st->own = openat(
	    folder, "s", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (st->own == -1 || fchown(st->own, 0, 0) == -1)
		return error_sys(err, "folder s of the instance");
	return 0;
}

/* A pipe whose writer is gone: reads end at once. */
static int dead_end(int *ret, struct error *err)
{
	int fds[2];

	if (fd_pipe(fds, err) == -1)
		return -1;
	(void)close(fds[1]);
	*ret = fds[0];
	return 0;
}

/* --- MODE_LOG ------------------------------------------------------------ */

/*
 * Both sides hold it for reading and writing: so a dead shim is no SIGPIPE
 * for the app, and a dead app no end of file.
 */
static int make_fifo(const struct options *o, struct stage *st,
    const char *name, int *ret_theirs, int *ret_ours, struct error *err)
{
	if (unlinkat(st->own, name, 0) == -1 && errno != ENOENT)
		return error_sys(err, "remove an old %s", name);
	if (mkfifoat(st->own, name, 0600) == -1 ||
	    fchownat(st->own, name, o->app_uid, o->app_uid,
	        AT_SYMLINK_NOFOLLOW) == -1)
		return error_sys(err, "make FIFO %s", name);
	*ret_theirs = openat(st->own, name, O_RDWR | O_CLOEXEC);
	*ret_ours = openat(st->own, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (*ret_theirs == -1 || *ret_ours == -1)
		return error_sys(err, "open FIFO %s", name);
	return 0;
}

static int stage_log(
    const struct options *o, struct stage *st, struct error *err)
{
	if (dead_end(&st->child[0], err) == -1 ||
	    make_fifo(o, st, "out", &st->child[1], &st->output[0], err) == -1)
		return -1;
	return make_fifo(o, st, "err", &st->child[2], &st->output[1], err);
}

/* --- MODE_PTY ------------------------------------------------------------ */

static int stage_pty(
    const struct options *o, struct stage *st, struct error *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char path[PATH_ROOM];

	stage_path(o, "console", path);
	if (strlen(path) >= sizeof(at.sun_path))
		return error_set(err, ERR_LIMIT, "socket path %s", path);
	memcpy(at.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	st->console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (st->console == -1 ||
	    bind(st->console, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(st->console, 1) == -1 ||
	    fd_nonblock(st->console, true, err) == -1)
		return error_sys(err, "socket for the terminal");
	/* The container's own come from its terminal. */
	for (int i = 0; i < 3; i++) {
		st->child[i] = fcntl(st->complaints, F_DUPFD_CLOEXEC, 0);
		if (st->child[i] == -1)
			return error_sys(err, "descriptors of the runtime");
	}
	return 0;
}

/* The one descriptor beside a message; -1 when there is none. */
static int receive_fd(int from)
{
	union {
		char mem[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char name[64]; /* of the terminal; of no use here */
	struct iovec part = {name, sizeof(name)};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.mem,
	    .msg_controllen = sizeof(control.mem)};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The runtime sent it before it exited, so nothing here waits. */
static int take_terminal(struct stage *st, struct error *err)
{
	scoped_fd int from = accept4(st->console, NULL, NULL, SOCK_CLOEXEC);

	fd_close(&st->console);
	(void)unlinkat(st->own, "console", 0);
	if (from != -1)
		st->output[0] = receive_fd(from);
	if (from == -1 || st->output[0] == -1)
		return error_set(
		    err, ERR_SYSTEM, "the runtime sent no terminal");
	st->input = fcntl(st->output[0], F_DUPFD_CLOEXEC, 0);
	if (st->input == -1)
		return error_sys(err, "descriptor of the terminal");
	return fd_nonblock(st->output[0], true, err);
}

/* --- MODE_PIPE ----------------------------------------------------------- */

/* The app may open /dev/stdout, so its ends are its own. */
static int app_pipe(
    const struct options *o, int *ret_read, int *ret_write, struct error *err)
{
	int fds[2];

	if (fd_pipe(fds, err) == -1)
		return -1;
	*ret_read = fds[0];
	*ret_write = fds[1];
	if (fchown(fds[0], o->app_uid, o->app_uid) == -1)
		return error_sys(err, "give a pipe to the app");
	return 0;
}

static int stage_pipe(
    const struct options *o, struct stage *st, struct error *err)
{
	if (app_pipe(o, &st->child[0], &st->input, err) == -1 ||
	    app_pipe(o, &st->output[0], &st->child[1], err) == -1)
		return -1;
	st->child[2] = fcntl(st->child[1], F_DUPFD_CLOEXEC, 0);
	if (st->child[2] == -1)
		return error_sys(err, "standard error");
	if (fd_nonblock(st->input, true, err) == -1)
		return -1;
	return fd_nonblock(st->output[0], true, err);
}

/* --- all of it ----------------------------------------------------------- */

/* What builder gave, but never a device of the host's. */
static int stage_job(struct stage *st, struct error *err)
{
	struct stat in;

	st->child[0] = JOB_STDIN;
	st->child[1] = JOB_OUTPUT;
	st->child[2] = JOB_OUTPUT;
	if (fstat(JOB_STDIN, &in) == -1)
		return error_sys(err, "standard input");
	return S_ISCHR(in.st_mode) ? dead_end(&st->child[0], err) : 0;
}

int stage_make(
    const struct options *o, int folder, struct stage *ret, struct error *err)
{
	struct stage *st = ret;

	if (make_folder(folder, st, err) == -1)
		return -1;
	st->complaints = memfd_create("runtime", MFD_CLOEXEC);
	if (st->complaints == -1 ||
	    fcntl(st->complaints, F_SETFL, O_APPEND) == -1)
		return error_sys(err, "memory file");
	switch (o->mode) {
	case MODE_LOG:
		return stage_log(o, st, err);
	case MODE_PTY:
		return stage_pty(o, st, err);
	case MODE_PIPE:
		return stage_pipe(o, st, err);
	case MODE_JOB:
		return stage_job(st, err);
	}
	return 0;
}

int stage_started(const struct options *o, struct stage *st, struct error *err)
{
	for (int i = 0; i < 3; i++)
		fd_close(&st->child[i]);
	fd_close(&st->complaints);
	return o->mode == MODE_PTY ? take_terminal(st, err) : 0;
}
