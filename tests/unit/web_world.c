#include "web_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/http.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/rand.h"
#include "login.h"
#include "peers.h"
#include "rollout.h"

#define GUARD_MS 20000
#define TEXT_MAX_BYTES (4u << 20)
/* A loop with all in it ends with the process. */
static struct world *newest;

#define ZEROS "0000000000000000000000000000000000000000"

struct seen {
	struct list item;
	enum role to;
	struct frame f;
	char bytes[];
};

/* --- peers ---------------------------------------------------------------- */

static enum role role_of(const struct world *w, const struct peer *p)
{
	return p == w->plan      ? ROLE_PLAN
	       : p == w->logd    ? ROLE_LOGD
	       : p == w->router  ? ROLE_ROUTER
	       : p == w->builder ? ROLE_BUILDER
	                         : ROLE_GITD;
}

static void tell_of_the_host(struct peer *p, uint32_t id)
{
	struct frame_out o = frame_begin(MSG_OK, id);

	frame_put_u64(&o, F_LEVEL, FINDING_OK);
	frame_put_z(&o, F_TEXT, "cgroup v2");
	frame_put_z(&o, F_TODO, "");
	frame_put_u64(&o, F_LEVEL, FINDING_WARN);
	frame_put_z(&o, F_TEXT, "no loop devices");
	frame_put_z(&o, F_TODO, "modprobe loop");
	assert_int_equal(peer_send(p, &o), 0);
}

static void keep(struct peer *p, struct frame *f, void *ctx)
{
	struct world *w = ctx;
	struct seen *s = xmalloc(sizeof(*s) + f->fields.len);
	struct error no = {.code = ERR_INVALID, .msg = "not now"};

	*s = (struct seen){.to = role_of(w, p), .f = *f};
	memcpy(s->bytes, f->fields.p, f->fields.len);
	s->f.fields.p = s->bytes;
	f->nfds = 0; /* they are ours now */
	list_add(&w->seen, &s->item);
	if (f->type == MSG_RUN && w->runs_refused)
		(void)peer_send_error(p, f->id, &no);
	if (f->type == MSG_DOCTOR)
		tell_of_the_host(p, f->id);
}

static void send_plain(struct peer *p, enum msg type)
{
	struct frame_out o = frame_begin(type, 0);

	assert_int_equal(peer_send(p, &o), 0);
}

static void plan_up(struct peer *p, void *ctx)
{
	((struct world *)ctx)->plan = p;
	send_plain(p, MSG_DYNOS_BEGIN);
	send_plain(p, MSG_DYNOS_END);
}

static void plan_down(struct peer *p, void *ctx)
{
	((struct world *)ctx)->plan = NULL;
}

static void logd_up(struct peer *p, void *ctx)
{
	((struct world *)ctx)->logd = p;
}

static void router_up(struct peer *p, void *ctx)
{
	((struct world *)ctx)->router = p;
}

static const struct peer_ops plan_ops = {plan_up, keep, plan_down};
static const struct peer_ops logd_ops = {logd_up, keep, NULL};
static const struct peer_ops router_ops = {router_up, keep, NULL};
static const struct peer_ops client_ops = {NULL, keep, NULL};

/* --- making --------------------------------------------------------------- */

static int listen_at(struct world *w, const char *name, int type)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", w->path, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static void play(struct world *w, const char *name, enum role role,
    const struct peer_ops *ops)
{
	w->listeners[w->nlisteners++] = ipc_listen(w->web.ev,
	    listen_at(w, name, SOCK_SEQPACKET), role, &w->roles, ops, w);
}

static struct peer *join(struct world *w, enum role role)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/web.sock", w->path);
	return ipc_connect(w->web.ev, path, role, ROLE_WEB, &client_ops, w);
}

static bool all_up(void *arg)
{
	struct world *w = arg;

	return w->plan && w->logd && w->router && peer_is_up(w->gitd) &&
	       peer_is_up(w->builder) && w->web.builder && w->web.gitd;
}

