/* builder: masking, reports, reasons, and whole builds between a played web
 * and a played plan. */
/* links: builder/ -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../builder/bases.h"
#include "../../builder/build.h"
#include "../../builder/builder.h"
#include "../../builder/mask.h"
#include "../../builder/peers.h"
#include "../../builder/proxy.h"
#include "../../builder/reason.h"
#include "../../builder/result.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

/* --- pure parts ----------------------------------------------------------- */

/* config has '|' for NUL; `in` is fed in pieces that '|' separates. */
static void check_mask(const char *config, const char *in, const char *want)
{
	scoped_buf struct buf out = BUF_INIT(65536);
	scoped_free char *env = xstrdup(config);
	struct str rest = str_z(in), piece;
	struct mask *m;

	for (char *c = env; *c; c++)
		*c = *c == '|' ? '\0' : *c;
	m = mask_new(str_make(env, strlen(config)));
	while (str_split(&rest, '|', &piece))
		mask_feed(m, piece, &out);
	mask_end(m, &out);
	assert_string_equal(buf_z(&out), want);
	mask_free(m);
}

static void masks_hide_values_of_eight_bytes_or_more(void **state)
{
	static const struct {
		const char *config, *in, *want;
	} cases[] = {
	    {"", "plain text", "plain text"},
	    {"A=12345678", "x12345678y", "x[REDACTED]y"},
	    {"A=1234567", "x1234567y", "x1234567y"},     /* just below */
	    {"A=12345678", "1234567|8!", "[REDACTED]!"}, /* split */
	    {"A=12345678", "1|2|3|4|5|6|7|8", "[REDACTED]"},
	    {"A=12345678", "1234567", "1234567"}, /* a beginning alone */
	    {"A=12345678|B=1234567890", "1234567890 12345678",
	        "[REDACTED] [REDACTED]"}, /* the longer one first */
	    {"A=12345678|B=1234567890", "12345678|9x", "[REDACTED]9x"},
	    {"A=12345678|B=1234567890", "12345678", "[REDACTED]"},
	    {"A=aaaaaaaa", "aaaaaaaaaaa", "[REDACTED]aaa"},
	    {"A=production|B=x", "a production build", "a production build"},
	    {"K=first line of it\n\tsecond one of it\r\nshort",
	        "  second one of it\nshort", "  [REDACTED]\nshort"},
	    {"NOEQUALS|=|A=", "x", "x"},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++)
		check_mask(cases[i].config, cases[i].in, cases[i].want);
}

static void a_long_value_is_hidden_whole(void **state)
{
	scoped_buf struct buf out = BUF_INIT(65536);

	(void)state;
	for (size_t n = 100; n < 400; n++) {
		char config[512] = "A=";
		struct mask *m;

		for (size_t i = 0; i < n; i++)
			config[2 + i] = (char)('a' + i % 26);
		m = mask_new(str_make(config, n + 2));
		buf_clear(&out);
		mask_feed(m, str_make(config + 2, n), &out);
		mask_end(m, &out);
		for (const char *c = buf_z(&out); *c; c++)
			assert_non_null(strchr("[REDACTED]", *c));
		mask_free(m);
	}
}

