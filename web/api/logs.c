/* logs - log sessions, and an app's log as text or server-sent events. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/sessions.h"
#include "api/stream.h"
#include "await.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "ipc/msg.h"
#include "wire/logpos.h"

#define LINES_DEFAULT 100
#define LINES_MAX 1500
#define PIPE_BYTES (256u * 1024)
#define OUT_BYTES (4u * PIPE_BYTES) /* what becomes of them as events */

/* --- sessions ------------------------------------------------------------- */

static int read_number(struct request *r, uint64_t *ret, struct error *err)
{
	const json_t *lines = json_object_get(r->json, "lines");
	json_int_t n = json_integer_value(lines);

	*ret = LINES_DEFAULT;
	if (!lines || json_is_null(lines))
		return 0;
	if (!json_is_integer(lines) || n < 0)
		return error_set(
		    err, ERR_INVALID, "\"lines\" must be a number.");
	*ret = n > LINES_MAX ? LINES_MAX : (uint64_t)n;
	return 0;
}

static int read_session(
    struct request *r, struct log_session *s, struct error *err)
{
	const json_t *tail = json_object_get(r->json, "tail");
	struct str source, proc;

	if (read_number(r, &s->lines, err) == -1 ||
	    request_text(r, "source", &source, err) == -1 ||
	    request_text(r, "dyno", &proc, err) == -1)
		return -1;
	if (!proc.p && request_text(r, "type", &proc, err) == -1)
		return -1;
	if (source.len && !str_eqz(source, "app") && !str_eqz(source, "heroku"))
		return error_set(err, ERR_INVALID,
		    "\"source\" is app or heroku (the platform).");
	if (proc.len && !name_layer(proc))
		return error_set(err, ERR_INVALID,
		    "\"dyno\" is a process (web.1) or a type (web).");
	if (tail && !json_is_null(tail) && !json_is_boolean(tail))
		return error_set(
		    err, ERR_INVALID, "\"tail\" must be true or false.");
	s->app = r->app.id;
	s->tail = json_is_true(tail);
	snprintf(s->source, sizeof(s->source), STR_FMT, STR_ARG(source));
	snprintf(s->proc, sizeof(s->proc), STR_FMT, STR_ARG(proc));
	return 0;
}

void on_log_session(struct request *r)
{
	scoped_buf struct buf url = BUF_INIT(1024);
	char secret[SESSION_TEXT];
	struct log_session s = {0};
	struct error err = {0};

	if (read_session(r, &s, &err) == -1 ||
	    sessions_make(r->w, &s, secret, &err) == -1) {
		request_error(r, &err);
		return;
	}
	request_base(r, &url);
	buf_addf(&url, "/logs/%s", secret);
	request_json(r, 201,
	    json_pack("{s:s, s:s, s:o, s:o}", "id", secret, "logplex_url",
	        buf_z(&url), "created_at", shape_time(shape_now()),
	        "updated_at", shape_time(shape_now())));
}

/* --- reading along -------------------------------------------------------- */

struct follow {
	struct stream stream;
	struct ev_io pipe;
	struct ev *ev;
	struct buf in, out; /* from logd; for the client */
	bool events;        /* text/event-stream, else lines */
	bool ended;         /* logd has no more */
	struct list item;   /* of the readers there are */
	int64_t app;
};

/* "ID LINE": who comes back says the id of the line it had last. */
static void add_line(struct follow *f, struct str line)
{
	struct str id;

	(void)str_split(&line, ' ', &id);
	if (f->events && !str_eqz(id, "-")) {
		buf_addz(&f->out, "id: ");
		buf_add(&f->out, id);
		buf_addc(&f->out, '\n');
	}
	if (f->events)
		buf_addz(&f->out, "data: ");
	buf_add(&f->out, line);
	buf_addz(&f->out, f->events ? "\n\n" : "\n");
}

static void add_lines(struct follow *f)
{
	struct str rest = buf_str(&f->in), line;
	size_t taken = 0;

	for (;;) {
		ssize_t end = str_find(rest, '\n');

		if (end == -1)
			break;
		line = str_sub(rest, 0, (size_t)end);
		rest = str_sub(rest, (size_t)end + 1, rest.len);
		taken += (size_t)end + 1;
		add_line(f, line);
	}
	if (f->ended && rest.len) {
		add_line(f, rest);
		taken += rest.len;
	}
	if (taken)
		buf_consume(&f->in, taken);
}

/* Read what the pipe has; a line without an end fills no more than `in`. */
static void read_pipe(struct follow *f)
{
	struct error err = {0};

	while (!f->ended) {
		ssize_t n = buf_read(&f->in, f->pipe.fd, &err);

		if (n == -1 && err.sys == EAGAIN)
			return;
		f->ended = n <= 0;
		add_lines(f);
		f->ended |= f->out.bad;
		if (f->out.len >= PIPE_BYTES)
			return;
	}
}

static void pipe_ready(struct ev_io *io, unsigned events)
{
	struct follow *f = container_of(io, struct follow, pipe);

	ev_io_del(io); /* until the client has taken what there is */
	stream_more(&f->stream);
}

static ssize_t follow_read(struct stream *s, char *to, size_t max)
{
	struct follow *f = container_of(s, struct follow, stream);
	size_t n;

	if (f->out.len == 0)
		read_pipe(f);
	n = f->out.len < max ? f->out.len : max;
	if (n > 0) {
		memcpy(to, f->out.p, n);
		buf_consume(&f->out, n);
		return (ssize_t)n;
	}
	if (f->ended)
		return -1;
	ev_io_del(&f->pipe);
	if (ev_io_add(f->ev, &f->pipe, EV_READ, NULL) == -1)
		return -1;
	return 0;
}

