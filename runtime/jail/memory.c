#include "memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "instance.h"

#define PAUSE_MS 1000  /* of the kernel's words */
#define AGAIN_MS 60000 /* from warning to warning */
#define STAT_MAX 16384 /* bytes of memory.stat */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* --- reading -------------------------------------------------------------- */

/* The number behind name in lines of "NAME NUMBER"; 0 when there is none. */
static uint64_t number_in(struct str text, const char *name)
{
	struct str line, word;
	uint64_t n;

	while (text.len && str_split(&text, '\n', &line))
		if (str_split(&line, ' ', &word) && str_eqz(word, name) &&
		    str_u64(line, UINT64_MAX, &n))
			return n;
	return 0;
}

uint64_t memory_used(struct str stat)
{
	/* v1 counts its own as "rss", with children as "total_rss" */
	return number_in(stat, "anon") + number_in(stat, "rss") +
	       number_in(stat, "shmem");
}

static uint64_t read_number(int group, const char *file)
{
	scoped_buf struct buf text = BUF_INIT(64);
	uint64_t n = 0;

	if (fd_read_file(group, file, &text, NULL) == 0)
		(void)str_u64(
		    str_sub(buf_str(&text), 0, text.len ? text.len - 1 : 0),
		    UINT64_MAX, &n);
	return n;
}

static uint64_t limit_of(const struct memory_watch *m)
{
	return read_number(
	    m->group, m->v2 ? "memory.max" : "memory.limit_in_bytes");
}

static uint64_t used_by(const struct memory_watch *m)
{
	scoped_buf struct buf text = BUF_INIT(STAT_MAX);

	if (fd_read_file(m->group, "memory.stat", &text, NULL) == -1)
		return 0;
	return memory_used(buf_str(&text));
}

uint64_t memory_of(const struct memory_watch *m)
{
	return m->group == -1 ? 0 : used_by(m);
}

static uint64_t kills_in(const struct memory_watch *m)
{
	scoped_buf struct buf text = BUF_INIT(4096);

	if (fd_read_file(m->group,
	        m->v2 ? "memory.events" : "memory.oom_control", &text,
	        NULL) == -1)
		return m->kills;
	return number_in(buf_str(&text), "oom_kill");
}

/* --- telling -------------------------------------------------------------- */

static void tell(struct instance *in, uint64_t used, uint64_t limit, bool oom)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_MEMORY, 0);

	frame_put_u64(&o, F_INSTANCE, in->r.instance);
	frame_put_u64(&o, F_BYTES, used);
	frame_put_u64(&o, F_MEMORY, limit);
	frame_put_u64(&o, F_OOM, oom);
	if (in->j->plan)
		(void)peer_send(in->j->plan, &o);
	else
		frame_out_release(&o);
}

static void look(struct instance *in)
{
	struct memory_watch *m = &in->memory;
	uint64_t now = ev_now_ms(in->j->ev), kills = kills_in(m);
	uint64_t used = used_by(m), limit = limit_of(m);
	bool oom = kills > m->kills;

	m->kills = kills;
	if (limit == 0 ||
	    (!oom && (used < limit / 100 * MEMORY_WARN_PERCENT ||
	                 (m->told_ms && now - m->told_ms < AGAIN_MS))))
		return;
	if (!oom)
		m->told_ms = now;
	tell(in, used, limit, oom);
}

static void word_came(struct ev_io *io, unsigned events)
{
	struct instance *in = container_of(io, struct instance, memory.io);
	char drop[4096];

	(void)!read(io->fd, drop, sizeof(drop));
	look(in);
	ev_io_want(io, 0);
	ev_timer_set(in->j->ev, &in->memory.pause, PAUSE_MS);
}

static void pause_over(struct ev_timer *t)
{
	struct memory_watch *m = container_of(t, struct memory_watch, pause);

	ev_io_want(&m->io, EV_READ);
}

/* --- watching ------------------------------------------------------------- */

/* v1: one descriptor for a threshold, for pressure and for kills. */
static int ask_v1(int group, int events, const char *file, const char *arg)
{
	scoped_fd int fd = openat(group, file, O_RDONLY | O_CLOEXEC);
	char text[80];

	if (fd == -1)
		return -1;
	snprintf(text, sizeof(text), "%d %d %s", events, fd, arg);
	return cgroup_put(group, "cgroup.event_control", text, NULL);
}

/* Several, since at the first the page cache may be a part of it. */
static int ask_thresholds(const struct memory_watch *m, int events)
{
	uint64_t limit = limit_of(m);
	char text[24];

	for (uint64_t percent = MEMORY_WARN_PERCENT; percent < 100;
	     percent += 2) {
		snprintf(text, sizeof(text), "%" PRIu64, limit / 100 * percent);
		if (ask_v1(m->group, events, "memory.usage_in_bytes", text) ==
		    -1)
			return -1;
	}
	return 0;
}

static int open_v1(const struct memory_watch *m)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd == -1)
		return -1;
	if ((ask_thresholds(m, fd) == -1) +
	        (ask_v1(m->group, fd, "memory.pressure_level", "medium") ==
	            -1) +
	        (ask_v1(m->group, fd, "memory.oom_control", "") == -1) ==
	    3)
		fd_close(&fd); /* a host that tells nothing */
	return fd;
}

static int open_v2(const struct memory_watch *m)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64];

	snprintf(
	    path, sizeof(path), "/proc/self/fd/%d/memory.events", m->group);
	if (fd != -1 && inotify_add_watch(fd, path, IN_MODIFY) == -1)
		fd_close(&fd);
	return fd;
}

static bool open_group(struct instance *in)
{
	const struct cgroups *c = &in->j->cgroups;

	for (int i = 0; i < c->n; i++) {
		if (c->of[i].use != CGROUP_V2 && c->of[i].use != CGROUP_MEMORY)
			continue;
		in->memory.v2 = c->of[i].use == CGROUP_V2;
		in->memory.group = openat(c->of[i].dir, in->name, OPEN_DIR);
		return in->memory.group != -1;
	}
	return false;
}

void memory_init(struct memory_watch *m)
{
	*m = (struct memory_watch){.group = -1};
	m->io.fd = -1;
	m->io.ready = word_came;
	m->pause.fire = pause_over;
}

void memory_watch(struct instance *in)
{
	struct memory_watch *m = &in->memory;

	if (in->r.kind != KIND_APP || m->io.fd != -1 || !open_group(in))
		return;
	m->kills = kills_in(m);
	m->io.fd = m->v2 ? open_v2(m) : open_v1(m);
	if (m->io.fd == -1 ||
	    ev_io_add(in->j->ev, &m->io, EV_READ, NULL) == -1) {
		log_debug("memory is not watched id=%s", in->name);
		memory_unwatch(in);
	}
}

void memory_unwatch(struct instance *in)
{
	struct memory_watch *m = &in->memory;

	ev_io_del(&m->io);
	ev_timer_stop(&m->pause);
	fd_close(&m->io.fd);
	fd_close(&m->group);
}
