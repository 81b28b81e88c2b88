#include "push.h"

#include <inttypes.h>
#include <stdio.h>

#include "applog.h"
#include "base/fd.h"
#include "base/log.h"
#include "blog.h"
#include "builds.h"
#include "ipc/msg.h"
#include "login.h"
#include "url.h"

#define ZEROS "0000000000000000000000000000000000000000"

/* --- deciding ------------------------------------------------------------- */

int push_decide(struct web *w, int64_t build, bool accepted, const char *reason,
    struct error *err)
{
	struct push p;

	if (store_push_by_build(w->store, build, &p, NULL) == -1)
		return 0;
	return store_push_decide(w->store, p.id,
	    accepted ? PUSH_ACCEPTED : PUSH_REFUSED, reason, err);
}

static void tell(struct web *w, const struct push *p)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_PUSH_DECIDED, 0);

	frame_put_u64(&o, F_PUSH, (uint64_t)p->id);
	frame_put_u64(&o, F_STATE, (uint64_t)p->state);
	frame_put_z(&o, F_TEXT, p->reason);
	(void)peer_send(w->gitd, &o); /* away: it asks when it is back */
}

void push_tell_build(struct web *w, int64_t build)
{
	struct push p;

	blog_grown(w, build);
	if (w->gitd && store_push_by_build(w->store, build, &p, NULL) == 0 &&
	    !p.settled)
		tell(w, &p);
}

void push_say_released(
    struct web *w, const struct release *r, const struct app *a)
{
	scoped_buf struct buf url = BUF_INIT(1024);

	url_of_app(&w->settings, a->name, &url);
	blog_add(w, r->build,
	    "       Released v%" PRIu64 "\n"
	    "       %s deployed to paas\n",
	    r->version, buf_z(&url));
}

/* --- gitd asks ------------------------------------------------------------ */

static void refuse(
    struct web *w, struct peer *p, struct frame *f, const struct error *err)
{
	if (err->code == ERR_SYSTEM || err->code == ERR_INTERNAL)
		log_error("%s failed: %s", msg_name(f->type), err->msg);
	(void)peer_send_error(p, f->id, err);
}

void push_auth(struct web *w, struct peer *p, struct frame *f)
{
	scoped_frame_out struct frame_out o =
	    frame_begin(MSG_PUSH_GRANT, f->id);
	enum action action = frame_u64(f, F_OP) == PUSH_PUSH ? ACTION_APP_DEPLOY
	                                                     : ACTION_APP_READ;
	struct error err = {0};
	struct actor actor;
	struct app a;

	if (login_token(w, frame_str(f, F_TOKEN), &actor, &err) == -1 ||
	    login_app(w, &actor, action, frame_str(f, F_APP_NAME), &a, &err) ==
	        -1) {
		refuse(w, p, f, &err);
		return;
	}
	frame_put_u64(&o, F_APP, (uint64_t)a.id);
	frame_put_u64(&o, F_REPO, (uint64_t)a.id);
	frame_put_u64(&o, F_USER, (uint64_t)actor.account.id);
	(void)peer_send(p, &o);
}

static bool has_option(const struct frame *f, const char *option)
{
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	while (frame_next(f, &pos, &tag, &value))
		if (tag == F_OPTION && str_eqz(value, option))
			return true;
	return false;
}

/* Is the way free? A push that is under way is in it, or is superseded. */
static int make_way(struct web *w, struct frame *f, struct error *err)
{
	struct str new = frame_str(f, F_NEW);
	char reason[64];
	struct push old;

	if (store_push_open(w->store, (int64_t)frame_u64(f, F_APP),
	        frame_str(f, F_REF), &old, NULL) == -1)
		return 0;
	if (old.state != PUSH_BUILDING)
		return error_set(err, ERR_EXISTS,
		    "push of %.7s is just ending, push again", old.new);
	if (!has_option(f, "supersede"))
		return error_set(err, ERR_EXISTS,
		    "build of %.7s is running, push again when it ends, or "
		    "-o supersede",
		    old.new);
	snprintf(reason, sizeof(reason), "superseded by %.7s", new.p);
	if (builds_cancel(w, old.build, reason, err) == -1)
		return -1;
	/* Its ref does not move, so nothing is left for gitd to settle. */
	return store_push_settle(w->store, old.id, err);
}

