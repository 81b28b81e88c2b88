#include "plan.h"

#include <inttypes.h>

#include "base/log.h"
#include "ctl.h"
#include "doctor.h"
#include "instance.h"
#include "look.h"
#include "make.h"
#include "netverbs.h"
#include "rest.h"
#include "room.h"
#include "store.h"
#include "volume.h"
#include "watch.h"

/* --- verbs ---------------------------------------------------------------- */

static void answer(
    struct jail *j, const struct frame *f, int done, const struct error *err)
{
	if (f->id == 0)
		return;
	if (done == -1)
		(void)peer_send_error(j->plan, f->id, err);
	else
		(void)peer_send_ok(j->plan, f->id);
}

static void on_start(struct jail *j, struct frame *f)
{
	make_instance(j, f);
}

static void on_signal(struct jail *j, struct frame *f)
{
	struct instance *in = instance_find(j, frame_u64(f, F_INSTANCE));
	uint64_t signo = frame_u64(f, F_SIGNO);

	if (!in || signo == 0 || signo > 64)
		return;
	rest_thaw(in); /* it could not hear it */
	ctl_signal(in, (int)signo);
}

static void on_freeze(struct jail *j, struct frame *f)
{
	struct instance *in = instance_find(j, frame_u64(f, F_INSTANCE));
	struct error err = {0};
	int done = 0;

	if (!in)
		done = error_set(&err, ERR_NOT_FOUND, "it is gone");
	else if (frame_u64(f, F_STATE) == 0)
		rest_thaw(in);
	else
		done = rest_freeze(in, &err);
	answer(j, f, done, &err);
}

static void on_resize(struct jail *j, struct frame *f)
{
	struct instance *in = instance_find(j, frame_u64(f, F_INSTANCE));
	uint64_t rows = frame_u64(f, F_ROWS), cols = frame_u64(f, F_COLS);

	if (in && in->r.pty && rows && cols && rows < 65536 && cols < 65536)
		ctl_resize(in, (unsigned)rows, (unsigned)cols);
}

static void on_kill(struct jail *j, struct frame *f)
{
	struct instance *in = instance_find(j, frame_u64(f, F_INSTANCE));

	if (in)
		instance_kill(in);
}

static void on_look(struct jail *j, struct frame *f)
{
	struct instance *in = instance_find(j, frame_u64(f, F_INSTANCE));

	if (in)
		look_ports(j, in);
}

static void on_room_ask(struct jail *j, struct frame *f)
{
	room_tell(j, frame_u64(f, F_APP));
}

static void on_remove(struct jail *j, struct frame *f)
{
	struct instance *in = instance_find(j, frame_u64(f, F_INSTANCE));
	struct error err = {0};

	if (in && instance_remove(in, &err) == -1)
		log_warn("not removed: %s", err.msg);
}

static void on_app_drop(struct jail *j, struct frame *f)
{
	store_app_drop(j, frame_u64(f, F_APP));
	volumes_app_drop(j, frame_u64(f, F_APP));
	answer(j, f, 0, NULL);
}

static void on_put(struct jail *j, struct frame *f)
{
	struct error err = {0};
	int done = store_put(j, frame_u64(f, F_WORK), frame_str(f, F_NAME),
	    frame_str(f, F_DIGEST),
	    frame_u64(f, F_OP) == 0 ? STORE_LAYER : STORE_BLOB, &err);

	answer(j, f, done, &err);
}

static void on_has(struct jail *j, struct frame *f)
{
	struct error err = {0};
	int done = store_has(j, frame_str(f, F_DIGEST),
	    frame_u64(f, F_OP) == 0 ? STORE_LAYER : STORE_BLOB, &err);

	answer(j, f, done, &err);
}

static void on_work_drop(struct jail *j, struct frame *f)
{
	store_work_drop(j, frame_u64(f, F_WORK));
	answer(j, f, 0, NULL);
}

static void on_volume_put(struct jail *j, struct frame *f)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_OK, f->id);
	struct error err = {0};

	if (volume_put(j, f, &o, &err) == -1)
		answer(j, f, -1, &err);
	else if (f->id)
		(void)peer_send(j->plan, &o);
}

static void on_volume_drop(struct jail *j, struct frame *f)
{
	struct error err = {0};

	answer(j, f,
	    volume_drop(j, frame_u64(f, F_APP), frame_u64(f, F_VOLUME), &err),
	    &err);
}

static const struct {
	uint16_t type;
	void (*handle)(struct jail *j, struct frame *f);
} verbs[] = {
    {MSG_INSTANCE_START, on_start},
    {MSG_INSTANCE_SIGNAL, on_signal},
    {MSG_RESIZE, on_resize},
    {MSG_INSTANCE_KILL, on_kill},
    {MSG_INSTANCE_FREEZE, on_freeze},
    {MSG_INSTANCE_REMOVE, on_remove},
    {MSG_INSTANCE_LOOK, on_look},
    {MSG_ROOM_ASK, on_room_ask},
    {MSG_APP_DROP, on_app_drop},
    {MSG_STORE_PUT, on_put},
    {MSG_STORE_HAS, on_has},
    {MSG_WORK_DROP, on_work_drop},
    {MSG_VOLUME_PUT, on_volume_put},
    {MSG_VOLUME_DROP, on_volume_drop},
    {MSG_DOCTOR, doctor_answer},
    {MSG_NET_BEGIN, on_net_begin},
    {MSG_NET, on_net},
    {MSG_NET_END, on_net_end},
    {MSG_NET_OPEN, on_net_open},
};

/* --- the connection ------------------------------------------------------- */

static void send_plain(struct jail *j, uint16_t type)
{
	struct frame_out o = frame_begin(type, 0);

	(void)peer_send(j->plan, &o);
}

static void plan_up(struct peer *p, void *ctx)
{
	struct jail *j = ctx;
	size_t pos = 0;
	void *in;

	j->plan = p; /* a later one is the one that lives */
	send_plain(j, MSG_STATES_BEGIN);
	while (map_next(j->instances, &pos, NULL, &in))
		instance_tell(in);
	send_plain(j, MSG_STATES_END);
	watch_tell(j);
	log_info("plan connected instances=%zu", map_len(j->instances));
}

static void plan_frame(struct peer *p, struct frame *f, void *ctx)
{
	struct jail *j = ctx;

	if (p != j->plan)
		return;
	for (size_t i = 0; i < NELEM(verbs); i++)
		if (verbs[i].type == f->type)
			verbs[i].handle(j, f);
}

static void plan_down(struct peer *p, void *ctx)
{
	struct jail *j = ctx;

	if (j->plan == p)
		j->plan = NULL;
}

static const struct peer_ops ops = {plan_up, plan_frame, plan_down};

void plan_listen(struct jail *j, int fd)
{
	j->listener = ipc_listen(j->ev, fd, ROLE_JAIL, j->roles, &ops, j);
}