#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void a_report_keeps_its_form_or_is_none(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
	    {"{}", 0},
	    {"{\"stages\":[{\"name\":\"build\",\"ms\":5,\"cached\":true}]}", 0},
	    {"{\"error\":{\"kind\":\"disk\",\"text\":\"x\\ny\"}}", 0},
	    {"{\"image\":\"" H64 "\",\"layers\":[\"" H64 "\"],\"puts\":"
	     "[{\"digest\":\"" H64 "\",\"name\":\"layer-0\"}],\"processes\":"
	     "[{\"type\":\"web\",\"command\":\"x\"}],\"buildpacks\":[\"a\"]}",
	        0},
	    {"", -1},
	    {"[]", -1},
	    {"{", -1},
	    {"nul", -1},
	    {"{\"a\":1,\"a\":2}", -1},
	    {"{\"stages\":{}}", -1},
	    {"{\"stages\":[5]}", -1},
	    {"{\"stages\":[{\"name\":\"A b\",\"ms\":5}]}", -1},
	    {"{\"stages\":[{\"name\":\"a\",\"ms\":9223372036854775807}]}", -1},
	    {"{\"error\":\"x\"}", -1},
	    {"{\"error\":{\"kind\":\"x\",\"text\":\"a\\u0000b\"}}", -1},
	    {"{\"error\":{\"kind\":\"a-kind-too-long-to-be\",\"text\":\"\"}}",
	        -1},
	    {"{\"image\":\"0123\"}", -1},
	    {"{\"layers\":[\"../x\"]}", -1},
	    {"{\"layers\":[\"" H64 "0\"]}", -1},
	    {"{\"puts\":[{\"digest\":\"" H64 "\",\"name\":\"..\"}]}", -1},
	    {"{\"puts\":[{\"digest\":\"" H64 "\",\"name\":\"a/b\"}]}", -1},
	    {"{\"puts\":[{\"name\":\"a\"}]}", -1},
	    {"{\"processes\":[{\"type\":\"we b\",\"command\":\"x\"}]}", -1},
	    {"{\"processes\":[{\"type\":\"web\"}]}", -1},
	    {"{\"processes\":[{\"type\":\"web\",\"command\":\"a\\u0000\"}]}",
	        -1},
	    {"{\"buildpacks\":[5]}", -1},
	    {"{\"app_json\":\"{}\"}", 0},
	    {"{\"app_json\":{}}", -1},
	    {"{\"app_json\":\"a\\u0000\"}", -1},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct result r;

		assert_int_equal(result_parse(str_z(cases[i].text), &r, &err),
		    cases[i].want);
		if (strchr(r.text, '\n'))
			fail_msg("a line of its own: %s", r.text);
		result_release(&r);
	}
}

/* n items of text in the list at key. */
static int parse_list(const char *key, const char *text, size_t n)
{
	scoped_buf struct buf b = BUF_INIT(1 << 20);
	struct error err = {0};
	struct result r;
	int done;

	buf_addf(&b, "{\"%s\":[", key);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? "," : "", text);
	buf_addz(&b, "]}");
	done = result_parse(buf_str(&b), &r, &err);
	result_release(&r);
	return done;
}

static void lists_of_a_report_have_their_limits(void **state)
{
	static const struct {
		const char *key, *text;
		size_t most;
	} cases[] = {
	    {"stages", "{\"name\":\"a\",\"ms\":1}", RESULT_STAGES_MAX},
	    {"layers", "\"" H64 "\"", RESULT_LAYERS_MAX},
	    {"puts", "{\"digest\":\"" H64 "\",\"name\":\"a\"}",
	        RESULT_LAYERS_MAX},
	    {"processes", "{\"type\":\"a\",\"command\":\"b\"}",
	        RESULT_PROCESSES_MAX},
	    {"buildpacks", "\"a\"", RESULT_BUILDPACKS_MAX},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		assert_int_equal(
		    parse_list(cases[i].key, cases[i].text, cases[i].most), 0);
		assert_int_equal(
		    parse_list(cases[i].key, cases[i].text, cases[i].most + 1),
		    -1);
	}
	/* the whole of it has one, too */
	assert_int_equal(
	    parse_list("x", "\"0123456789\"", RESULT_BYTES_MAX / 13 + 2), -1);
}

static void reasons_name_the_setting_that_helps(void **state)
{
	static const struct {
		struct ending ending;
		const char *kind, *text, *want;
	} cases[] = {
	    {{.signal = 9, .oom = true}, "", "", "setting build_memory"},
	    {{.code = 1, .oom = true}, "buildpack", "x", "2 GiB"},
	    {{.code = 1}, "disk", "x", "setting build_disk"},
	    {{.code = 1}, "inodes", "x", "setting build_inodes"},
	    {{.code = 1}, "buildpack", "a/b failed", "a/b failed"},
	    {{.signal = 9, .text = "why"}, "", "", "signal 9: why"},
	    {{.code = 125, .text = "no crun"}, "", "", "no crun"},
	    {{.code = 3}, "", "", "status 3"},
	};
	struct settings s;
	char out[REASON_SIZE];

	(void)state;
	settings_init(&s);
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct result r = {0};

		snprintf(r.kind, sizeof(r.kind), "%s", cases[i].kind);
		snprintf(r.text, sizeof(r.text), "%s", cases[i].text);
		assert_false(reason_none(&cases[i].ending, &r));
		reason_of(&s, &cases[i].ending, &r, out);
		assert_non_null(strstr(out, cases[i].want));
	}
	reason_late(&s, out);
	assert_non_null(strstr(out, "setting build_seconds"));
	/* a child that was killed for memory need not be the end */
	assert_true(
	    reason_none(&(struct ending){.oom = true}, &(struct result){0}));
}