static void make_folders(struct world *w)
{
	static const char *const names[] = {"db", "keys", "builds"};

	snprintf(w->path, sizeof(w->path), "/tmp/web-test-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	for (size_t i = 0; i < NELEM(names); i++) {
		char path[96];

		snprintf(path, sizeof(path), "%s/%s", w->path, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
}

struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct settings s;
	struct error err = {0};

	w->before = newest;
	newest = w;
	make_folders(w);
	settings_init(&s);
	str_copy(str_z(w->path), s.state, sizeof(s.state));
	str_copy(str_z(w->path), s.run, sizeof(s.run));
	for (int role = 0; role < ROLE_N; role++)
		w->roles.of[role] = (struct role_ids){getuid(), getgid()};
	list_init(&w->seen);
	w->text = (struct buf)BUF_INIT(TEXT_MAX_BYTES);
	rand_secret(w->token);
	if (web_open(&w->web, &s, &err) == -1 ||
	    login_owner(&w->web, str_z(w->token), &err) == -1)
		fail_msg("%s", err.msg);
	play(w, "plan.sock", ROLE_PLAN, &plan_ops);
	play(w, "logd.sock", ROLE_LOGD, &logd_ops);
	play(w, "router.sock", ROLE_ROUTER, &router_ops);
	w->web.http = http_open(&w->web,
	    listen_at(w, "web-http.sock", SOCK_STREAM), getuid(), &err);
	assert_non_null(w->web.http);
	peers_open(
	    &w->web, listen_at(w, "web.sock", SOCK_SEQPACKET), &w->roles);
	w->gitd = join(w, ROLE_GITD);
	w->builder = join(w, ROLE_BUILDER);
	world_until(w, all_up, w);
	world_settle(w);
	world_forget(w);
	return w;
}

void world_free(struct world *w)
{
	store_close(w->web.store);
	(void)fd_remove_tree(AT_FDCWD, w->path, NULL);
}

void world_account(
    struct world *w, const char *email, const char *scope, char token[44])
{
	struct token_new n = {.description = "test", .scope = scope};
	struct account a;
	int64_t id;

	if (store_account_by_email(w->web.store, str_z(email), &a, NULL) == -1)
		assert_int_equal(store_account_add(w->web.store, str_z(email),
		                     &n.account, NULL),
		    0);
	else
		n.account = a.id;
	rand_secret(token);
	assert_int_equal(
	    store_token_add(w->web.store, &n, str_z(token), &id, NULL), 0);
}

void world_until(struct world *w, bool (*done)(void *arg), void *arg)
{
	uint64_t end = 0;

	while (!done(arg)) {
		ev_turn(w->web.ev, 100);
		end = end ? end : ev_now_ms(w->web.ev) + GUARD_MS;
		if (ev_now_ms(w->web.ev) > end)
			fail_msg("it did not happen");
	}
}

void world_settle(struct world *w)
{
	for (int quiet = 0; quiet < 10; quiet++)
		ev_turn(w->web.ev, 1);
}

/* --- HTTP ----------------------------------------------------------------- */

struct call {
	int fd;
	struct buf in;
	bool ended;
};

static void send_all(struct world *w, int fd, struct str s)
{
	while (s.len) {
		ssize_t n = send(fd, s.p, s.len, MSG_NOSIGNAL);

		if (n > 0)
			s = str_sub(s, (size_t)n, s.len);
		else if (errno != EAGAIN)
			return; /* it has answered already */
		ev_turn(w->web.ev, 0);
	}
}

struct call *world_call(struct world *w, const struct request_text *q)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	scoped_buf struct buf out = BUF_INIT(TEXT_MAX_BYTES);
	struct call *c = xcalloc(1, sizeof(*c));
	const char *token = q->token ? q->token : w->token;

	c->in = (struct buf)BUF_INIT(TEXT_MAX_BYTES);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/web-http.sock", w->path);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	buf_addf(&out, "%s %s HTTP/1.1\r\nConnection: close\r\n", q->method,
	    q->path);
	if (!q->headers || !strstr(q->headers, "Host:"))
		buf_addz(&out, "Host: localhost:8080\r\n");
	if (!q->headers || !strstr(q->headers, "X-Forwarded-For:"))
		buf_addz(&out, "X-Forwarded-For: 127.0.0.1\r\n");
	if (*token)
		buf_addf(&out, "Authorization: Bearer %s\r\n", token);
	buf_addz(&out, q->headers ? q->headers : "");
	if (q->body.p && (!q->headers || !strstr(q->headers, "ength:")))
		buf_addf(&out, "Content-Length: %zu\r\n", q->body.len);
	buf_addz(&out, "\r\n");
	buf_add(&out, q->body);
	assert_false(out.bad);
	send_all(w, c->fd, buf_str(&out));
	return c;
}

