#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define BOOT_ID_LEN 36
#define STAT_ROOM 1024  /* a line of /proc/PID/stat */
#define SIGNAL_BASE 128 /* code of what a signal ended, as shells tell it */

/* One read of a small file in /proc. */
static int read_proc(const char *path, char *out, size_t size, struct str *ret,
    struct error *err)
{
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, out, size);

	if (n <= 0)
		return error_sys(err, "read %s", path);
	*ret = str_make(out, (size_t)n);
	return 0;
}

/* Field 22 of stat: behind the last ')', the 20th word. */
static int start_time(pid_t pid, struct str *ret, char *mem, struct error *err)
{
	struct str rest, word;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_proc(path, mem, STAT_ROOM, &rest, err) == -1)
		return -1;
	for (ssize_t at; (at = str_find(rest, ')')) != -1;)
		rest = str_sub(rest, (size_t)at + 1, rest.len);
	rest = str_sub(rest, 1, rest.len);
	for (int i = 3; str_split(&rest, ' ', &word); i++) {
		if (i == 22) {
			*ret = word;
			return 0;
		}
	}
	return error_set(err, ERR_INTERNAL, "no start time in %s", path);
}

int record_pid(int dir, pid_t pid, struct error *err)
{
	char stat[STAT_ROOM], boot_id[BOOT_ID_LEN + 1], text[128];
	struct str start = {0}, boot = {0};
	int n;

	if (start_time(pid, &start, stat, err) == -1 ||
	    read_proc("/proc/sys/kernel/random/boot_id", boot_id, BOOT_ID_LEN,
	        &boot, err) == -1)
		return -1;
	n = snprintf(text, sizeof(text), "%d " STR_FMT " " STR_FMT "\n",
	    (int)pid, STR_ARG(start), STR_ARG(boot));
	return fd_write_file(dir, "pid", str_make(text, (size_t)n), 0644, err);
}

static int write_exit(
    int dir, int code, int signal, const char *why, struct error *err)
{
	char text[sizeof(err->msg) + 128];
	int n = snprintf(text, sizeof(text),
	    "code %d\nsignal %d\ntime %" PRIu64 "\n%s%s%s", code, signal,
	    clock_real_ms(), why ? "text " : "", why ? why : "",
	    why ? "\n" : "");

	if (n >= (int)sizeof(text))
		return error_set(err, ERR_LIMIT, "the exit record's text");
	return fd_write_file(dir, "exit", str_make(text, (size_t)n), 0644, err);
}

int record_exit(int dir, int status, struct error *err)
{
	if (WIFSIGNALED(status))
		return write_exit(dir, SIGNAL_BASE + WTERMSIG(status),
		    WTERMSIG(status), NULL, err);
	return write_exit(dir, WEXITSTATUS(status), 0, NULL, err);
}

int record_failure(int dir, const char *why, struct error *err)
{
	return write_exit(dir, EXIT_NOT_STARTED, 0, why, err);
}
