#include "plan_town.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../runtime/plan/peers.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#define TURNS_MAX 400 /* of at most 10 ms, until a frame must be there */

static enum side side_of(const struct town *t, const struct peer *p)
{
	for (int i = 0; i < SIDES; i++) {
		if (t->peers[i] == p)
			return (enum side)i;
	}
	return SIDES;
}

static void came(struct peer *p, struct frame *f, void *ctx)
{
	struct town *t = ctx;
	struct got *g = xcalloc(1, sizeof(*g) + f->fields.len);

	g->side = side_of(t, p);
	g->f = *f;
	f->nfds = 0; /* they are ours now */
	memcpy(g->mem, f->fields.p, f->fields.len);
	g->f.fields.p = g->mem;
	list_add(&t->got, &g->link);
}

static void lost(struct peer *p, void *ctx)
{
	struct town *t = ctx;
	enum side side = side_of(t, p);

	if (side < WEB)
		t->peers[side] = NULL;
}

static void up(struct peer *p, void *ctx)
{
}

static const struct peer_ops dialled = {up, came, lost};

static void jail_up(struct peer *p, void *ctx)
{
	((struct town *)ctx)->peers[JAIL] = p;
}

static void router_up(struct peer *p, void *ctx)
{
	((struct town *)ctx)->peers[ROUTER] = p;
}

static void names_up(struct peer *p, void *ctx)
{
	((struct town *)ctx)->peers[NAMES] = p;
}

static void logd_up(struct peer *p, void *ctx)
{
	((struct town *)ctx)->peers[LOGD] = p;
}

static const struct {
	const char *name;
	enum role role;
	struct peer_ops ops;
} doors[DOORS] = {
    {"jail", ROLE_JAIL, {jail_up, came, lost}},
    {"router", ROLE_ROUTER, {router_up, came, lost}},
    {"logd", ROLE_LOGD, {logd_up, came, lost}},
    {"names", ROLE_NAMES, {names_up, came, lost}},
};