static bool has_ended(void *arg)
{
	struct call *c = arg;
	struct error err = {0};
	ssize_t n;

	while ((n = buf_read(&c->in, c->fd, &err)) > 0)
		;
	return n == 0 || err.sys != EAGAIN;
}

static void parse_answer(struct world *w)
{
	struct str all = buf_str(&w->text);
	ssize_t head = str_find_str(all, STR("\r\n\r\n"));
	uint64_t status = 0;

	(void)str_u64(str_sub(all, 9, 12), 999, &status);
	w->status = (unsigned)status;
	json_decref(w->json);
	w->json = NULL;
	if (head != -1)
		w->json = json_loadb(
		    all.p + head + 4, all.len - (size_t)head - 4, 0, NULL);
}

unsigned world_answer(struct world *w, struct call *c)
{
	world_until(w, has_ended, c);
	buf_clear(&w->text);
	buf_add(&w->text, buf_str(&c->in));
	parse_answer(w);
	buf_release(&c->in);
	fd_close(&c->fd);
	free(c);
	return w->status;
}

unsigned world_ask(struct world *w, const struct request_text *q)
{
	return world_answer(w, world_call(w, q));
}

const char *world_field(struct world *w, const char *name, char mem[512])
{
	struct str rest = buf_str(&w->text), line, key;

	mem[0] = '\0';
	while (str_split(&rest, '\n', &line) && line.len > 1)
		if (str_split(&line, ':', &key) && line.p &&
		    str_eq_nocase(key, str_z(name)))
			str_copy(
			    str_trim(str_sub(line, 0, line.len - 1)), mem, 512);
	return mem;
}

