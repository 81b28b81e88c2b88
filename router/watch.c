#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "judge.h"
#include "router.h"
#include "upstream.h"
#include "wire/check.h"

#define STEP_FIRST_MS 50 /* between two tries at start */
#define STEP_MAX_MS 1000

/*
 *   PAUSE --its time--> CONNECT --accepted--> ANSWER --judged--> PAUSE
 *   CONNECT, ANSWER --refused, time--> PAUSE
 */
enum watch_state { WATCH_OFF, WATCH_PAUSE, WATCH_CONNECT, WATCH_ANSWER };

struct watch {
	struct target *target;
	struct check check;
	struct ev_io io;
	struct ev_timer timer;
	enum watch_state state;
	struct buf in;
	bool passed;      /* at start: once; later: the last time */
	bool starved;     /* waits for a socket */
	unsigned fails;   /* that count, in a row */
	uint64_t fail_ms; /* when the last one counted */
	uint64_t since_ms, step_ms;
};

struct watches {
	size_t n;
	struct watch *v[WATCHES_MAX];
	char *text; /* as it was told */
};

/* --- what comes of it ----------------------------------------------------- */

/* It has got past its start, as far as we or plan know. */
static bool has_begun(const struct target *t)
{
	return t->checked || t->state == TARGET_SERVE;
}

static bool is_gate(const struct watch *w)
{
	return w->check.type != CHECK_LIVENESS;
}

bool watch_gates(const struct target *t)
{
	for (size_t i = 0; t->watches && i < t->watches->n; i++)
		if (is_gate(t->watches->v[i]))
			return true;
	return false;
}

static void label(const struct watch *w, char *out, size_t size)
{
	snprintf(out, size, "%s check%s%s", check_type_name(w->check.type),
	    w->check.name[0] ? " " : "", w->check.name);
}

/* The loop goes on to it whatever happens meanwhile: it is at its end. */
static void pause_watch(struct watch *w, uint64_t after_ms)
{
	ev_io_del(&w->io);
	fd_close(&w->io.fd);
	buf_release(&w->in);
	w->starved = false;
	w->state = WATCH_PAUSE;
	ev_timer_set(w->target->app->router->ev, &w->timer, after_ms);
}

static void stop_one(struct watch *w)
{
	ev_io_del(&w->io);
	ev_timer_stop(&w->timer);
	fd_close(&w->io.fd);
	buf_release(&w->in);
	w->state = WATCH_OFF;
	w->starved = false;
}

/* All that it had to pass at start has passed. */
static bool has_begun_well(const struct target *t)
{
	for (size_t i = 0; i < t->watches->n; i++)
		if (is_gate(t->watches->v[i]) && !t->watches->v[i]->passed)
			return false;
	return true;
}

static bool is_ready(const struct target *t)
{
	for (size_t i = 0; i < t->watches->n; i++)
		if (t->watches->v[i]->check.type == CHECK_READINESS &&
		    !t->watches->v[i]->passed)
			return false;
	return true;
}

static void say_ready(const struct watch *w, bool ready, const char *why)
{
	struct target *t = w->target;
	char text[400], what[CHECK_NAME_MAX + 32];

	label(w, what, sizeof(what));
	if (ready)
		snprintf(text, sizeof(text),
		    "at=info dyno=%s desc=\"Ready again\" check=\"%s\"",
		    t->name, what);
	else
		snprintf(text, sizeof(text),
		    "at=warn dyno=%s desc=\"Not ready, gets no requests while "
		    "another serves\" check=\"%s\" reason=\"%s\"",
		    t->name, what, why);
	control_log(t->app->router, t->app->id, str_z(text));
}

static void set_ready(struct watch *w, bool passed, const char *why)
{
	struct target *t = w->target;
	bool before = is_ready(t);

	w->passed = passed;
	if (is_ready(t) == before)
		return;
	say_ready(w, !before, why);
	target_ready(t, !before);
}

static uint64_t interval_ms(const struct watch *w)
{
	return w->check.interval_s * 1000;
}

static uint64_t next_step(struct watch *w)
{
	uint64_t step = w->step_ms;

	w->step_ms += w->step_ms / 2;
	if (w->step_ms > STEP_MAX_MS)
		w->step_ms = STEP_MAX_MS;
	return step < interval_ms(w) ? step : interval_ms(w);
}

