#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl.h"
#include "proc/identity.h"
#include "range.h"
#include "reserve.h"
#include "rest.h"
#include "root.h"
#include "sockets.h"
#include "volume.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define RETRY_MS 10 /* until a killed group is empty */

/* --- the table ------------------------------------------------------------ */

void id_text(uint64_t id, char out[ID_TEXT])
{
	snprintf(out, ID_TEXT, "%016" PRIx64, id);
}

bool id_parse(struct str s, uint64_t *ret)
{
	return s.len == ID_TEXT - 1 && str_hex(s, ret);
}

struct instance *instance_find(const struct jail *j, uint64_t id)
{
	return map_get_id(j->instances, id);
}

struct instance *instance_new(
    struct jail *j, const struct record *r, struct error *err)
{
	struct instance *in = xcalloc(1, sizeof(*in));

	in->j = j;
	in->r = *r;
	in->netns = in->folder = -1;
	in->ready.fd = in->shim.io.fd = -1;
	list_init(&in->ctl_queue);
	memory_init(&in->memory);
	id_text(r->instance, in->name);
	if (fd_mkdir(j->instances_dir, in->name, 0711, err) == -1) {
		free(in);
		return NULL;
	}
	in->folder = openat(j->instances_dir, in->name, OPEN_DIR);
	if (in->folder == -1) {
		(void)error_sys(err, "open the folder of %s", r->name);
		free(in);
		return NULL;
	}
	map_set_id(j->instances, r->instance, in);
	return in;
}

int instance_hold(struct instance *in, struct error *err)
{
	struct jail *j = in->j;

	if (in->r.of)
		return 0;
	if (lease_keep(j->ranges, in->r.app, (uint32_t)in->r.range, err) == -1)
		return -1;
	if (in->r.net == 0)
		return 0;
	if (lease_keep(j->numbers, in->r.instance, (uint32_t)in->r.net, err) ==
	        -1 ||
	    net_adopt(j->net, (uint32_t)in->r.net, in->r.app, err) == -1)
		return -1;
	return 0;
}

/* --- its state ------------------------------------------------------------ */

static void put_state(const struct instance *in, struct frame_out *o)
{
	const struct record *r = &in->r;
	bool ended = in->state == INSTANCE_EXITED;

	frame_put_u64(o, F_INSTANCE, r->instance);
	frame_put_u64(o, F_APP, r->app);
	frame_put_u64(o, F_KIND, r->kind);
	frame_put_u64(o, F_RELEASE, r->release);
	frame_put_u64(o, F_GENERATION, r->generation);
	frame_put_z(o, F_PTYPE, r->ptype);
	frame_put_u64(o, F_NUM, r->num);
	frame_put_z(o, F_NAME, r->name);
	frame_put_u64(o, F_PORT, r->port);
	frame_put_u64(o, F_STATE, in->state);
	frame_put_u64(o, F_EXIT_CODE, in->end.code);
	frame_put_u64(o, F_EXIT_SIGNAL, in->end.signal);
	frame_put_u64(o, F_OOM, in->end.oom);
	frame_put_u64(o, F_TIME, ended ? in->end.time : r->time);
	if (r->size[0])
		frame_put_z(o, F_SIZE, r->size);
	if (r->of)
		frame_put_u64(o, F_OF, r->of);
	if (r->most)
		frame_put_u64(o, F_MS, r->most);
	if (r->shown[0])
		frame_put_z(o, F_SHOWN, r->shown);
	if (r->job)
		frame_put_u64(o, F_JOB, r->job);
	if (r->work)
		frame_put_u64(o, F_WORK, r->work);
	if (in->frozen)
		frame_put_u64(o, F_FROZEN, 1);
	if (ended && in->end.unborn)
		frame_put_u64(o, F_UNBORN, 1);
	if (r->net) {
		struct ip ip = net_address(in->j->net, (uint32_t)r->net);
		char text[IP_TEXT];

		ip_print(&ip, text);
		frame_put_z(o, F_ADDRESS, text);
	}
	if (ended && in->end.text[0])
		frame_put_z(o, F_TEXT, in->end.text);
}

void instance_tell(const struct instance *in)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_STATE, 0);

	put_state(in, &o);
	if (in->j->plan)
		(void)peer_send(in->j->plan, &o);
	else
		frame_out_release(&o);
}

static void move(struct instance *in, enum instance_state to)
{
	static const char *const names[] = {"starting", "running", "exited"};

	log_info("instance %s app=%" PRIu64 " id=%s name=%s", names[to],
	    in->r.app, in->name, in->r.name);
	in->state = to;
	instance_tell(in);
}

void instance_apart(struct instance *in)
{
	struct error err = {0};

	if (cgroup_move(&in->j->cgroups, in->name, in->shim.pid, &err) == -1)
		log_warn("shim not apart id=%s: %s", in->name, err.msg);
}

void instance_running(struct instance *in)
{
	if (in->r.of)
		instance_apart(in);
	move(in, INSTANCE_RUNNING);
}

/* --- the start ------------------------------------------------------------ */

static void ready_came(struct ev_io *io, unsigned events)
{
	struct instance *in = container_of(io, struct instance, ready);
	char text[256];
	ssize_t n = read(io->fd, text, sizeof(text));
	struct str said, word;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	ev_io_del(io);
	fd_close(&io->fd);
	if (n <= 0)
		return; /* the shim's end tells the rest */
	said = str_make(text, (size_t)n);
	(void)str_split(&said, '\n', &word);
	if (str_eqz(word, "ready"))
		instance_running(in);
	else if (str_starts(word, STR("error ")))
		str_copy(str_sub(word, 6, word.len), in->failure,
		    sizeof(in->failure));
}