const char *world_text(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

/* --- frames --------------------------------------------------------------- */

static void seen_free(struct seen *s)
{
	if (!s)
		return;
	list_del(&s->item);
	frame_close_fds(&s->f);
	free(s);
}

struct wanted {
	struct world *w;
	enum role role;
	enum msg type;
	struct seen *found;
};

static bool is_there(void *arg)
{
	struct wanted *x = arg;
	struct seen *s;

	list_each(s, &x->w->seen, item)
	{
		if (x->found || s->to != x->role || s->f.type != x->type)
			continue;
		x->found = s;
	}
	return x->found != NULL;
}

const struct frame *world_expect(struct world *w, enum role role, enum msg type)
{
	struct wanted x = {w, role, type, NULL};

	world_until(w, is_there, &x);
	seen_free(w->last);
	list_del(&x.found->item);
	list_init(&x.found->item);
	w->last = x.found;
	return &x.found->f;
}

bool world_without(struct world *w, enum role role, enum msg type)
{
	struct wanted x = {w, role, type, NULL};

	world_settle(w);
	return !is_there(&x);
}

void world_forget(struct world *w)
{
	struct seen *s;

	list_each(s, &w->seen, item) seen_free(s);
}

void world_read_fd(const struct frame *f, int i, struct buf *out)
{
	struct stat st;

	assert_true(i < f->nfds);
	assert_int_equal(fstat(f->fds[i], &st), 0);
	assert_non_null(buf_reserve(out, (size_t)st.st_size + 1));
	assert_int_equal(
	    pread(f->fds[i], out->p, (size_t)st.st_size, 0), st.st_size);
	out->len = (size_t)st.st_size;
}

/* --- the usual way -------------------------------------------------------- */

static const char *digits(char digit, size_t n, char mem[65])
{
	memset(mem, digit, n);
	mem[n] = '\0';
	return mem;
}

struct pushed world_push(struct world *w, char digit, const char *option)
{
	struct frame_out o = frame_begin(MSG_PUSH_OPEN, peer_next_id(w->gitd));
	const struct frame *f;
	struct pushed p;
	char mem[65];

	frame_put_u64(&o, F_APP, 1);
	frame_put_u64(&o, F_USER, 1);
	frame_put_z(&o, F_REF, "refs/heads/main");
	frame_put_z(&o, F_OLD, ZEROS);
	frame_put_z(&o, F_NEW, digits(digit, 40, mem));
	if (*option)
		frame_put_z(&o, F_OPTION, option);
	assert_int_equal(peer_send(w->gitd, &o), 0);
	f = world_expect(w, ROLE_GITD, MSG_PUSH_OPENED);
	p.push = frame_u64(f, F_PUSH);
	p.build = frame_u64(f, F_BUILD);
	p.log = frame_take_fd((struct frame *)f, 0);
	return p;
}

void world_built(struct world *w, uint64_t build, char digit)
{
	struct frame_out o =
	    frame_begin(MSG_BUILD_DONE, peer_next_id(w->builder));
	char mem[65];

	frame_put_u64(&o, F_BUILD, build);
	frame_put_z(&o, F_IMAGE, digits(digit, 64, mem));
	frame_put_z(&o, F_LAYER, digits(digit, 64, mem));
	frame_put_z(&o, F_BUILDPACK, "paas/procfile 1");
	frame_put_z(&o, F_PTYPE, "web");
	frame_put_z(&o, F_COMMAND, "node server.js");
	assert_int_equal(peer_send(w->builder, &o), 0);
	assert_int_equal(world_expect(w, ROLE_BUILDER, MSG_OK)->type, MSG_OK);
}

void world_live(struct world *w, uint64_t release)
{
	struct frame_out o = frame_begin(MSG_RELEASE_LIVE, 0);

	frame_put_u64(&o, F_APP, 1);
	frame_put_u64(&o, F_RELEASE, release);
	frame_put_u64(&o, F_MS, 5);
	assert_int_equal(peer_send(w->plan, &o), 0);
	world_settle(w);
}

uint64_t world_decided(struct world *w, const struct pushed *p, char mem[256])
{
	const struct frame *f = world_expect(w, ROLE_GITD, MSG_PUSH_DECIDED);
	struct frame_out o = frame_begin(MSG_PUSH_SETTLED, 0);

	assert_int_equal(frame_u64(f, F_PUSH), p->push);
	str_copy(frame_str(f, F_TEXT), mem, 256);
	frame_put_u64(&o, F_PUSH, p->push);
	assert_int_equal(peer_send(w->gitd, &o), 0);
	world_settle(w);
	return frame_u64(f, F_STATE);
}

void world_deploy(struct world *w)
{
	struct pushed p;
	char why[256];

	assert_int_equal(ASK(w, .method = "POST", .path = "/apps",
	                     .body = STR("{\"name\": \"hello\"}")),
	    201);
	p = world_push(w, '1', "");
	world_built(w, p.build, '1');
	world_live(w, 1);
	assert_int_equal(world_decided(w, &p, why), PUSH_ACCEPTED);
	fd_close(&p.log);
	world_forget(w);
}