static int listen_at(const struct town *t, const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s.sock", t->dir, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

void plan_starts(struct town *t)
{
	plan_init(&t->plan, t->ev, &t->settings);
	peers_open(&t->plan, t->plan_sock, &t->roles);
}

void plan_ends(struct town *t)
{
	peers_close(&t->plan);
	ev_turn(t->ev, 0); /* what is closed is freed */
	plan_release(&t->plan);
}

int town_open(void **state)
{
	struct town *t = xcalloc(1, sizeof(*t));

	log_open("test", LOG_LEVEL_ERROR);
	snprintf(t->dir, sizeof(t->dir), "/tmp/plan-test-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	settings_init(&t->settings);
	snprintf(t->settings.run, sizeof(t->settings.run), "%s", t->dir);
	t->settings.instances_max = 3;
	t->settings.runs_max = 3;
	for (int i = 0; i < ROLE_N; i++)
		t->roles.of[i] = (struct role_ids){getuid(), getgid()};
	list_init(&t->got);
	t->ev = ev_new();
	for (int i = 0; i < DOORS; i++) {
		t->socks[i] = listen_at(t, doors[i].name);
		t->listeners[i] = ipc_listen(t->ev, t->socks[i], doors[i].role,
		    &t->roles, &doors[i].ops, t);
	}
	t->plan_sock = listen_at(t, "plan");
	snprintf(t->plan_path, sizeof(t->plan_path), "%s/plan.sock", t->dir);
	plan_starts(t);
	*state = t;
	return 0;
}

void got_free(struct got *g)
{
	list_del(&g->link);
	frame_close_fds(&g->f);
	free(g);
}

int town_close(void **state)
{
	struct town *t = *state;
	struct got *g;

	plan_ends(t);
	peer_close(t->peers[WEB]);
	peer_close(t->peers[BUILDER]);
	for (int i = 0; i < DOORS; i++)
		ipc_listener_free(t->listeners[i]);
	ev_free(t->ev);
	list_each(g, &t->got, link) got_free(g);
	for (int i = 0; i < DOORS; i++)
		close(t->socks[i]);
	close(t->plan_sock);
	assert_int_equal(fd_remove_tree(AT_FDCWD, t->dir, NULL), 0);
	free(t);
	return 0;
}

/* --- talking -------------------------------------------------------------- */

void dial(struct town *t, enum side side)
{
	enum role role = side == WEB ? ROLE_WEB : ROLE_BUILDER;

	t->peers[side] =
	    ipc_connect(t->ev, t->plan_path, role, ROLE_PLAN, &dialled, t);
	for (int i = 0; i < TURNS_MAX && !peer_is_up(t->peers[side]); i++)
		ev_turn(t->ev, 10);
	assert_true(peer_is_up(t->peers[side]));
}

void wait_until_there(struct town *t, enum side side)
{
	for (int i = 0; i < TURNS_MAX && !t->peers[side]; i++)
		ev_turn(t->ev, 10);
	assert_non_null(t->peers[side]);
}

void wait_until_lost(struct town *t, enum side side)
{
	for (int i = 0; i < TURNS_MAX && t->peers[side]; i++)
		ev_turn(t->ev, 10);
	assert_null(t->peers[side]);
}

void hang_up(struct town *t, enum side side)
{
	peer_close(t->peers[side]);
	t->peers[side] = NULL;
}

/* The next frame of this type from plan; others stay. The caller frees it. */
struct got *expect(struct town *t, enum side side, enum msg type)
{
	struct got *g;

	for (int i = 0; i < TURNS_MAX; i++) {
		list_each(g, &t->got, link)
		{
			if (g->side != side || g->f.type != type)
				continue;
			list_del(&g->link);
			return g;
		}
		ev_turn(t->ev, 10);
	}
	fail_msg("%s did not come", msg_name(type));
	return NULL;
}

uint64_t expect_u64(
    struct town *t, enum side side, enum msg type, enum field field)
{
	struct got *g = expect(t, side, type);
	uint64_t value = frame_u64(&g->f, field);

	got_free(g);
	return value;
}

/* Whatever plan has to do now is done, and none of it was this. */
void assert_no(struct town *t, enum side side, enum msg type)
{
	struct got *g;

	for (int i = 0; i < 20; i++)
		ev_turn(t->ev, 1);
	list_each(g, &t->got, link)
	    assert_false(g->side == side && g->f.type == type);
}

void say_frame(struct town *t, enum side side, struct frame_out *o)
{
	assert_int_equal(peer_send(t->peers[side], o), 0);
}

void say_plain(struct town *t, enum side side, enum msg type)
{
	struct frame_out o = frame_begin(type, 0);

	say_frame(t, side, &o);
}

void say_one(struct town *t, enum side side, enum msg type, uint32_t id,
    enum field field, uint64_t value)
{
	struct frame_out o = frame_begin(type, id);

	frame_put_u64(&o, field, value);
	say_frame(t, side, &o);
}

void say_ok(struct town *t, enum side side, struct got *g)
{
	assert_int_not_equal(g->f.id, 0);
	assert_int_equal(peer_send_ok(t->peers[side], g->f.id), 0);
	got_free(g);
}

/* jail: an instance, by the frame that asked for it, is in this state now. */
void say_state(struct town *t, const struct frame *start,
    enum instance_state state, uint64_t code, const char *text)
{
	static const enum field labels[] = {F_INSTANCE, F_APP, F_KIND,
	    F_RELEASE, F_GENERATION, F_PTYPE, F_NUM, F_NAME, F_PORT, F_JOB};
	struct frame_out o = frame_begin(MSG_INSTANCE_STATE, 0);

	for (size_t i = 0; i < NELEM(labels); i++)
		frame_put(&o, labels[i], frame_str(start, labels[i]));
	frame_put_u64(&o, F_STATE, state);
	frame_put_u64(&o, F_EXIT_CODE, code);
	frame_put_u64(&o, F_EXIT_SIGNAL, 0);
	frame_put_u64(&o, F_OOM, 0);
	frame_put_u64(&o, F_TIME, clock_real_ms());
	if (text)
		frame_put_z(&o, F_TEXT, text);
	else
		frame_put_z(&o, F_ADDRESS, "100.64.0.9");
	say_frame(t, JAIL, &o);
}

/* jail has told all: nothing runs, or this one does. */
void jail_tells(struct town *t, const struct frame *start)
{
	wait_until_there(t, JAIL);
	say_plain(t, JAIL, MSG_STATES_BEGIN);
	if (start)
		say_state(t, start, INSTANCE_RUNNING, 0, NULL);
	say_plain(t, JAIL, MSG_STATES_END);
}

static void put_labels(struct frame_out *o, uint64_t release)
{
	frame_put_u64(o, F_APP, APP);
	frame_put_z(o, F_APP_NAME, "hello");
	frame_put_u64(o, F_RELEASE, release);
	frame_put_z(o, F_IMAGE, SHA);
	frame_put_z(o, F_LAYER, SHA);
	frame_put_z(o, F_LAYER, SHA);
}

void say_want(struct town *t, uint64_t slot, uint64_t release,
    const char *ptype, uint64_t quantity)
{
	struct frame_out o = frame_begin(MSG_WANT, 3);
	scoped_fd int env = fd_sealed("env", STR("A=b"), NULL);

	put_labels(&o, release);
	frame_put_u64(&o, F_SLOT, slot);
	frame_put_u64(&o, F_GENERATION, 1);
	frame_put_z(&o, F_PTYPE, ptype);
	frame_put_u64(&o, F_QUANTITY, quantity);
	frame_put_z(&o, F_SIZE, "basic");
	frame_put_z(&o, F_COMMAND, "node server.js");
	frame_put_fd(&o, env);
	say_frame(t, WEB, &o);
}

void web_wants(struct town *t, uint64_t slot, uint64_t release,
    const char *ptype, uint64_t quantity)
{
	dial(t, WEB);
	say_plain(t, WEB, MSG_WANT_BEGIN);
	if (release)
		say_want(t, slot, release, ptype, quantity);
	say_plain(t, WEB, MSG_WANT_END);
}

void say_run(struct town *t, uint32_t id, uint64_t kind, uint64_t job)
{
	struct frame_out o = frame_begin(MSG_RUN, id);
	scoped_fd int env = fd_sealed("env", STR("A=b"), NULL);

	put_labels(&o, 1);
	frame_put_u64(&o, F_JOB, job);
	frame_put_u64(&o, F_KIND, kind);
	frame_put_z(&o, F_NAME, "run.1234");
	frame_put_z(&o, F_COMMAND, "rake \"a b\"");
	frame_put_u64(&o, F_STATE, 1);
	frame_put_u64(&o, F_PTY, 1);
	frame_put_u64(&o, F_ROWS, 24);
	frame_put_u64(&o, F_COLS, 80);
	frame_put_fd(&o, env);
	say_frame(t, WEB, &o);
}

void say_job(struct town *t, uint32_t id, uint64_t kind, uint64_t job)
{
	static const enum field numbers[] = {
	    F_MEMORY, F_PIDS, F_CPU, F_DISK, F_INODES, F_MS};
	struct frame_out o = frame_begin(MSG_JOB, id);
	scoped_fd int fd = fd_sealed("any", STR("x"), NULL);

	put_labels(&o, 0);
	frame_put_u64(&o, F_JOB, job);
	frame_put_u64(&o, F_KIND, kind);
	frame_put_u64(&o, F_WORK, 99);
	frame_put_z(&o, F_ARG, "/cnb/lifecycle/inner");
	frame_put_z(&o, F_ARG, "");
	frame_put_z(&o, F_ARG, "build");
	frame_put_z(&o, F_ENV, "TERM=dumb");
	for (size_t i = 0; i < NELEM(numbers); i++)
		frame_put_u64(&o, numbers[i], 60000 + i);
	for (int i = 0; i < 4; i++)
		frame_put_fd(&o, fd);
	say_frame(t, BUILDER, &o);
}

/* The values of a repeated field, each with a space behind. */
const char *values(const struct frame *f, uint16_t tag, char out[200])
{
	struct str value;
	uint16_t found;
	size_t pos = 0, at = 0;

	out[0] = '\0';
	while (frame_next(f, &pos, &found, &value)) {
		if (found == tag)
			at += (size_t)snprintf(
			    out + at, 200 - at, STR_FMT " ", STR_ARG(value));
	}
	return out;
}

bool field_is(const struct got *g, uint16_t tag, const char *want)
{
	return str_eqz(frame_str(&g->f, tag), want);
}