int instance_wait_ready(struct instance *in, int pipe, struct error *err)
{
	in->ready = (struct ev_io){.fd = pipe, .ready = ready_came};
	if (ev_io_add(in->j->ev, &in->ready, EV_READ, err) == -1) {
		fd_close(&in->ready.fd);
		return -1;
	}
	return 0;
}

static void shim_gone(struct ev_child *c, int status)
{
	instance_end_read(container_of(c, struct instance, shim));
}

int instance_watch(struct instance *in, pid_t shim, struct error *err)
{
	in->shim = (struct ev_child){.gone = shim_gone};
	in->shim.io.fd = -1;
	return ev_child_add(in->j->ev, &in->shim, shim, err);
}

/* --- the end -------------------------------------------------------------- */

/* The identity of the container's first process, from the shim's folder. */
static int open_first(const struct instance *in)
{
	scoped_fd int folder = openat(in->folder, "s", OPEN_DIR);
	struct identity id;

	if (folder == -1 || identity_read(folder, "pid", &id, NULL) == -1)
		return -1;
	return identity_open(&id, NULL);
}

/* Its pid namespace goes with its first process. The group is for what has
 * not got so far. */
void instance_kill(struct instance *in)
{
	scoped_fd int first = open_first(in);

	if (in->state == INSTANCE_EXITED)
		return;
	rest_thaw(in);
	if (first != -1)
		(void)pidfd_send_signal(first, SIGKILL, NULL, 0);
	else if (in->r.of && in->shim.io.fd != -1)
		(void)pidfd_send_signal(in->shim.io.fd, SIGKILL, NULL, 0);
	else
		(void)cgroup_kill(&in->j->cgroups, in->name);
}

static void write_end(struct instance *in)
{
	scoped_buf struct buf text = BUF_INIT(RECORD_MAX);
	struct error err = {0};

	ending_print(&in->end, &text);
	if (fd_write_file(in->folder, "end", buf_str(&text), 0600, &err) == -1)
		log_warn("end not written id=%s: %s", in->name, err.msg);
}

/* All that it held but its folder; twice is harmless. */
static void let_go(struct instance *in)
{
	struct jail *j = in->j;

	root_undo(in->folder);
	volumes_idle(j, in->r.app, in);
	fd_close(&in->netns);
	(void)fd_remove_tree(j->crun_dir, in->name, NULL);
	if (in->r.net) {
		net_drop(j->net, (uint32_t)in->r.net);
		lease_drop(j->numbers, in->r.instance, NULL);
		in->r.net = 0;
	}
	if (in->r.range) {
		range_drop(j, in->r.app);
		in->r.range = 0;
	}
}

static void finish(struct instance *in)
{
	let_go(in);
	freezer_forget(&in->j->freezer, in->name);
	in->frozen = false;
	reserve_ended(in);
	write_end(in);
	move(in, INSTANCE_EXITED);
	sockets_gone(in->j, in->r.instance);
}

/* What was killed is gone a moment later; the group goes with the last. */
static void retry_fired(struct ev_timer *t)
{
	struct instance *in = container_of(t, struct instance, retry);
	struct error err = {0};

	(void)cgroup_kill(&in->j->cgroups, in->name);
	if (cgroup_remove(&in->j->cgroups, in->name, &err) == -1 &&
	    err.code == ERR_UNAVAILABLE) {
		ev_timer_set(in->j->ev, t, RETRY_MS);
		return;
	}
	finish(in);
}

void instance_end(struct instance *in, const struct ending *e)
{
	struct jail *j = in->j;

	if (in->state == INSTANCE_EXITED || in->ending)
		return;
	in->ending = true;
	in->end = *e;
	in->end.time = e->time ? e->time : clock_real_ms();
	in->end.oom |= cgroup_oom(&j->cgroups, in->name);
	ctl_close(in);
	memory_unwatch(in);
	ev_child_del(&in->shim);
	ev_io_del(&in->ready);
	fd_close(&in->ready.fd);
	instance_kill(in);
	in->retry.fire = retry_fired;
	retry_fired(&in->retry);
}

/* The shim's word of an exit is an app's matter: 0 to 255, a signal or not. */
static bool read_exit(const struct instance *in, struct ending *ret)
{
	scoped_fd int folder = openat(in->folder, "s", OPEN_DIR);
	scoped_buf struct buf text = BUF_INIT(RECORD_MAX);
	struct error err = {0};

	return folder != -1 && fd_read_file(folder, "exit", &text, &err) == 0 &&
	       ending_parse(buf_str(&text), ret, &err) == 0;
}

void instance_end_read(struct instance *in)
{
	struct ending e = {0};

	if (!read_exit(in, &e)) {
		if (in->state == INSTANCE_RUNNING)
			e.signal = SIGKILL; /* by us */
		else
			e.code = 255;
		snprintf(e.text, sizeof(e.text), "%s",
		    in->state == INSTANCE_RUNNING
		        ? "Process was lost: its supervisor ended before it"
		        : "Process could not be started");
		log_warn("shim ended without a word id=%s", in->name);
	}
	if (in->failure[0] && !e.text[0])
		memcpy(e.text, in->failure, sizeof(e.text));
	instance_end(in, &e);
}

int instance_remove(struct instance *in, struct error *err)
{
	struct jail *j = in->j;

	if (in->state != INSTANCE_EXITED)
		return error_set(
		    err, ERR_INVALID, "%s has not ended", in->r.name);
	map_del_id(j->instances, in->r.instance);
	fd_close(&in->folder);
	if (fd_remove_tree(j->instances_dir, in->name, err) == -1)
		log_warn("folder stays id=%s: %s", in->name, err->msg);
	free(in);
	return 0;
}
