#include "rollout.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "applog.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "blog.h"
#include "cron.h"
#include "ids.h"
#include "ipc/msg.h"
#include "lines.h"
#include "oneoff.h"
#include "push.h"
#include "settle.h"
#include "text.h"
#include "want.h"

#define LINES_SHOWN 50
#define RETRY_MS 2000

/*
 *            +-----------------no release command----------------+
 *            |                                                   v
 *   START ---+---> PHASE --exit 0----------------------------> LAUNCH
 *                    |                                           |
 *                    +--failed--> LINES --> FAILED   <--failed---+--> LIVE
 *
 * 1. Nothing is told to plan as NEXT before LAUNCH.
 * 2. LIVE and FAILED end with the row written; where that can't be done it
 *    is tried again, and nobody is told before.
 * 3. What the command wrote is in the push before LAUNCH.
 * 4. Cancelling leads from PHASE, LAUNCH and LINES to FAILED.
 */
enum rollout_stage {
	ROLLOUT_START,
	ROLLOUT_PHASE,
	ROLLOUT_LAUNCH,
	ROLLOUT_LINES,
	ROLLOUT_LIVE,
	ROLLOUT_FAILED,
};

#define TO(stage) (1u << (ROLLOUT_##stage))
static const struct {
	const char *name;
	unsigned next;
} stages[] = {
    [ROLLOUT_START] = {"start", TO(PHASE) | TO(LAUNCH) | TO(FAILED)},
    [ROLLOUT_PHASE] = {"phase", TO(LAUNCH) | TO(LINES) | TO(FAILED)},
    [ROLLOUT_LAUNCH] = {"launch", TO(LIVE) | TO(LINES) | TO(FAILED)},
    [ROLLOUT_LINES] = {"lines", TO(FAILED)},
    [ROLLOUT_LIVE] = {"live", 0},
    [ROLLOUT_FAILED] = {"failed", 0},
};

struct rollout {
	struct web *w;
	struct release release;
	enum rollout_stage stage;
	struct ask ask;        /* PHASE: to start the command */
	char dyno[129];        /* PHASE: its name; LINES: whose lines */
	struct lines *lines;   /* PHASE: of its end; LINES */
	struct ev_timer timer; /* PHASE: its end; LIVE, FAILED: next try */
	struct ev_timer again; /* PHASE: ask plan once more */
	uint64_t ms;           /* LIVE: how long it took to boot */
	char reason[TEXT_SIZE];
};

/* The only function that writes r->stage. */
static void rollout_move(struct rollout *r, enum rollout_stage to)
{
	assert(stages[r->stage].next & (1u << to));
	log_info("rollout moved app=%" PRId64 " release=%" PRIu64
	         " from=%s to=%s",
	    r->release.app, r->release.version, stages[r->stage].name,
	    stages[to].name);
	r->stage = to;
}

static struct rollout *find(const struct web *w, int64_t app)
{
	return map_get_id(w->rollouts, (uint64_t)app);
}

static void rollout_free(struct rollout *r)
{
	(void)map_del_id(r->w->rollouts, (uint64_t)r->release.app);
	ask_cancel(&r->ask);
	lines_cancel(r->lines);
	ev_timer_stop(&r->timer);
	ev_timer_stop(&r->again);
	free(r);
}

/* --- the end -------------------------------------------------------------- */

static void say_live(struct rollout *r)
{
	const struct release *rel = &r->release;
	struct web *w = r->w;
	struct app a;

	applog(w, rel->app, "Release v%" PRIu64 " is live", rel->version);
	if (!rel->build || store_app_get(w->store, rel->app, &a, NULL) == -1)
		return;
	push_say_released(w, rel, &a);
}

static void retry_later(struct rollout *r, const struct error *err)
{
	log_error("the end of a rollout is not written, trying again "
	          "app=%" PRId64 " release=%" PRIu64 ": %s",
	    r->release.app, r->release.version, err->msg);
	ev_timer_set(r->w->ev, &r->timer, RETRY_MS);
}

