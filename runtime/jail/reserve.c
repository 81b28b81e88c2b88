#include "reserve.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "store.h"

#define LOOK_MS 200 /* a fast disk takes some 200 MB meanwhile */
#define RESERVE_BYTES (1ull << 30)
#define RESERVE_PART 20 /* or a 20th of a small disk */

static bool is_scarce(const struct jail *j)
{
	struct statvfs fs;
	uint64_t keep;

	if (fstatvfs(j->store_dir, &fs) == -1)
		return false;
	keep = (uint64_t)fs.f_blocks * fs.f_frsize / RESERVE_PART;
	if (keep > RESERVE_BYTES)
		keep = RESERVE_BYTES;
	return (uint64_t)fs.f_bavail * fs.f_frsize < keep ||
	       (fs.f_files > 0 && fs.f_favail < fs.f_files / RESERVE_PART);
}

static bool is_build(const struct instance *in)
{
	return in->r.kind == KIND_BUILD && in->state != INSTANCE_EXITED &&
	       !in->ending;
}

static void end_build(struct instance *in)
{
	log_warn("build ended, the disk is nearly full app=%" PRIu64 " id=%s",
	    in->r.app, in->name);
	snprintf(in->failure, sizeof(in->failure),
	    "the server's disk is nearly full; the app's build cache was "
	    "removed");
	in->greedy = true;
	instance_kill(in);
}

static void look(struct ev_timer *t)
{
	struct jail *j = container_of(t, struct jail, reserve);
	bool scarce = is_scarce(j), any = false;
	struct instance *in;
	size_t pos = 0;
	void *value;

	while (map_next(j->instances, &pos, NULL, &value)) {
		in = value;
		if (!is_build(in))
			continue;
		any = true;
		if (scarce && !in->greedy)
			end_build(in);
	}
	if (any)
		ev_timer_set(j->ev, t, LOOK_MS);
}

void reserve_watch(struct instance *in)
{
	struct jail *j = in->j;

	if (in->r.kind != KIND_BUILD)
		return;
	j->reserve.fire = look;
	ev_timer_set(j->ev, &j->reserve, LOOK_MS);
}

void reserve_ended(struct instance *in)
{
	if (in->greedy)
		store_cache_drop(in->j, in->r.app);
}
