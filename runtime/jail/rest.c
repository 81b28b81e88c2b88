#include "rest.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

#include "pageout.h"
#include "proc/identity.h"

#define TABLE_MAX (4u << 20) /* bytes of /proc/PID/net/tcp */
#define PIDS_MAX (1u << 20)
#define ESTABLISHED "01"
#define LOOPBACK_V4 "0100007F" /* as the kernel prints it, in host order */
#define LOOPBACK_V6 "00000000000000000000000001000000"
#define LOOPBACK_MAPPED "0000000000000000FFFF00000100007F"

/* --- connections ---------------------------------------------------------- */

/* The n-th word of a line, from 0. */
static struct str word(struct str line, size_t n)
{
	struct str w = {0};

	for (size_t i = 0; line.len && str_split(&line, ' ', &w);)
		if (w.len && i++ == n)
			return w;
	return (struct str){0};
}

/* "  0: LOCAL:PORT REMOTE:PORT STATE ..." with the outside at the far end. */
static bool leads_outside(struct str line)
{
	struct str remote = word(line, 2), addr;

	if (!str_eqz(word(line, 3), ESTABLISHED) ||
	    !str_split(&remote, ':', &addr))
		return false;
	return !str_eqz(addr, LOOPBACK_V4) && !str_eqz(addr, LOOPBACK_V6) &&
	       !str_eqz(addr, LOOPBACK_MAPPED);
}

static bool table_leads_outside(pid_t pid, const char *table)
{
	scoped_buf struct buf text = BUF_INIT(TABLE_MAX);
	scoped_fd int fd = -1;
	struct str rest, line;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, table);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || buf_read_all(&text, fd, NULL) == -1)
		return false;
	rest = buf_str(&text);
	while (rest.len && str_split(&rest, '\n', &line))
		if (leads_outside(line))
			return true;
	return false;
}

/* The shim is in the instance's network namespace. */
static bool is_connected(const struct instance *in)
{
	return table_leads_outside(in->shim.pid, "tcp") ||
	       table_leads_outside(in->shim.pid, "tcp6");
}

/* --- freezing ------------------------------------------------------------- */

static void page_out(const struct instance *in)
{
	scoped_buf struct buf pids = BUF_INIT(PIDS_MAX);
	struct error err = {0};

	if (!pageout_is_possible() ||
	    !freezer_members(&in->j->freezer, in->name, &pids))
		return;
	if (pageout_start(buf_str(&pids), &err) == -1)
		log_warn("not paged out id=%s: %s", in->name, err.msg);
}

int rest_freeze(struct instance *in, struct error *err)
{
	if (in->state != INSTANCE_RUNNING || in->ending)
		return error_set(err, ERR_UNAVAILABLE, "it is not running");
	if (is_connected(in))
		return error_set(
		    err, ERR_UNAVAILABLE, "it has connections of its own");
	if (freezer_freeze(&in->j->freezer, in->name, in->shim.pid, err) == -1)
		return -1;
	in->frozen = true;
	page_out(in);
	return 0;
}

void rest_thaw(struct instance *in)
{
	if (in->frozen)
		freezer_thaw(&in->j->freezer, in->name);
	in->frozen = false;
}