static int write_push(struct web *w, const struct frame *f, int64_t *ret_push,
    int64_t *ret_build, struct error *err)
{
	scoped_tx struct store *tx = store_begin(w->store, err);
	struct push_new n = {.app = (int64_t)frame_u64(f, F_APP),
	    .account = (int64_t)frame_u64(f, F_USER),
	    .ref = frame_str(f, F_REF),
	    .old = frame_str(f, F_OLD),
	    .new = frame_str(f, F_NEW)};

	if (!tx || store_build_add(
	               w->store, n.app, n.account, n.new, ret_build, err) == -1)
		return -1;
	n.build = *ret_build;
	if (store_push_add(w->store, &n, ret_push, err) == -1)
		return -1;
	return store_commit(&tx, err);
}

static int send_opened(struct web *w, struct peer *p, uint32_t id, int64_t push,
    int64_t build, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_PUSH_OPENED, id);
	scoped_fd int log = blog_open(w, build, false, err);

	if (log == -1)
		return -1;
	frame_put_u64(&o, F_PUSH, (uint64_t)push);
	frame_put_u64(&o, F_BUILD, (uint64_t)build);
	frame_put_fd(&o, log);
	(void)peer_send(p, &o);
	return 0;
}

void push_open(struct web *w, struct peer *p, struct frame *f)
{
	int64_t push = 0, build = 0;
	struct error err = {0};
	struct account by;
	struct app a;

	if (str_eqz(frame_str(f, F_NEW), ZEROS))
		error_set(
		    &err, ERR_INVALID, "the deploy branch can't be removed");
	if (err.code ||
	    store_app_get(w->store, (int64_t)frame_u64(f, F_APP), &a, &err) ==
	        -1 ||
	    store_account_get(
	        w->store, (int64_t)frame_u64(f, F_USER), &by, &err) == -1 ||
	    make_way(w, f, &err) == -1 ||
	    write_push(w, f, &push, &build, &err) == -1) {
		refuse(w, p, f, &err);
		return;
	}
	if (send_opened(w, p, f->id, push, build, &err) == -1) {
		(void)builds_cancel(w, build, err.msg, NULL);
		(void)store_push_settle(w->store, push, NULL);
		refuse(w, p, f, &err);
		return;
	}
	log_info("push opened app=%s push=%" PRId64 " build=%" PRId64, a.name,
	    push, build);
	applog(w, a.id, "Build started by user %s", by.email);
	builds_start(w, build);
}

void push_watch(struct web *w, struct peer *p, struct frame *f)
{
	struct error err = {0};
	struct push row;

	if (store_push_get(
	        w->store, (int64_t)frame_u64(f, F_PUSH), &row, &err) == -1 ||
	    send_opened(w, p, f->id, row.id, row.build, &err) == -1) {
		refuse(w, p, f, &err);
		return;
	}
	if (row.state != PUSH_BUILDING)
		tell(w, &row);
}

void push_settled(struct web *w, struct peer *p, struct frame *f)
{
	struct error err = {0};
	uint64_t id = frame_u64(f, F_PUSH);

	if (store_push_settle(w->store, (int64_t)id, &err) == -1)
		log_error("push not settled push=%" PRIu64 ": %s", id, err.msg);
}

struct listing {
	struct peer *peer;
	uint32_t id;
};

static void send_row(void *arg, const struct push *row)
{
	struct listing *l = arg;
	scoped_frame_out struct frame_out o = frame_begin(MSG_PUSH_ROW, l->id);

	frame_put_u64(&o, F_PUSH, (uint64_t)row->id);
	frame_put_u64(&o, F_APP, (uint64_t)row->app);
	frame_put_u64(&o, F_REPO, (uint64_t)row->app);
	frame_put_z(&o, F_REF, row->ref);
	frame_put_z(&o, F_OLD, row->old);
	frame_put_z(&o, F_NEW, row->new);
	frame_put_u64(&o, F_STATE, (uint64_t)row->state);
	frame_put_z(&o, F_TEXT, row->reason);
	(void)peer_send(l->peer, &o);
}

void push_list(struct web *w, struct peer *p, struct frame *f)
{
	struct listing l = {p, f->id};
	struct error err = {0};

	if (store_push_list(w->store, send_row, &l, &err) == -1)
		refuse(w, p, f, &err);
	else
		(void)peer_send_ok(p, f->id);
}
