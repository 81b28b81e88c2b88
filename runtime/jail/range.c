#include "range.h"

#include "base/fd.h"
#include "base/map.h"
#include "lease.h"
#include "root.h"

int range_userns(struct jail *j, uint64_t range, struct error *err)
{
	intptr_t kept = (intptr_t)map_get_id(j->userns, range);
	int fd;

	if (kept)
		return (int)(kept - 1);
	fd = root_userns(lease_base((uint32_t)range), err);
	if (fd != -1)
		(void)map_set_id(j->userns, range, (void *)(intptr_t)(fd + 1));
	return fd;
}

void range_drop(struct jail *j, uint64_t app)
{
	uint32_t range;
	int fd;

	if (!lease_drop(j->ranges, app, &range))
		return;
	fd = (int)(intptr_t)map_del_id(j->userns, range) - 1;
	fd_close(&fd);
}