static void proxies_come_from_the_hosts_environment(void **state)
{
	struct proxy p;

	(void)state;
	proxy_parse(STR("PATH=/bin\n# x\nhttp_proxy=http://a:1\n"
	                "export HTTPS_PROXY=\"http://b:2\"\n no_proxy='c,d' \n"
	                "http_proxy=http://e:3\nno_proxy2=x\nhttps_proxy=\n"),
	    &p);
	assert_string_equal(p.env[0], "http_proxy=http://e:3");
	assert_string_equal(p.env[1], "no_proxy=c,d");
	assert_string_equal(p.env[2], "HTTPS_PROXY=http://b:2");
	assert_null(p.env[3]);
	for (int i = 0; i < 3; i++)
		free(p.env[i]);
}

/* --- a played platform ---------------------------------------------------- */

#define SEEN_MAX 64
#define TURNS_MAX 2000

struct seen { /* a frame that came */
	uint16_t type;
	uint32_t id;
	char *fields;
	size_t len;
	int fds[4];
	int nfds;
};

struct player { /* web or plan */
	const char *name;
	enum role role;
	int fd;
	struct ipc_listener *l;
	struct peer *peer;
	struct seen seen[SEEN_MAX];
	size_t n;
};

struct world {
	char path[64];
	struct settings settings;
	struct proxy proxy;
	struct roles roles;
	struct builder b;
	struct player web, plan;
	int export;      /* listens */
	struct seen job; /* the one at hand */
};

static void player_up(struct peer *p, void *ctx)
{
	((struct player *)ctx)->peer = p;
}

static void player_down(struct peer *p, void *ctx)
{
	((struct player *)ctx)->peer = NULL;
}

static void player_frame(struct peer *p, struct frame *f, void *ctx)
{
	struct player *pl = ctx;
	struct seen *s = &pl->seen[pl->n++];

	assert_true(pl->n <= SEEN_MAX);
	*s = (struct seen){.type = f->type, .id = f->id, .nfds = f->nfds};
	s->len = f->fields.len;
	s->fields = xmalloc(s->len + 1);
	memcpy(s->fields, f->fields.p, s->len);
	for (int i = 0; i < s->nfds; i++)
		s->fds[i] = frame_take_fd(f, i);
}

static const struct peer_ops player_ops = {
    player_up, player_frame, player_down};

