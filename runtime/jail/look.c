#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "wire/listens.h"
#include "wire/socktab.h"

#define LISTENS_BYTES 65536 /* those that listen come first */
#define TABLE_BYTES (4u << 20)

/* As much of a table as text holds; -1 when that is not all. None: empty. */
static int read_table(
    const struct instance *in, const char *name, struct buf *text)
{
	scoped_fd int fd = -1;
	char path[64];

	snprintf(
	    path, sizeof(path), "/proc/%d/net/%s", (int)in->shim.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	return buf_read_all(text, fd, NULL);
}

static void add_listens(
    const struct instance *in, const char *name, struct listens *l)
{
	scoped_buf struct buf text = BUF_INIT(LISTENS_BYTES);

	(void)read_table(in, name, &text);
	listens_add(l, buf_str(&text));
}

void look_ports(struct jail *j, const struct instance *in)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_PORTS, 0);
	struct listens l = {0};

	if (in->state == INSTANCE_RUNNING) {
		add_listens(in, "tcp", &l);
		add_listens(in, "tcp6", &l);
	}
	frame_put_u64(&o, F_INSTANCE, in->r.instance);
	for (size_t i = 0; i < l.n; i++) {
		frame_put_u64(&o, F_PORT, l.of[i].port);
		frame_put_u64(&o, F_OP, (uint64_t)l.of[i].where);
	}
	(void)peer_send(j->plan, &o);
}

static bool table_leads_outside(const struct instance *in, const char *name)
{
	scoped_buf struct buf text = BUF_INIT(TABLE_BYTES);

	return read_table(in, name, &text) == -1 ||
	       socktab_leads_outside(buf_str(&text));
}

bool look_is_connected(const struct instance *in)
{
	return table_leads_outside(in, "tcp") ||
	       table_leads_outside(in, "tcp6");
}
