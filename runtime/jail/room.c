#include "room.h"

#include <fcntl.h>

#include "base/fd.h"
#include "instance.h"
#include "proc/sizes.h"

#define MEMINFO_MAX 16384 /* bytes */

uint64_t room_available(struct str meminfo)
{
	struct str line, name, number;
	uint64_t n;

	while (meminfo.len && str_split(&meminfo, '\n', &line)) {
		if (!str_split(&line, ':', &name) ||
		    !str_eqz(name, "MemAvailable"))
			continue;
		line = str_trim(line);
		if (str_split(&line, ' ', &number) && str_eqz(line, "kB") &&
		    str_u64(number, UINT64_MAX >> 10, &n))
			return n << 10;
	}
	return 0;
}

static uint64_t free_beside(const struct jail *j, uint64_t used)
{
	scoped_buf struct buf text = BUF_INIT(MEMINFO_MAX);
	uint64_t all = size_host_memory(j->settings);
	uint64_t left = all > used ? all - used : 0, available;

	if (fd_read_file(AT_FDCWD, "/proc/meminfo", &text, NULL) == -1)
		return left;
	available = room_available(buf_str(&text));
	return available < left ? available : left;
}

void room_tell(struct jail *j, uint64_t app)
{
	struct frame_out o = frame_begin(MSG_ROOM, 0);
	uint64_t sum = 0;
	size_t pos = 0;
	void *value;

	frame_put_u64(&o, F_APP, app);
	while (map_next(j->instances, &pos, NULL, &value)) {
		const struct instance *in = value;
		uint64_t used = memory_of(&in->memory);

		sum += used;
		if (in->r.app != app || used == 0)
			continue;
		frame_put_u64(&o, F_INSTANCE, in->r.instance);
		frame_put_u64(&o, F_USED, used);
	}
	frame_put_u64(&o, F_FREE, free_beside(j, sum));
	(void)peer_send(j->plan, &o);
}