/* Write LIVE or FAILED down, then tell everybody; r is gone afterwards. */
static void end(struct rollout *r)
{
	struct release rel = r->release;
	struct web *w = r->w;
	struct error err = {0};
	bool live = r->stage == ROLLOUT_LIVE;

	if ((live ? settle_live(w, &rel, r->ms, &err)
	          : settle_failed(w, &rel, r->reason, &err)) == -1) {
		retry_later(r, &err);
		return;
	}
	if (live) {
		want_live(w, rel.app);
		say_live(r);
	} else {
		applog(w, rel.app, "Release v%" PRIu64 " failed: %s",
		    rel.version, r->reason);
	}
	want_drop_next(w, rel.app);
	rollout_free(r);
	if (rel.build)
		push_tell_build(w, rel.build);
	rollout_next(w, rel.app);
}

/* --- failing -------------------------------------------------------------- */

static void say_indented(struct web *w, int64_t build, struct str text)
{
	scoped_buf struct buf out = BUF_INIT(60000);
	struct str line;

	while (text.len && str_split(&text, '\n', &line))
		buf_addf(&out, "       " STR_FMT "\n", STR_ARG(line));
	if (!out.bad && out.len)
		blog_add(w, build, "%s", buf_z(&out));
}

static void say_failed(struct rollout *r, struct str last)
{
	const struct release *rel = &r->release;
	struct release live;

	blog_add(r->w, rel->build, " !     Release v%" PRIu64 " failed: %s\n",
	    rel->version, r->reason);
	if (last.len) {
		blog_add(r->w, rel->build, " !     The last lines of %s:\n",
		    r->dyno);
		say_indented(r->w, rel->build, last);
	}
	if (store_release_live(r->w->store, rel->app, true, &live, NULL) == 0)
		blog_add(r->w, rel->build,
		    " !     v%" PRIu64 " goes on serving.\n", live.version);
}

static void got_lines(void *arg, struct str text)
{
	struct rollout *r = arg;

	r->lines = NULL; /* it frees itself */
	if (r->release.build)
		say_failed(r, text);
	rollout_move(r, ROLLOUT_FAILED);
	end(r);
}

/* What it waited for does not count any more, but why it failed does. */
static void give_up(struct rollout *r, struct str reason)
{
	text_line(reason, r->reason, sizeof(r->reason));
	ask_cancel(&r->ask);
	lines_cancel(take(r->lines));
	ev_timer_stop(&r->timer);
	ev_timer_stop(&r->again);
}

/* Ask for the last lines of the process that failed, if one is named. */
static void fail(
    struct rollout *r, struct str reason, struct str dyno, uint64_t instance)
{
	struct web *w = r->w;

	give_up(r, reason);
	if (dyno.len == 0 || !r->release.build) {
		if (r->release.build)
			say_failed(r, (struct str){0});
		rollout_move(r, ROLLOUT_FAILED);
		end(r);
		return;
	}
	if (dyno.p != r->dyno) /* PHASE has it there already */
		str_copy(dyno, r->dyno, sizeof(r->dyno));
	rollout_move(r, ROLLOUT_LINES);
	r->lines = lines_ask(
	    w, r->release.app, r->dyno, instance, LINES_SHOWN, got_lines, r);
}

/* --- going on ------------------------------------------------------------- */

static void say_strategy(const struct rollout *r)
{
	struct web *w = r->w;
	struct release live;
	bool stop_first;
	char text[128];

	if (store_stop_first_get(w->store, r->release.app, &stop_first, NULL) ==
	        -1 ||
	    !stop_first ||
	    store_release_live(w->store, r->release.app, true, &live, NULL) !=
	        0)
		return;
	snprintf(text, sizeof(text),
	    "Stopping v%" PRIu64 " first (deploy:strategy stop-first)",
	    live.version);
	applog(w, r->release.app, "%s", text);
	if (r->release.build && !blog_has(w, r->release.build, str_z(text)))
		blog_add(w, r->release.build, "       %s\n", text);
}

static void launch(struct rollout *r)
{
	struct web *w = r->w;

	ev_timer_stop(&r->timer);
	ev_timer_stop(&r->again);
	rollout_move(r, ROLLOUT_LAUNCH);
	if (r->release.build &&
	    !blog_has(w, r->release.build, STR("-----> Launching...\n")))
		blog_add(w, r->release.build, "-----> Launching...\n");
	say_strategy(r);
	want_next(w, &r->release);
}

static void phase_answered(
    struct ask *a, const struct frame *f, const struct error *err)
{
	struct rollout *r = container_of(a, struct rollout, ask);

	if (f)
		return;
	/* Where plan is away it is asked again when it is back, too. */
	if (err->code == ERR_UNAVAILABLE)
		ev_timer_set(r->w->ev, &r->again, RETRY_MS);
	else
		fail(r, str_z(err->msg), (struct str){0}, 0);
}

