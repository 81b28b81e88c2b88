#include "rest.h"

#include "base/log.h"

#include "look.h"
#include "pageout.h"

static void page_out(const struct instance *in)
{
	scoped_buf struct buf pids = BUF_INIT(CGROUP_PROCS_MAX);
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
	if (look_is_connected(in))
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
