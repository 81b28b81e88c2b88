#include "unit.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "proc/spawn.h"

#define JOBS_MAX 262144 /* bytes of the list; at shutdown it is long */

bool unit_is_ours(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

/* sd_notify(3) by hand: one datagram to the socket that systemd names. */
void unit_notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	scoped_fd int fd = -1;
	size_t n;

	if (!path || (n = strlen(path)) >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, n);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1)
		(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL,
		    (struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

/* What `systemctl list-jobs` prints: lines of "ID UNIT TYPE STATE". */
static int list_jobs(struct buf *out, struct error *err)
{
	static const char *const argv[] = {"/usr/bin/systemctl", "list-jobs",
	    "--no-legend", "--plain", "--full", NULL};
	static const char *const env[] = {"LC_ALL=C", NULL};
	scoped_fd int in = -1;
	int pipe_fds[2];
	pid_t pid;
	int got;

	if (fd_pipe(pipe_fds, err) == -1)
		return -1;
	in = pipe_fds[0];
	pid = spawn(&(struct spawn){.argv = argv,
	                .env = env,
	                .fds = (struct spawn_fd[]){{pipe_fds[1], 1}},
	                .nfds = 1},
	    err);
	close(pipe_fds[1]);
	if (pid == -1)
		return -1;
	got = buf_read_all(out, in, err);
	fd_close(&in); /* one that prints on is ended by it */
	(void)waitpid(pid, NULL, 0);
	return got;
}

bool unit_names_stop(struct str jobs, struct str unit)
{
	struct str line;

	while (str_split(&jobs, '\n', &line)) {
		struct str word, words[3] = {{0}};
		size_t n = 0;

		while (n < 3 && str_split(&line, ' ', &word))
			if (word.len)
				words[n++] = word;
		if (n == 3 && str_eq(words[1], unit))
			return str_eqz(words[2], "stop");
	}
	return false;
}

bool unit_is_stopped(void)
{
	scoped_buf struct buf jobs = BUF_INIT(JOBS_MAX);
	const char *unit = getenv("PAAS_UNIT");
	struct error err = {0};

	if (!unit || !unit_is_ours())
		return false;
	if (list_jobs(&jobs, &err) == -1) {
		log_warn("apps are left running, systemd does not say whether "
		         "this is a restart: %s",
		    err.msg);
		return false;
	}
	return unit_names_stop(buf_str(&jobs), str_z(unit));
}