static void passed(struct watch *w)
{
	struct target *t = w->target;

	w->fails = 0;
	if (!has_begun(t)) {
		w->passed = true;
		if (w->check.type == CHECK_STARTUP)
			stop_one(w);
		else
			pause_watch(w, interval_ms(w));
		if (has_begun_well(t))
			target_checked(t, 200);
		return;
	}
	pause_watch(w, interval_ms(w));
	if (w->check.type == CHECK_READINESS)
		set_ready(w, true, "");
}

/* It has failed so often that it counts. */
static void given_up(struct watch *w, const char *why)
{
	struct target *t = w->target;
	char text[300], what[CHECK_NAME_MAX + 32];

	if (has_begun(t) && w->check.type == CHECK_READINESS) {
		set_ready(w, false, why);
		return;
	}
	label(w, what, sizeof(what));
	snprintf(text, sizeof(text), "the %s failed: %s (%u times)", what, why,
	    w->fails);
	log_info("target failed app=%" PRIu64 " instance=%" PRIu64 " reason=%s",
	    t->app->id, t->id, log_quote(str_z(text)));
	watch_stop(t);
	control_failed(t->app->router, t->id, str_z(text));
}

static void failed(struct watch *w, const char *why)
{
	uint64_t now = ev_now_ms(w->target->app->router->ev);
	bool starting = !has_begun(w->target);

	pause_watch(w, starting ? next_step(w) : interval_ms(w));
	if (now - w->since_ms < w->check.grace_s * 1000)
		return;
	/* Short steps are there to see it pass, not to count failures. */
	if (w->fails > 0 && now - w->fail_ms < interval_ms(w))
		return;
	w->fails++;
	w->fail_ms = now;
	if (w->fails >= w->check.attempts)
		given_up(w, why);
}

/* --- asking --------------------------------------------------------------- */

static void ask(struct watch *w)
{
	struct app *a = w->target->app;
	struct str host = route_host_of(a->router->routes, a->id);
	scoped_buf struct buf text = BUF_INIT(4096);

	if (w->check.means == CHECK_LISTEN) {
		passed(w);
		return;
	}
	buf_addf(&text,
	    "GET %s HTTP/1.1\r\nHost: " STR_FMT "\r\n"
	    "X-Forwarded-Proto: https\r\nUser-Agent: paas-health/1\r\n"
	    "Accept: */*\r\n%sConnection: close\r\n\r\n",
	    w->check.path, STR_ARG(host.len > 0 ? host : STR("localhost")),
	    w->check.headers);
	ev_io_want(&w->io, EV_READ);
	w->state = WATCH_ANSWER;
	w->in = (struct buf)BUF_INIT(JUDGE_ANSWER_MAX);
	if (send(w->io.fd, text.p, text.len, MSG_NOSIGNAL) != (ssize_t)text.len)
		failed(w, "it does not take the request");
}

static void read_answer(struct watch *w)
{
	struct error err = {0};
	ssize_t got = buf_read(&w->in, w->io.fd, &err);
	char why[240] = "";
	int verdict;

	if (got == -1 && (err.sys == EAGAIN || err.sys == EINTR))
		return;
	verdict = judge_answer(&w->check, buf_str(&w->in), got <= 0,
	    &w->target->app->router->parsed, why, sizeof(why));
	if (verdict == 1)
		passed(w);
	else if (verdict == -1)
		failed(w, why);
}

/* Nobody listens: at start that is a matter of time, which plan measures. */
static void refused(struct watch *w)
{
	char why[64];

	if (!has_begun(w->target)) {
		pause_watch(w, next_step(w));
		return;
	}
	snprintf(why, sizeof(why), "no connection to port %u",
	    (unsigned)ntohs(
	        ((struct sockaddr_in *)&w->target->addr)->sin_port));
	failed(w, why);
}

static void watch_ready(struct ev_io *io, unsigned events)
{
	struct watch *w = container_of(io, struct watch, io);
	int error = 0;
	socklen_t len = sizeof(error);

	if (w->state == WATCH_ANSWER)
		read_answer(w);
	else if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
	         error != 0)
		refused(w);
	else
		ask(w);
}

