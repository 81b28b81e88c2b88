#include "pageout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

#define MAPS_MAX (8u << 20) /* bytes of /proc/PID/maps */

bool pageout_is_possible(void)
{
	scoped_buf struct buf text = BUF_INIT(65536);
	scoped_fd int fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
	struct str rest, line;

	if (fd == -1 || buf_read_all(&text, fd, NULL) == -1)
		return false;
	rest = buf_str(&text);
	(void)str_split(&rest, '\n', &line); /* the heading */
	return rest.len > 0;
}

/* "START-END ..." of one line; what can't be paged out is left alone. */
static void page_out_range(int pidfd, struct str line)
{
	struct str from, to;
	uint64_t start, end;
	struct iovec range;

	if (!str_split(&line, '-', &from) || !str_split(&line, ' ', &to) ||
	    !str_hex(from, &start) || !str_hex(to, &end) || end <= start)
		return;
	range = (struct iovec){(void *)(uintptr_t)start, end - start};
	(void)syscall(SYS_process_madvise, pidfd, &range, 1, MADV_PAGEOUT, 0);
}

static void page_out(pid_t pid)
{
	scoped_buf struct buf maps = BUF_INIT(MAPS_MAX);
	scoped_fd int pidfd = pidfd_open(pid, 0), fd = -1;
	struct str rest, line;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (pidfd == -1 || fd == -1 || buf_read_all(&maps, fd, NULL) == -1)
		return;
	rest = buf_str(&maps);
	while (rest.len && str_split(&rest, '\n', &line))
		page_out_range(pidfd, line);
}

static _Noreturn void work(struct str pids)
{
	struct str line;
	uint64_t pid;

	/* Nothing of ours may seem open because of this child. */
	(void)syscall(SYS_close_range, 3u, ~0u, 0u);
	while (pids.len && str_split(&pids, '\n', &line))
		if (str_u64(line, INT32_MAX, &pid))
			page_out((pid_t)pid);
	_exit(0);
}

int pageout_start(struct str pids, struct error *err)
{
	pid_t pid = fork();

	if (pid == -1)
		return error_sys(err, "fork");
	if (pid == 0) {
		/* Its child belongs to nobody who has to wait for it. */
		if (fork() == 0)
			work(pids);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	return 0;
}
