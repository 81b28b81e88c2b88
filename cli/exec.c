#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proc/spawn.h"

char *exec_find(const char *name)
{
	const char *path = getenv("PATH");
	struct str rest = str_z(path ? path : "/usr/local/bin:/usr/bin:/bin");
	struct str dir;

	while (str_split(&rest, ':', &dir)) {
		scoped_free char *full = NULL;

		if (!dir.len)
			continue;
		full = xasprintf(STR_FMT "/%s", STR_ARG(dir), name);
		if (access(full, X_OK) == 0)
			return take(full);
	}
	return NULL;
}

static int wait_exit(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int exec_capture(const char *const argv[], struct buf *out)
{
	scoped_free char *path = exec_find(argv[0]);
	scoped_buf struct buf unread = BUF_INIT(1u << 20);
	const char *own[16] = {path};
	int fds[2];
	pid_t pid;

	if (!path || fd_pipe(fds, NULL) == -1)
		return -1;
	for (size_t i = 1; argv[i] && i + 1 < NELEM(own); i++)
		own[i] = argv[i];
	scoped_fd int from = fds[0], to = fds[1];
	scoped_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct spawn_fd map[] = {{to, 1}, {null, 2}};

	pid = spawn(&(struct spawn){.argv = own,
	                .env = (const char *const *)environ,
	                .fds = map,
	                .nfds = NELEM(map)},
	    NULL);
	if (pid == -1)
		return -1;
	fd_close(&to);
	(void)buf_read_all(out ? out : &unread, from, NULL);
	fd_close(&from);
	return wait_exit(pid);
}
