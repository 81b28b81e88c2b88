#include "ipc/connect.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"

int ipc_connect_fd(const char *path, struct error *err)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	scoped_fd int fd = -1;

	if (strlen(path) >= sizeof(to.sun_path))
		return error_set(err, ERR_LIMIT, "socket path %s", path);
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return error_sys(err, "socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		return error_sys(err, "connect to %s", path);
	return take_fd(&fd);
}

int ipc_ask(const char *run, const char *name, struct error *err)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	int fd;

	/* What does not fit is as long as no path may be. */
	snprintf(path, sizeof(path), "%s/%s.sock", run, name);
	fd = ipc_connect_fd(path, err);
	return fd == -1 ? error_wrap(err, "ask for %s", name) : fd;
}