static void follow_free(struct stream *s)
{
	struct follow *f = container_of(s, struct follow, stream);

	list_del(&f->item);
	ev_io_del(&f->pipe);
	fd_close(&f->pipe.fd);
	buf_release(&f->in);
	buf_release(&f->out);
	free(f);
}

/* Have logd write the session's lines into a pipe; its other end, or -1. */
static int ask_logd(struct web *w, const struct log_session *s,
    struct str after, struct error *err)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_LOG_FOLLOW, 0);
	scoped_fd int in = -1, out = -1;
	int ends[2];

	if (fd_pipe(ends, err) == -1)
		return -1;
	in = ends[0];
	out = ends[1];
	frame_put_u64(&o, F_APP, (uint64_t)s->app);
	frame_put_u64(&o, F_LINES, s->lines);
	frame_put_u64(&o, F_TAIL, s->tail);
	frame_put_u64(&o, F_MARKS, 1);
	if (after.len)
		frame_put(&o, F_AFTER, after);
	if (s->source[0])
		frame_put_z(&o, F_SOURCE, s->source);
	if (s->proc[0])
		frame_put_z(&o, F_PROC, s->proc);
	frame_put_fd(&o, out);
	if (fd_nonblock(in, true, err) == -1)
		return -1;
	if (peer_send(w->logd, &o) == -1)
		return error_set(err, ERR_UNAVAILABLE,
		    "The log is away for a moment. Try again.");
	return take_fd(&in);
}

/* A request for a session's lines. */
struct reading {
	struct await await; /* for logd */
	struct request *r;
	struct log_session session;
};

static bool wants_events(struct request *r)
{
	struct str accept = request_header(r, "Accept");
	ssize_t events = str_find_str(accept, STR("text/event-stream"));

	return events != -1 || str_find_str(accept, STR("text/plain")) == -1;
}

/*
 * What the reader had: the line whose id it sends, as browsers do, or a whole
 * position, as the CLI and the dashboard do. What we never gave is as none.
 */
static struct str position(struct request *r, struct buf *mem)
{
	struct str id = request_header(r, "Last-Event-ID");
	struct logpos place;
	uint64_t time;

	if (logpos_valid(id))
		return id;
	if (!logpos_id(id, &time, &place))
		return (struct str){0};
	buf_addf(mem, "%" PRIu64 ";" STR_FMT ".%" PRIu64, time,
	    STR_ARG(place.stream), place.seq);
	return buf_str(mem);
}

/* Answers with a refusal when the app has too many readers already. */
static bool may_read(struct request *r, const struct log_session *s)
{
	struct follow *f;
	uint64_t n = 0;

	list_each(f, &r->w->followers, item) n += f->app == s->app;
	if (n < r->w->settings.log_followers)
		return stream_may(r);
	request_refuse(r, 429, "rate_limit",
	    "The log of this app has %" PRIu64 " readers, and no more are "
	    "served at once. End one, then try again.",
	    n);
	return false;
}

/*
 * Before a reader has a line it has a place, too: what is written from now
 * on. A line that it gets from before makes that earlier.
 */
static void add_start(struct follow *f)
{
	/* Else a client waits for seconds before it believes the end. */
	buf_addz(&f->out, "retry: 1\n");
	buf_addf(&f->out, ": from %" PRIu64 "\n\n", clock_real_us());
}

static void start(struct request *r)
{
	const struct log_session *s = &((struct reading *)r->wait)->session;
	scoped_buf struct buf mem = BUF_INIT(2 * LOGPOS_ID_MAX);
	struct error err = {0};
	struct follow *f;
	int fd;

	if (!may_read(r, s))
		return;
	fd = ask_logd(r->w, s, position(r, &mem), &err);
	if (fd == -1) {
		request_error(r, &err);
		return;
	}
	f = xcalloc(1, sizeof(*f));
	*f = (struct follow){
	    .stream = {.read = follow_read, .free = follow_free},
	    .pipe = {.fd = fd, .ready = pipe_ready},
	    .ev = r->w->ev,
	    .in = BUF_INIT(PIPE_BYTES),
	    .out = BUF_INIT(OUT_BYTES),
	    .app = s->app,
	    .events = wants_events(r)};
	list_init(&f->item);
	list_add(&r->w->followers, &f->item);
	if (s->tail)
		f->stream.beat =
		    f->events ? STR(":\n\n") : (struct str){"\0", 1};
	if (f->events)
		add_start(f);
	stream_answer(r, &f->stream,
	    f->events ? "text/event-stream" : "text/plain; charset=utf-8");
	request_field(r, "X-Accel-Buffering", "no");
}

static void logd_is_back(struct await *a, const struct error *err)
{
	struct reading *v = container_of(a, struct reading, await);

	if (err)
		request_error(v->r, err);
	else
		start(v->r);
}

static void reading_free(void *arg)
{
	struct reading *v = arg;

	await_cancel(&v->await);
	free(v);
}

void on_logs(struct request *r)
{
	struct reading *v = xcalloc(1, sizeof(*v));

	*v = (struct reading){.await = {.over = logd_is_back}, .r = r};
	r->wait = v;
	r->wait_free = reading_free;
	if (sessions_find(r->w, r->match.args[0], &v->session) == -1)
		request_refuse(r, 404, "not_found",
		    "This log session has ended. Ask for another one: "
		    "paas logs");
	else if (peer_is_up(r->w->logd))
		start(r);
	else
		await_peer(r->w, &v->await, r->w->logd);
}
