#include "proc/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fd.h"

static int boot_id(char out[37], struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(64);

	if (fd_read_file(
	        AT_FDCWD, "/proc/sys/kernel/random/boot_id", &text, err) == -1)
		return -1;
	if (text.len < 36)
		return error_set(err, ERR_INTERNAL, "boot id");
	memcpy(out, text.p, 36);
	out[36] = '\0';
	return 0;
}

/* Field 22 of stat: behind the last ')', the 20th word. */
static int start_ticks(pid_t pid, uint64_t *ret, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(4096);
	char path[40];
	struct str rest, word;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (fd_read_file(AT_FDCWD, path, &text, err) == -1) {
		if (err && (err->sys == ENOENT || err->sys == ESRCH))
			err->code = ERR_NOT_FOUND;
		return -1;
	}
	rest = buf_str(&text);
	for (ssize_t at; (at = str_find(rest, ')')) != -1;)
		rest = str_sub(rest, (size_t)at + 1, rest.len);
	rest = str_sub(rest, 1, rest.len);
	for (int i = 3; str_split(&rest, ' ', &word); i++) {
		if (i == 22 && str_u64(word, UINT64_MAX, ret))
			return 0;
	}
	return error_set(err, ERR_INTERNAL, "start time in %s", path);
}

int identity_of(pid_t pid, struct identity *ret, struct error *err)
{
	struct identity id = {.pid = pid};

	if (start_ticks(pid, &id.start_ticks, err) == -1 ||
	    boot_id(id.boot, err) == -1)
		return error_wrap(err, "identity of process %d", (int)pid);
	*ret = id;
	return 0;
}

int identity_open(const struct identity *id, struct error *err)
{
	struct identity now;
	scoped_fd int fd = pidfd_open(id->pid, 0);

	if (fd == -1 && errno != ESRCH)
		return error_sys(err, "open process %d", (int)id->pid);
	/* Asked after opening: what the pidfd holds is what is compared. */
	if (fd == -1 || identity_of(id->pid, &now, err) == -1 ||
	    now.start_ticks != id->start_ticks || strcmp(now.boot, id->boot))
		return error_set(
		    err, ERR_NOT_FOUND, "process %d is gone", (int)id->pid);
	return take_fd(&fd);
}

int identity_write(
    int dir, const char *name, const struct identity *id, struct error *err)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "%d %" PRIu64 " %s\n",
	    (int)id->pid, id->start_ticks, id->boot);

	return fd_write_file(dir, name, str_make(text, (size_t)n), 0644, err);
}

int identity_read(
    int dir, const char *name, struct identity *ret, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(128);
	struct str rest, pid, ticks, boot;
	struct identity id = {0};
	uint64_t number;

	if (fd_read_file(dir, name, &text, err) == -1)
		return -1;
	rest = buf_str(&text);
	if (!str_split(&rest, ' ', &pid) || !str_u64(pid, INT32_MAX, &number) ||
	    !str_split(&rest, ' ', &ticks) ||
	    !str_u64(ticks, UINT64_MAX, &id.start_ticks) ||
	    !str_split(&rest, '\n', &boot) || boot.len != 36)
		return error_set(err, ERR_INVALID, "identity in %s", name);
	id.pid = (pid_t)number;
	memcpy(id.boot, boot.p, 36);
	*ret = id;
	return 0;
}