static int listen_at(struct world *w, const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s.sock", w->path, name);
	(void)unlink(at.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void player_start(struct world *w, struct player *p)
{
	p->fd = listen_at(w, p->name);
	p->l = ipc_listen(w->b.ev, p->fd, p->role, &w->roles, &player_ops, p);
}

static void seen_drop(struct seen *s)
{
	for (int i = 0; i < s->nfds; i++)
		fd_close(&s->fds[i]);
	free(s->fields);
	*s = (struct seen){0};
}

static void player_stop(struct player *p)
{
	ipc_listener_free(p->l);
	p->l = NULL;
	fd_close(&p->fd);
	for (size_t i = 0; i < p->n; i++)
		seen_drop(&p->seen[i]);
	p->n = 0;
}

static void write_text(struct world *w, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", w->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void start_builder(struct world *w)
{
	char path[128];

	builder_init(&w->b, &w->settings, &w->proxy);
	snprintf(path, sizeof(path), "%s/builder", w->path);
	w->b.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->b.nothing = fd_sealed("nothing", STR(""), NULL);
	w->b.bases = bases_new(&w->b);
	w->web = (struct player){.name = "web", .role = ROLE_WEB};
	w->plan = (struct player){.name = "plan", .role = ROLE_PLAN};
	player_start(w, &w->web);
	player_start(w, &w->plan);
	peers_connect(&w->b);
}

static void stop_builder(struct world *w)
{
	player_stop(&w->web);
	player_stop(&w->plan);
	seen_drop(&w->job);
	builder_release(&w->b);
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char path[128];

	snprintf(w->path, sizeof(w->path), "/tmp/builder-test-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	settings_init(&w->settings);
	snprintf(w->settings.state, sizeof(w->settings.state), "%s", w->path);
	snprintf(w->settings.run, sizeof(w->settings.run), "%s", w->path);
	for (int i = 0; i < ROLE_N; i++)
		w->roles.of[i].uid = geteuid();
	snprintf(path, sizeof(path), "%s/builder", w->path);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/stacks", w->path);
	assert_int_equal(mkdir(path, 0755), 0);
	write_text(w, "stacks/trixie-run.tar", "run");
	write_text(w, "stacks/trixie-build.tar", "build");
	start_builder(w);
	w->export = listen_at(w, "export");
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	stop_builder(w);
	fd_close(&w->export);
	(void)fd_remove_tree(AT_FDCWD, w->path, NULL);
	free(w);
	return 0;
}

/* --- playing -------------------------------------------------------------- */

static struct str field(const struct seen *s, uint16_t tag)
{
	struct frame f = {.fields = {s->fields, s->len}};

	return frame_str(&f, tag);
}

static uint64_t number(const struct seen *s, uint16_t tag)
{
	return frame_number(field(s, tag));
}

/* The n-th field of this tag, from 0. */
static struct str nth(const struct seen *s, uint16_t tag, size_t n)
{
	struct frame f = {.fields = {s->fields, s->len}};
	struct str value;
	uint16_t found;
	size_t pos = 0;

	while (frame_next(&f, &pos, &found, &value))
		if (found == tag && n-- == 0)
			return value;
	return (struct str){0};
}

static bool find(const struct player *p, uint16_t type, size_t *ret)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->seen[i].type == type) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* Turn until p has seen a frame of this type, and take it out. */
static struct seen expect(struct world *w, struct player *p, uint16_t type)
{
	struct seen s;
	size_t at = 0;

	for (int turn = 0; !find(p, type, &at); turn++) {
		if (turn == TURNS_MAX)
			fail_msg("%s has seen no %s", p->name, msg_name(type));
		ev_turn(w->b.ev, 10);
	}
	s = p->seen[at];
	memmove(
	    &p->seen[at], &p->seen[at + 1], (--p->n - at) * sizeof(p->seen[0]));
	return s;
}

static void settle(struct world *w)
{
	for (int turn = 0; turn < 20; turn++)
		ev_turn(w->b.ev, 0);
}

static void say_ok(struct player *p, struct seen *s)
{
	assert_int_equal(peer_send_ok(p->peer, s->id), 0);
	seen_drop(s);
}

static void say_error(struct player *p, struct seen *s, enum errc code)
{
	struct error err = {0};

	error_set(&err, code, "it is so");
	assert_int_equal(peer_send_error(p->peer, s->id, &err), 0);
	seen_drop(s);
}

static void send_build(
    struct world *w, uint64_t id, const char *config, size_t nprevious)
{
	struct frame_out o = frame_begin(MSG_BUILD_START, 0);
	char name[96], digest[65];
	int log, env;

	while (!w->web.peer)
		ev_turn(w->b.ev, 10);
	snprintf(name, sizeof(name), "%s/%" PRIu64 ".log", w->path, id);
	log = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	env = fd_sealed("env", str_z(config), NULL);
	frame_put_u64(&o, F_BUILD, id);
	frame_put_u64(&o, F_APP, 7);
	frame_put_z(&o, F_APP_NAME, "hello");
	frame_put_u64(&o, F_REPO, 7);
	frame_put_z(&o, F_COMMIT, "0123456789012345678901234567890123456789");
	for (size_t i = 0; i < nprevious; i++) {
		snprintf(digest, sizeof(digest), "%064zx", i + 100);
		frame_put_z(&o, F_LAYER, digest);
	}
	frame_put_fd(&o, log);
	frame_put_fd(&o, env);
	assert_int_equal(peer_send(w->web.peer, &o), 0);
	close(log);
	close(env);
}

static const char *read_log(struct world *w, uint64_t id, struct buf *b)
{
	char name[96];

	snprintf(name, sizeof(name), "%s/%" PRIu64 ".log", w->path, id);
	buf_clear(b);
	assert_int_equal(fd_read_file(AT_FDCWD, name, b, NULL), 0);
	return buf_z(b);
}

/* The next job, started; it is w->job until it ends. */
static void job_starts(struct world *w, enum instance_kind kind)
{
	seen_drop(&w->job);
	w->job = expect(w, &w->plan, MSG_JOB);
	assert_int_equal(number(&w->job, F_KIND), kind);
	assert_int_equal(w->job.nfds, 4);
	assert_int_equal(peer_send_ok(w->plan.peer, w->job.id), 0);
}

static void job_prints(struct world *w, const char *text)
{
	assert_int_equal(
	    write(w->job.fds[1], text, strlen(text)), (ssize_t)strlen(text));
}

static void job_ends(struct world *w, const char *report, uint64_t code)
{
	struct frame_out o = frame_begin(MSG_JOB_EXITED, 0);

	assert_int_equal(write(w->job.fds[3], report, strlen(report)),
	    (ssize_t)strlen(report));
	for (int i = 0; i < w->job.nfds; i++)
		fd_close(&w->job.fds[i]);
	frame_put_u64(&o, F_JOB, number(&w->job, F_JOB));
	frame_put_u64(&o, F_EXIT_CODE, code);
	frame_put_u64(&o, F_EXIT_SIGNAL, 0);
	frame_put_u64(&o, F_OOM, 0);
	assert_int_equal(peer_send(w->plan.peer, &o), 0);
}

/* An import ends as one does, and its layer goes into the store. */
static void import_one(struct world *w, const char *digest)
{
	char report[256];
	struct seen s;

	job_starts(w, KIND_IMPORT);
	snprintf(report, sizeof(report),
	    "{\"puts\":[{\"digest\":\"%s\",\"name\":\"layer\"}]}", digest);
	job_ends(w, report, 0);
	s = expect(w, &w->plan, MSG_STORE_PUT);
	assert_true(str_eqz(field(&s, F_DIGEST), digest));
	say_ok(&w->plan, &s);
	s = expect(w, &w->plan, MSG_WORK_DROP);
	say_ok(&w->plan, &s);
}

#define RUN_BASE                                                               \
	"1111111111111111111111111111111111111111111111111111111111111111"
#define BUILD_BASE                                                             \
	"2222222222222222222222222222222222222222222222222222222222222222"
#define APP "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define IMAGE "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

static void import_both(struct world *w)
{
	import_one(w, RUN_BASE);
	import_one(w, BUILD_BASE);
}

/* The export worker gets its order; err is what it answers, NULL for DONE. */
static void source_goes(struct world *w, const char *error)
{
	scoped_free char *mem = xmalloc(FRAME_MAX);
	struct frame_out o =
	    frame_begin(error ? MSG_ERROR : MSG_EXPORT_DONE, 0);
	struct error err = {0};
	struct frame f;
	int conn = accept(w->export, NULL, NULL);

	settle(w);
	assert_int_equal(
	    ipc_recv_fd(conn, ROLE_RECEIVE, ROLE_BUILDER, mem, &f, &err), 1);
	assert_int_equal(f.type, MSG_EXPORT);
	frame_close_fds(&f);
	if (error) {
		frame_put_u64(&o, F_CODE, ERR_LIMIT);
		frame_put_z(&o, F_TEXT, error);
	} else {
		frame_put_u64(&o, F_BYTES, 1);
		frame_put_u64(&o, F_FILES, 1);
	}
	assert_int_equal(ipc_send_fd(conn, &o, &err), 0);
	close(conn);
}

#define EXPORTED                                                               \
	"{\"image\":\"" IMAGE "\",\"layers\":[\"" RUN_BASE "\",\"" H64         \
	"\",\"" APP "\"],\"puts\":[{\"digest\":\"" H64                         \
	"\",\"name\":\"layer-0\"},{\"digest\":\"" APP                          \
	"\",\"name\":\"layer-1\"}],\"processes\":[{\"type\":\"web\","          \
	"\"command\":\"node x\"}],\"buildpacks\":[\"paas/node\"],"             \
	"\"app_json\":\"{\\\"cron\\\":[]}\","                                  \
	"\"stages\":[{\"name\":\"export\",\"ms\":3,\"cached\":false}]}"

/* From the build's job on, to the image. */
static void build_succeeds(struct world *w)
{
	struct seen s;

	job_starts(w, KIND_BUILD);
	source_goes(w, NULL);
	job_ends(w,
	    "{\"stages\":[{\"name\":\"build\",\"ms\":5,\"cached\":true}]}", 0);
	job_starts(w, KIND_EXPORT);
	job_ends(w, EXPORTED, 0);
	for (int i = 0; i < 3; i++) {
		s = expect(w, &w->plan, MSG_STORE_PUT);
		assert_int_equal(number(&s, F_OP), i == 2);
		assert_true(
		    str_eqz(field(&s, F_NAME), i == 0   ? "layer-0"
		                               : i == 1 ? "layer-1"
		                                        : "config.json"));
		say_ok(&w->plan, &s);
	}
}

static void web_hears_of_failure(struct world *w, uint64_t id, const char *text)
{
	struct seen s = expect(w, &w->web, MSG_BUILD_FAILED);
	scoped_free char *told = str_dup(field(&s, F_TEXT));

	assert_int_equal(number(&s, F_BUILD), id);
	if (!strstr(told, text))
		fail_msg("\"%s\" has no \"%s\"", told, text);
	say_ok(&w->web, &s);
}

/* --- whole builds --------------------------------------------------------- */

static void a_build_becomes_an_image(void **state)
{
	scoped_buf struct buf log = BUF_INIT(65536);
	struct world *w = *state;
	struct seen s;

	send_build(w, 5, "SECRET=hunter2hunter2", 0);
	import_both(w);
	build_succeeds(w);
	s = expect(w, &w->web, MSG_BUILD_DONE);
	assert_int_equal(number(&s, F_BUILD), 5);
	assert_true(str_eqz(field(&s, F_IMAGE), IMAGE));
	assert_true(str_eqz(nth(&s, F_LAYER, 0), RUN_BASE));
	assert_true(str_eqz(nth(&s, F_LAYER, 2), APP));
	assert_true(str_eqz(field(&s, F_PTYPE), "web"));
	assert_true(str_eqz(field(&s, F_COMMAND), "node x"));
	assert_true(str_eqz(field(&s, F_BUILDPACK), "paas/node"));
	assert_true(str_eqz(field(&s, F_APP_JSON), "{\"cron\":[]}"));
	say_ok(&w->web, &s);
	s = expect(w, &w->plan, MSG_WORK_DROP);
	say_ok(&w->plan, &s);
	settle(w);
	assert_true(list_empty(&w->b.builds));
	assert_true(list_empty(&w->b.drops));
	assert_non_null(strstr(read_log(w, 5, &log), "Built in"));
	s = expect(w, &w->web, MSG_BUILD_TICK);
	seen_drop(&s);
	for (;;) {
		bool found;

		s = expect(w, &w->web, MSG_BUILD_STAGE);
		found = str_eqz(field(&s, F_STAGE), "build");
		if (found)
			assert_int_equal(number(&s, F_CACHED), 1);
		seen_drop(&s);
		if (found)
			break;
	}
}

static void the_log_has_what_jobs_print_less_secrets(void **state)
{
	scoped_buf struct buf log = BUF_INIT(65536);
	struct world *w = *state;

	send_build(w, 5, "SECRET=hunter2hunter2", 0);
	import_both(w);
	job_starts(w, KIND_BUILD);
	job_prints(w, "the word is hunter2");
	settle(w);
	job_prints(w, "hunter2.\nunfinished");
	source_goes(w, NULL);
	job_ends(w, "{\"error\":{\"kind\":\"buildpack\",\"text\":\"no\"}}", 1);
	web_hears_of_failure(w, 5, "no");
	assert_non_null(strstr(
	    read_log(w, 5, &log), "the word is [REDACTED].\nunfinished"));
	assert_null(strstr(buf_z(&log), "hunter2"));
}

static void base_images_are_remembered(void **state)
{
	struct world *w = *state;
	struct seen s;

	send_build(w, 5, "", 0);
	import_both(w);
	job_starts(w, KIND_BUILD);
	assert_true(str_eqz(nth(&w->job, F_LAYER, 0), BUILD_BASE));
	stop_builder(w);
	start_builder(w);
	send_build(w, 5, "", 0);
	for (int i = 0; i < 2; i++) {
		s = expect(w, &w->plan, MSG_STORE_HAS);
		say_ok(&w->plan, &s);
	}
	job_starts(w, KIND_BUILD);
	stop_builder(w);
	/* another tar is another image; a store without it needs it again */
	write_text(w, "stacks/trixie-run.tar", "longer");
	start_builder(w);
	send_build(w, 5, "", 0);
	s = expect(w, &w->plan, MSG_STORE_HAS);
	assert_true(str_eqz(field(&s, F_DIGEST), BUILD_BASE));
	say_error(&w->plan, &s, ERR_NOT_FOUND);
	import_both(w);
	job_starts(w, KIND_BUILD);
}

static void a_base_image_that_fails_fails_what_waits(void **state)
{
	struct world *w = *state;

	send_build(w, 5, "", 0);
	job_starts(w, KIND_IMPORT);
	job_ends(w,
	    "{\"error\":{\"kind\":\"internal\",\"text\":\"it is no tar\"}}", 1);
	web_hears_of_failure(w, 5, "it is no tar");
	/* the other one goes on, this one is tried again */
	send_build(w, 6, "", 0);
	import_one(w, BUILD_BASE);
	import_one(w, RUN_BASE);
	job_starts(w, KIND_BUILD);
}

static void the_last_image_lies_below_the_build(void **state)
{
	struct world *w = *state;

	send_build(w, 5, "", 4);
	import_both(w);
	job_starts(w, KIND_BUILD);
	/* without the run image, which is the first, and the app, the last */
	assert_true(str_eqz(nth(&w->job, F_LAYER, 0), BUILD_BASE));
	assert_int_equal(nth(&w->job, F_LAYER, 1).p[63], '5');
	assert_int_equal(nth(&w->job, F_LAYER, 2).p[63], '6');
	assert_null(nth(&w->job, F_LAYER, 3).p);
}

static void a_layer_that_is_missing_costs_the_cache_alone(void **state)
{
	struct world *w = *state;
	struct seen s;

	send_build(w, 5, "", 4);
	import_both(w);
	s = expect(w, &w->plan, MSG_JOB);
	say_error(&w->plan, &s, ERR_SYSTEM);
	source_goes(w, "write: Broken pipe");
	job_starts(w, KIND_BUILD);
	assert_null(nth(&w->job, F_LAYER, 1).p);
	source_goes(w, NULL);
	/* once is enough */
	job_ends(w, "{}", 0);
	s = expect(w, &w->plan, MSG_JOB);
	say_error(&w->plan, &s, ERR_SYSTEM);
	web_hears_of_failure(w, 5, "it is so");
}

static void one_build_at_a_time(void **state)
{
	scoped_buf struct buf log = BUF_INIT(65536);
	struct world *w = *state;
	struct frame_out o = frame_begin(MSG_BUILD_CANCEL, 0);
	struct seen s;

	send_build(w, 5, "", 0);
	send_build(w, 6, "", 0);
	send_build(w, 5, "", 0); /* again: it goes on */
	import_both(w);
	job_starts(w, KIND_BUILD);
	assert_non_null(
	    strstr(read_log(w, 6, &log), "Waiting for 1 build before"));
	frame_put_u64(&o, F_BUILD, 5);
	assert_int_equal(peer_send(w->web.peer, &o), 0);
	s = expect(w, &w->plan, MSG_JOB_CANCEL);
	assert_int_equal(number(&s, F_JOB), number(&w->job, F_JOB));
	seen_drop(&s);
	settle(w);
	assert_int_equal(w->plan.n, 0); /* its container is still there */
	close(accept(w->export, NULL, NULL));
	job_ends(w, "", 137);
	build_succeeds(w);
	s = expect(w, &w->web, MSG_BUILD_DONE);
	assert_int_equal(number(&s, F_BUILD), 6);
	say_ok(&w->web, &s);
	for (size_t i = 0; i < w->web.n; i++)
		assert_int_not_equal(w->web.seen[i].type, MSG_BUILD_FAILED);
}

static void the_export_workers_reason_counts(void **state)
{
	struct world *w = *state;

	send_build(w, 5, "", 0);
	import_both(w);
	job_starts(w, KIND_BUILD);
	source_goes(w, "too large (setting source_bytes)");
	job_ends(w,
	    "{\"error\":{\"kind\":\"source\",\"text\":\"it ended early\"}}", 1);
	web_hears_of_failure(w, 5, "setting source_bytes");
}

static void the_jobs_reason_counts_when_it_died_first(void **state)
{
	struct world *w = *state;

	send_build(w, 5, "", 0);
	import_both(w);
	job_starts(w, KIND_BUILD);
	job_ends(w, "{\"error\":{\"kind\":\"disk\",\"text\":\"\"}}", 1);
	source_goes(w, "write: Broken pipe");
	web_hears_of_failure(w, 5, "setting build_disk");
}

static void a_build_that_takes_too_long_is_ended(void **state)
{
	struct world *w = *state;
	struct seen s;

	w->settings.build_seconds = 0;
	send_build(w, 5, "", 0);
	import_both(w);
	web_hears_of_failure(w, 5, "setting build_seconds");
	s = expect(w, &w->plan, MSG_JOB_CANCEL);
	seen_drop(&s);
}

static void when_plan_goes_a_build_starts_again(void **state)
{
	scoped_buf struct buf log = BUF_INIT(65536);
	struct world *w = *state;
	struct seen s;

	send_build(w, 5, "", 0);
	import_both(w);
	for (int i = 0; i < BUILD_ATTEMPTS; i++) {
		job_starts(w, KIND_BUILD);
		close(accept(w->export, NULL, NULL));
		player_stop(&w->plan);
		player_start(w, &w->plan);
		s = expect(w, &w->plan, MSG_WORK_DROP);
		say_ok(&w->plan, &s);
	}
	web_hears_of_failure(w, 5, "planner stopped three times");
	assert_non_null(strstr(read_log(w, 5, &log), "starts again (3 of 3)"));
}

static void when_web_goes_it_is_told_when_it_is_back(void **state)
{
	struct world *w = *state;
	struct seen s;

	send_build(w, 5, "", 0);
	import_both(w);
	player_stop(&w->web);
	build_succeeds(w);
	settle(w);
	player_start(w, &w->web);
	s = expect(w, &w->web, MSG_BUILD_DONE);
	seen_drop(&s);
	/* without an answer it is told again */
	player_stop(&w->web);
	player_start(w, &w->web);
	s = expect(w, &w->web, MSG_BUILD_DONE);
	say_ok(&w->web, &s);
	settle(w);
	assert_true(list_empty(&w->b.builds));
}

static void an_image_names_no_layers_of_others(void **state)
{
	struct world *w = *state;

	send_build(w, 5, "", 0);
	import_both(w);
	job_starts(w, KIND_BUILD);
	source_goes(w, NULL);
	job_ends(w, "{}", 0);
	job_starts(w, KIND_EXPORT);
	job_ends(w,
	    "{\"image\":\"" IMAGE "\",\"layers\":[\"" RUN_BASE "\",\"" H64
	    "\",\"" APP "\"],\"puts\":[{\"digest\":\"" APP
	    "\",\"name\":\"layer-0\"}]}",
	    0);
	web_hears_of_failure(w, 5, "not its own");
}

static void a_log_without_end_is_cut(void **state)
{
	scoped_buf struct buf log = BUF_INIT(2 * BLOG_MAX);
	scoped_free char *piece = xmalloc(65537);
	struct world *w = *state;

	memset(piece, 'x', 65536);
	piece[65536] = '\0';
	send_build(w, 5, "", 0);
	import_both(w);
	job_starts(w, KIND_BUILD);
	for (size_t i = 0; i < BLOG_MAX / 65536 + 2; i++) {
		job_prints(w, piece);
		settle(w);
	}
	source_goes(w, NULL);
	job_ends(w, "{\"error\":{\"kind\":\"buildpack\",\"text\":\"x\"}}", 1);
	web_hears_of_failure(w, 5, "x");
	assert_non_null(strstr(read_log(w, 5, &log), "This log is cut here"));
	assert_true(log.len < BLOG_MAX + 1000);
}

#define WORLD(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(masks_hide_values_of_eight_bytes_or_more),
	    cmocka_unit_test(a_long_value_is_hidden_whole),
	    cmocka_unit_test(a_report_keeps_its_form_or_is_none),
	    cmocka_unit_test(lists_of_a_report_have_their_limits),
	    cmocka_unit_test(reasons_name_the_setting_that_helps),
	    cmocka_unit_test(proxies_come_from_the_hosts_environment),
	    WORLD(a_build_becomes_an_image),
	    WORLD(the_log_has_what_jobs_print_less_secrets),
	    WORLD(base_images_are_remembered),
	    WORLD(a_base_image_that_fails_fails_what_waits),
	    WORLD(the_last_image_lies_below_the_build),
	    WORLD(a_layer_that_is_missing_costs_the_cache_alone),
	    WORLD(one_build_at_a_time),
	    WORLD(the_export_workers_reason_counts),
	    WORLD(the_jobs_reason_counts_when_it_died_first),
	    WORLD(a_build_that_takes_too_long_is_ended),
	    WORLD(when_plan_goes_a_build_starts_again),
	    WORLD(when_web_goes_it_is_told_when_it_is_back),
	    WORLD(an_image_names_no_layers_of_others),
	    WORLD(a_log_without_end_is_cut),
	};

	log_open("builder", LOG_LEVEL_ERROR); /* failures are played */
	return cmocka_run_group_tests_name("builder", tests, NULL, NULL);
}