/* Start the release command, or learn how far it is: the job is the same. */
static void ask_phase(struct rollout *r)
{
	scoped_buf struct buf command = BUF_INIT(32768);
	struct error err = {0};
	struct oneoff q = {.release = &r->release,
	    .job = r->release.job,
	    .kind = KIND_RELEASE,
	    .name = r->dyno};
	struct app a;

	if (store_app_get(r->w->store, r->release.app, &a, &err) == -1 ||
	    !store_process_command(
	        r->w->store, r->release.image, STR("release"), &command)) {
		fail(r, STR("the release command is not known"),
		    (struct str){0}, 0);
		return;
	}
	q.app = &a;
	q.command = buf_str(&command);
	if (oneoff_start(r->w, &r->ask, &q, &err) == -1 &&
	    err.code != ERR_UNAVAILABLE)
		fail(r, str_z(err.msg), (struct str){0}, 0);
}

static void start_phase(struct rollout *r)
{
	struct web *w = r->w;
	struct error err = {0};

	rollout_move(r, ROLLOUT_PHASE);
	if (!r->release.job) {
		r->release.job = rand_u64() >> 1; /* the store has a sign */
		if (store_release_job(
		        w->store, r->release.id, r->release.job, &err) == -1) {
			fail(r, str_z(err.msg), (struct str){0}, 0);
			return;
		}
	}
	snprintf(r->dyno, sizeof(r->dyno), "release.%u",
	    (unsigned)(1000 + r->release.job % 9000));
	if (r->release.build)
		blog_add(w, r->release.build,
		    "-----> Running the release command (%s)...\n", r->dyno);
	ev_timer_set(w->ev, &r->timer, w->settings.release_seconds * 1000);
	ask_phase(r);
}

static void ask_again(struct ev_timer *t)
{
	struct rollout *r = container_of(t, struct rollout, again);

	ask_cancel(&r->ask);
	ask_phase(r);
}

static void phase_is_late(struct rollout *r)
{
	char text[128];

	(void)oneoff_stop(r->w, r->release.app, r->dyno, NULL);
	snprintf(text, sizeof(text),
	    "the release command took more than %" PRIu64
	    " seconds (the setting release_seconds)",
	    r->w->settings.release_seconds);
	fail(r, str_z(text), str_z(r->dyno), 0);
}

static void timer_fired(struct ev_timer *t)
{
	struct rollout *r = container_of(t, struct rollout, timer);

	if (r->stage == ROLLOUT_PHASE) {
		phase_is_late(r);
	} else {
		end(r);
	}
}

void rollout_next(struct web *w, int64_t app)
{
	scoped_buf struct buf command = BUF_INIT(32768);
	struct release release;
	struct rollout *r;

	if (find(w, app) || !settle_next(w, app, &release))
		return;
	r = xcalloc(1, sizeof(*r));
	*r = (struct rollout){.w = w,
	    .release = release,
	    .stage = ROLLOUT_START,
	    .ask = {.done = phase_answered},
	    .timer = {.fire = timer_fired},
	    .again = {.fire = ask_again}};
	(void)map_set_id(w->rollouts, (uint64_t)app, r);
	if (!release.phase_done && store_process_command(w->store,
	                               release.image, STR("release"), &command))
		start_phase(r);
	else
		launch(r);
}

static void add_app(void *arg, const struct app *a)
{
	ids_add(arg, a->id);
}

void rollout_start_all(struct web *w)
{
	scoped_ids struct ids ids = {0};
	struct error err = {0};

	if (store_app_list(w->store, 0, add_app, &ids, &err) == -1)
		log_error("list of apps: %s", err.msg);
	for (size_t i = 0; i < ids.n; i++)
		rollout_next(w, ids.v[i]);
}

/* --- from outside --------------------------------------------------------- */

int rollout_cancel(struct web *w, const struct release *rel, const char *reason,
    struct error *err)
{
	struct rollout *r = find(w, rel->app);