static int connect_watch(struct watch *w)
{
	struct target other;
	struct sockaddr_in *at;

	if (w->check.port == 0)
		return upstream_connect(w->io.fd, w->target, NULL);
	other = *w->target; /* the same place, another port */
	at = (struct sockaddr_in *)&other.addr;
	at->sin_port = htons((uint16_t)w->check.port);
	return upstream_connect(w->io.fd, &other, NULL);
}

static void try_connect(struct watch *w)
{
	struct target *t = w->target;

	w->io.fd = sockets_take(t);
	if (w->io.fd == -1) {
		pause_watch(w, STEP_MAX_MS); /* watch_kick comes before */
		w->starved = true;
		return;
	}
	w->state = WATCH_CONNECT;
	ev_timer_set(t->app->router->ev, &w->timer, w->check.timeout_s * 1000);
	if (connect_watch(w) == -1 ||
	    ev_io_add(t->app->router->ev, &w->io, EV_WRITE, NULL) == -1)
		refused(w);
}

static void watch_timer(struct ev_timer *timer)
{
	struct watch *w = container_of(timer, struct watch, timer);
	char why[CHECK_PATH_MAX + 64];

	if (w->state == WATCH_PAUSE) {
		try_connect(w);
		return;
	}
	snprintf(why, sizeof(why), "%.120s gave no answer within %" PRIu64 " s",
	    w->check.path, w->check.timeout_s);
	failed(w, why);
}

/* --- all of a target's ---------------------------------------------------- */

static struct watch *watch_new(struct target *t, struct str text)
{
	struct watch *w = xcalloc(1, sizeof(*w));
	struct error err = {0};

	w->target = t;
	w->io.fd = -1;
	w->io.ready = watch_ready;
	w->timer.fire = watch_timer;
	w->in = (struct buf)BUF_INIT(JUDGE_ANSWER_MAX);
	w->step_ms = STEP_FIRST_MS;
	if (check_parse(text, &w->check, &err) == 0 &&
	    w->check.means != CHECK_UPTIME) /* that is plan's */
		return w;
	free(w);
	return NULL;
}

void watch_set(struct target *t, const struct str *texts, size_t n)
{
	scoped_buf struct buf all =
	    BUF_INIT((size_t)WATCHES_MAX * (CHECK_TEXT_MAX + 1));

	for (size_t i = 0; i < n && i < WATCHES_MAX; i++) {
		buf_add(&all, texts[i]);
		buf_addc(&all, '\f');
	}
	if (t->watches && strcmp(t->watches->text, buf_z(&all)) == 0)
		return;
	watch_release(t);
	if (n == 0)
		return;
	t->watches = xcalloc(1, sizeof(*t->watches));
	t->watches->text = xstrdup(buf_z(&all));
	for (size_t i = 0; i < n && i < WATCHES_MAX; i++) {
		struct watch *w = watch_new(t, texts[i]);

		if (w)
			t->watches->v[t->watches->n++] = w;
	}
}

/* Has it a part in the state that the target is in? */
static bool is_due(const struct watch *w)
{
	if (w->target->state == TARGET_DRAIN || w->target->gone)
		return false;
	return has_begun(w->target) ? w->check.type != CHECK_STARTUP
	                            : is_gate(w) && !w->passed;
}

void watch_start(struct target *t)
{
	for (size_t i = 0; t->watches && i < t->watches->n; i++) {
		struct watch *w = t->watches->v[i];

		if (!is_due(w) || w->state != WATCH_OFF)
			continue;
		w->since_ms = ev_now_ms(t->app->router->ev);
		w->fails = 0;
		w->step_ms = STEP_FIRST_MS;
		w->passed = has_begun(t); /* ready until it is seen not to be */
		pause_watch(w, has_begun(t) ? interval_ms(w) : 0);
	}
}

void watch_stop(struct target *t)
{
	for (size_t i = 0; t->watches && i < t->watches->n; i++)
		stop_one(t->watches->v[i]);
}

void watch_kick(struct target *t)
{
	for (size_t i = 0; t->watches && i < t->watches->n; i++)
		if (t->watches->v[i]->starved)
			pause_watch(t->watches->v[i], 0);
}

void watch_release(struct target *t)
{
	struct watches *all = take(t->watches);

	for (size_t i = 0; all && i < all->n; i++) {
		stop_one(all->v[i]);
		ev_defer(t->app->router->ev, free, all->v[i]);
	}
	if (all)
		free(all->text);
	free(all);
}
