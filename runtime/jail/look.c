#include "look.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "proc/identity.h"
#include "wire/listens.h"

#define TABLE_MAX 65536 /* bytes; those that listen come first */

static void read_table(struct listens *l, pid_t pid, const char *name)
{
	scoped_buf struct buf text = BUF_INIT(TABLE_MAX);
	scoped_fd int fd = -1;
	struct error err = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd != -1 && buf_read(&text, fd, &err) > 0)
		;
	listens_add(l, buf_str(&text));
}

static bool find_first(const struct instance *in, struct identity *ret)
{
	scoped_fd int folder = openat(
	    in->folder, "s", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return folder != -1 && identity_read(folder, "pid", ret, NULL) == 0;
}

void look_ports(struct jail *j, const struct instance *in)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_PORTS, 0);
	struct listens l = {0};
	struct identity first;
	int held = -1;

	/* Held while it is read, so that the pid stays its own. */
	if (in->state == INSTANCE_RUNNING && find_first(in, &first)) {
		held = identity_open(&first, NULL);
		if (held != -1) {
			read_table(&l, first.pid, "tcp");
			read_table(&l, first.pid, "tcp6");
		}
		fd_close(&held);
	}
	frame_put_u64(&o, F_INSTANCE, in->r.instance);
	for (size_t i = 0; i < l.n; i++) {
		frame_put_u64(&o, F_PORT, l.of[i].port);
		frame_put_u64(&o, F_OP, (uint64_t)l.of[i].where);
	}
	(void)peer_send(j->plan, &o);
}