	if (r && r->release.id == rel->id) {
		if (r->stage == ROLLOUT_LIVE || r->stage == ROLLOUT_FAILED)
			return error_set(err, ERR_EXISTS,
			    "v%" PRIu64 " is just ending.", rel->version);
		if (r->stage == ROLLOUT_PHASE)
			(void)oneoff_stop(w, rel->app, r->dyno, NULL);
		give_up(r, str_z(reason));
		if (rel->build)
			say_failed(r, (struct str){0});
		rollout_move(r, ROLLOUT_FAILED);
		end(r);
		return 0;
	}
	if (settle_failed(w, rel, reason, err) == -1)
		return -1;
	if (rel->build)
		push_tell_build(w, rel->build);
	return 0;
}

void rollout_forget(struct web *w, int64_t app)
{
	struct rollout *r = find(w, app);

	if (r)
		rollout_free(r);
}

void rollout_plan_up(struct web *w)
{
	struct str key;
	size_t pos = 0;
	void *value;

	while (map_next(w->rollouts, &pos, &key, &value)) {
		struct rollout *r = value;

		if (r->stage == ROLLOUT_PHASE && !r->lines)
			ev_timer_set(w->ev, &r->again, 0);
	}
}

void rollout_want_again(struct web *w, int64_t app)
{
	struct rollout *r = find(w, app);

	if (r && r->stage == ROLLOUT_LAUNCH)
		want_next(w, &r->release);
}

/* The rollout that a frame is about; NULL when it is over. */
static struct rollout *launched(struct web *w, const struct frame *f)
{
	struct rollout *r = find(w, (int64_t)frame_u64(f, F_APP));

	if (!r || r->stage != ROLLOUT_LAUNCH ||
	    r->release.version != frame_u64(f, F_RELEASE))
		return NULL;
	return r;
}

void rollout_live(struct web *w, struct peer *p, struct frame *f)
{
	struct rollout *r = launched(w, f);

	if (!r)
		return;
	r->ms = frame_u64(f, F_MS);
	rollout_move(r, ROLLOUT_LIVE);
	end(r);
}

void rollout_failed(struct web *w, struct peer *p, struct frame *f)
{
	struct rollout *r = launched(w, f);

	if (r)
		fail(r, frame_str(f, F_TEXT), frame_str(f, F_NAME),
		    frame_u64(f, F_INSTANCE));
}

void rollout_note(struct web *w, struct peer *p, struct frame *f)
{
	struct rollout *r = launched(w, f);

	if (r && r->release.build)
		blog_add(w, r->release.build, " !     " STR_FMT "\n",
		    STR_ARG(frame_str(f, F_TEXT)));
}

static struct rollout *with_job(struct web *w, uint64_t job)
{
	struct str key;
	size_t pos = 0;
	void *value;

	while (map_next(w->rollouts, &pos, &key, &value)) {
		struct rollout *r = value;

		if (r->stage == ROLLOUT_PHASE && !r->lines &&
		    r->release.job == job)
			return r;
	}
	return NULL;
}

static void phase_failed(struct rollout *r, const struct frame *f)
{
	uint64_t signal = frame_u64(f, F_EXIT_SIGNAL);
	char text[128];

	if (frame_u64(f, F_OOM))
		snprintf(text, sizeof(text),
		    "the release command was out of memory");
	else if (signal)
		snprintf(text, sizeof(text),
		    "the release command was ended by signal %" PRIu64, signal);
	else
		snprintf(text, sizeof(text),
		    "the release command exited with status %" PRIu64,
		    frame_u64(f, F_EXIT_CODE));
	fail(r, str_z(text), str_z(r->dyno), 0);
}

static void phase_lines(void *arg, struct str text)
{
	struct rollout *r = arg;

	r->lines = NULL; /* it frees itself */
	say_indented(r->w, r->release.build, text);
	launch(r);
}

void rollout_run_exited(struct web *w, struct peer *p, struct frame *f)
{
	struct rollout *r = with_job(w, frame_u64(f, F_JOB));
	struct error err = {0};

	cron_run_exited(w, f);
	if (!r)
		return; /* somebody's `run` */
	ask_cancel(&r->ask);
	if (frame_u64(f, F_EXIT_CODE) || frame_u64(f, F_EXIT_SIGNAL)) {
		phase_failed(r, f);
		return;
	}
	if (store_release_phase_done(w->store, r->release.id, &err) == -1)
		log_warn("release phase would run again after a restart: %s",
		    err.msg);
	ev_timer_stop(&r->timer);
	ev_timer_stop(&r->again);
	if (r->release.build)
		r->lines = lines_ask(
		    w, r->release.app, r->dyno, 0, LINES_SHOWN, phase_lines, r);
	else
		launch(r);
}
