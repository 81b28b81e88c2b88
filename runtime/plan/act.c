#include "act.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>

#include "apply.h"
#include "base/clock.h"
#include "base/log.h"
#include "due.h"
#include "nets.h"
#include "oneoff.h"
#include "past.h"
#include "tell.h"

/* --- starting ------------------------------------------------------------- */

static const struct want *want_of(const struct inst *in)
{
	const struct app *a = in->app;

	return a->next.set && a->next.release == in->release ? &a->next
	                                                     : &a->live;
}

static const char *command_of(const struct inst *in)
{
	const struct want *w = want_of(in);

	if (in->shown[0] != '\0')
		return in->shown;
	if (in->pending)
		return in->pending->command;
	for (size_t i = 0; i < w->ntypes; i++) {
		if (strcmp(w->types[i].name, in->ptype) == 0 &&
		    w->types[i].command)
			return w->types[i].command;
	}
	return in->ptype;
}

static void put_process(
    const struct plan *p, struct inst *in, struct frame_out *o)
{
	const struct want *w = want_of(in);
	struct size_limits limits;

	frame_put_z(o, F_ARG, LAUNCHER);
	frame_put_z(o, F_ARG, in->ptype);
	layers_put(w->layers, o);
	volumes_put(w->volumes, o);
	size_limits(p->settings, str_z(in->size), &limits);
	in->memory = limits.memory;
	limits_put(&limits, o);
	frame_put_fd(o, w->env);
}

static void send_start(struct plan *p, struct inst *in)
{
	struct frame_out o;

	in->start_id = peer_next_id(p->jail);
	o = frame_begin(MSG_INSTANCE_START, in->start_id);
	frame_put_u64(&o, F_INSTANCE, in->id);
	frame_put_u64(&o, F_APP, in->app->id);
	frame_put_u64(&o, F_KIND, in->kind);
	frame_put_u64(&o, F_RELEASE, in->release);
	frame_put_u64(&o, F_GENERATION, in->generation);
	frame_put_z(&o, F_PTYPE, in->ptype);
	frame_put_u64(&o, F_NUM, in->num);
	frame_put_z(&o, F_NAME, in->name);
	frame_put_u64(&o, F_PORT, in->port);
	frame_put_u64(&o, F_JOB, in->job);
	if (in->size[0])
		frame_put_z(&o, F_SIZE, in->size);
	if (inst_is_job(in))
		frame_put_u64(&o, F_WORK, in->work);
	if (in->of)
		frame_put_u64(&o, F_OF, in->of);
	if (in->most_ms)
		frame_put_u64(&o, F_MS, in->most_ms);
	if (in->shown[0] != '\0')
		frame_put_z(&o, F_SHOWN, in->shown);
	if (in->pending)
		pending_put(in->pending, &o);
	else
		put_process(p, in, &o);
	(void)plan_send(p->jail, &o);
}

static void start(struct plan *p, struct app *a, const struct action *act,
    const struct step_env *env)
{
	uint64_t id = act->instance ? act->instance : plan_new_id(p);
	struct inst *in;

	apply(&p->model, a, act, env, id, clock_real_ms());
	in = model_inst(&p->model, id);
	send_start(p, in);
	log_info("instance started app=%" PRIu64 " instance=%" PRIu64
	         " name=%s release=%" PRIu64,
	    a->id, id, in->name, in->release);
	if (!inst_is_job(in))
		tell_line(p, a, in->name, "Starting process with command `%s`",
		    command_of(in));
}

/* --- ending --------------------------------------------------------------- */

static void send_signal(
    struct plan *p, const struct inst *in, const struct action *act)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_SIGNAL, 0);

	frame_put_u64(&o, F_INSTANCE, in->id);
	frame_put_u64(&o, F_SIGNO, SIGTERM);
	(void)plan_send(p->jail, &o);
	if (act->text[0] != '\0')
		tell_line(p, in->app, in->name, "%s", act->text);
	tell_line(p, in->app, in->name, "Stopping all processes with SIGTERM");
}

static void send_kill(
    struct plan *p, const struct inst *in, const struct action *act)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_KILL, 0);

	frame_put_u64(&o, F_INSTANCE, in->id);
	(void)plan_send(p->jail, &o);
	if (inst_is_job(in))
		return;
	if (act->text[0] != '\0')
		tell_line(p, in->app, in->name, "%s", act->text);
	tell_line(p, in->app, in->name, "Stopping process with SIGKILL");
}

static void send_look(struct plan *p, const struct inst *in)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_LOOK, 0);

	frame_put_u64(&o, F_INSTANCE, in->id);
	(void)plan_send(p->jail, &o);
}

static void send_remove(struct plan *p, struct inst *in)
{
	struct frame_out o = frame_begin(MSG_INSTANCE_REMOVE, 0);

	frame_put_u64(&o, F_INSTANCE, in->id);
	(void)plan_send(p->jail, &o);
	tell_dyno_gone(p, in);
	nets_inst_gone(p, in);
	pending_free(take(in->pending));
}

/* --- who waits for a one-off or a job ------------------------------------- */

static struct peer *asker_peer(const struct plan *p, const struct inst *in)
{
	struct peer *peer = inst_is_job(in) ? p->builder : p->web;

	if (!in->pending || !in->pending->asker.id || !peer ||
	    peer_id(peer) != in->pending->asker.peer)
		return NULL;
	return peer;
}

static void answer_ok(struct plan *p, struct inst *in)
{
	struct peer *peer = asker_peer(p, in);
	struct frame_out o;

	if (!peer)
		return;
	o = frame_begin(MSG_OK, in->pending->asker.id);
	frame_put_u64(&o, F_INSTANCE, in->id);
	(void)peer_send(peer, &o);
	in->pending->asker.id = 0;
}

static void answer_error(struct plan *p, struct inst *in, const char *why)
{
	struct peer *peer = asker_peer(p, in);
	struct error err = {0};

	if (!peer)
		return;
	(void)error_set(&err, ERR_SYSTEM, "%s", why);
	(void)peer_send_error(peer, in->pending->asker.id, &err);
	in->pending->asker.id = 0;
}

void act_started(struct plan *p, struct inst *in)
{
	answer_ok(p, in);
	pending_free(take(in->pending));
}

static bool could_not_start(const struct inst *in)
{
	return !in->up_ms && (in->lost || in->text[0] != '\0');
}

static void remember(struct plan *p, const struct inst *in, const char *text)
{
	struct past_job job = {.job = in->job,
	    .instance = in->id,
	    .code = in->code,
	    .signal = in->signal,
	    .oom = in->oom,
	    .failed = could_not_start(in)};

	str_copy(str_z(text), job.text, sizeof(job.text));
	past_add(p->past, &job);
}

static void send_exited(struct plan *p, const struct inst *in, const char *text)
{
	bool job = inst_is_job(in);
	struct frame_out o =
	    frame_begin(job ? MSG_JOB_EXITED : MSG_RUN_EXITED, 0);

	frame_put_u64(&o, F_JOB, in->job);
	frame_put_u64(&o, F_EXIT_CODE, in->code);
	frame_put_u64(&o, F_EXIT_SIGNAL, in->signal);
	frame_put_u64(&o, F_OOM, in->oom);
	frame_put_z(&o, F_TEXT, text);
	if (in->kind == KIND_CRON) {
		frame_put_u64(&o, F_APP, in->app->id);
		frame_put_u64(&o, F_CRON, in->num);
		frame_put_u64(&o, F_LAST, in->time_ms / 60000);
	}
	(void)plan_send(job ? p->builder : p->web, &o);
}

/* Is the process that this one was to join no longer there to be joined? */
static bool host_ends(const struct plan *p, const struct inst *in)
{
	const struct inst *host;

	if (in->kind != KIND_EXEC)
		return false;
	host = model_inst(&p->model, in->of);
	return !host || host->state != INST_RUNNING || host->stop != STOP_NO;
}

static void tell_asker(struct plan *p, struct inst *in, const char *text)
{
	if (in->kind == KIND_RELEASE)
		remember(p, in, text);
	/* It is told by the answer, where somebody waits for that. */
	if (could_not_start(in) && asker_peer(p, in)) {
		answer_error(
		    p, in, host_ends(p, in) ? "that process is ending" : text);
		return;
	}
	answer_ok(p, in);
	if (!inst_is_job(in) || in->owned)
		send_exited(p, in, text);
}

/* --- states in words ------------------------------------------------------ */

static const char *state_word(const struct inst *in, int state)
{
	static const char *const words[] = {
	    [DYNO_STARTING] = "starting",
	    [DYNO_UP] = "up",
	    [DYNO_CRASHED] = "crashed",
	    [DYNO_IDLE] = "idle",
	};

	/* What is being stopped was one or the other. */
	if (state == DYNO_STOPPING)
		state = in->up_ms && (!in->late || in->checked) ? DYNO_UP
		                                                : DYNO_STARTING;
	return state >= 0 && state < (int)NELEM(words) ? words[state]
	                                               : "starting";
}

static void say_state(struct plan *p, const struct inst *in, const char *to)
{
	tell_line(p, in->app, in->name, "State changed from %s to %s",
	    state_word(in, in->told), to);
}

static void exited(struct plan *p, struct inst *in, const struct action *act)
{
	log_info("instance ended app=%" PRIu64 " instance=%" PRIu64
	         " name=%s crash=%d delay_ms=%" PRIu64 " how=%s",
	    in->app->id, in->id, in->name, act->crash, act->delay_ms,
	    log_quote(str_z(act->text)));
	if (in->kind != KIND_APP)
		tell_asker(p, in, act->text);
	if (inst_is_job(in))
		return;
	if (in->oom && !in->oom_told)
		tell_oom(p, in);
	tell_line(p, in->app, in->name, "%s", act->text);
	if (act->crash)
		return; /* its state says so, which is told next */
	say_state(p, in, in->kind == KIND_APP ? "down" : "complete");
}

static void state_changed(
    struct plan *p, const struct inst *in, const struct action *act)
{
	if (in->told != DYNO_UNTOLD && act->state != DYNO_STOPPING)
		say_state(p, in, state_word(in, act->state));
}

/* --- memory --------------------------------------------------------------- */

static void ask_room(struct plan *p, const struct app *a)
{
	struct frame_out o = frame_begin(MSG_ROOM_ASK, 0);

	frame_put_u64(&o, F_APP, a->id);
	(void)plan_send(p->jail, &o);
}

static void has_room(
    struct plan *p, const struct app *a, const struct action *act)
{
	struct frame_out o;

	log_info("memory for a release app=%" PRIu64 " release=%" PRIu64
	         " need=%" PRIu64 " free=%" PRIu64 " beside=%d",
	    a->id, act->release, act->bytes, a->room.free,
	    act->state == ROOM_BESIDE);
	if (act->state != ROOM_FIRST)
		return;
	tell_line(p, a, "web", "%s", act->text);
	o = frame_begin(MSG_RELEASE_NOTE, 0);
	frame_put_u64(&o, F_APP, a->id);
	frame_put_u64(&o, F_RELEASE, act->release);
	frame_put_z(&o, F_TEXT, act->text);
	(void)plan_send(p->web, &o);
}

/* --- a release ------------------------------------------------------------ */

static void live(struct plan *p, const struct app *a, const struct action *act,
    const struct step_env *env)
{
	struct frame_out o = frame_begin(MSG_RELEASE_LIVE, 0);
	uint64_t ms = env->now_ms - a->next.since_ms;

	frame_put_u64(&o, F_APP, a->id);
	frame_put_u64(&o, F_RELEASE, act->release);
	frame_put_u64(&o, F_MS, ms);
	if (act->text[0] != '\0') {
		frame_put_z(&o, F_TEXT, act->text);
		tell_line(p, a, "web", "%s", act->text);
	}
	(void)plan_send(p->web, &o);
	log_info("release is live app=%" PRIu64 " release=%" PRIu64
	         " ms=%" PRIu64,
	    a->id, act->release, ms);
}

static void failed(
    struct plan *p, const struct app *a, const struct action *act)
{
	struct frame_out o = frame_begin(MSG_RELEASE_FAILED, 0);

	frame_put_u64(&o, F_APP, a->id);
	frame_put_u64(&o, F_RELEASE, act->release);
	frame_put_z(&o, F_TEXT, act->text);
	if (act->name[0] != '\0') {
		frame_put_z(&o, F_NAME, act->name);
		frame_put_u64(&o, F_INSTANCE, act->instance);
	}
	(void)plan_send(p->web, &o);
	/* An exit gets a line of its own when it is seen. */
	if (act->name[0] != '\0' && a->next.rollout == ROLLOUT_UNDER_WAY &&
	    str_starts(str_z(act->text), STR("Error ")))
		tell_line(p, a, act->name, "%s", act->text);
	log_info("release has failed app=%" PRIu64 " release=%" PRIu64
	         " name=%s reason=%s",
	    a->id, act->release, act->name, log_quote(str_z(act->text)));
}

/* --- rest ----------------------------------------------------------------- */

static void send_freeze(struct plan *p, struct inst *in, bool freeze)
{
	struct frame_out o;

	in->freeze_id = freeze ? peer_next_id(p->jail) : 0;
	o = frame_begin(MSG_INSTANCE_FREEZE, in->freeze_id);
	frame_put_u64(&o, F_INSTANCE, in->id);
	frame_put_u64(&o, F_STATE, freeze);
	(void)plan_send(p->jail, &o);
}

static void rests(struct plan *p, const struct app *a, int to)
{
	log_info("app rests app=%" PRIu64 " rest=%d", a->id, to);
	if (to == REST_STOPPED && a->rest != REST_STOPPED && !a->resumes)
		tell_line(p, a, "web",
		    "Stopping: nobody has asked for it; the next request "
		    "starts it");
	tell_rest(p, a, to);
}

/* --- an app that is gone -------------------------------------------------- */

static void send_app_drop(struct plan *p, struct app *a)
{
	struct frame_out o;

	a->drop_id = peer_next_id(p->jail);
	o = frame_begin(MSG_APP_DROP, a->drop_id);
	frame_put_u64(&o, F_APP, a->id);
	(void)plan_send(p->jail, &o);
}

void act_gone_done(struct plan *p, struct app *a)
{
	log_info("app gone app=%" PRIu64, a->id);
	if (a->gone_id && p->web && peer_id(p->web) == a->gone_peer)
		(void)peer_send_ok(p->web, a->gone_id);
	a->gone = false;
	a->gone_id = 0;
	plan_touch(p, a);
}

/* --- all of them ---------------------------------------------------------- */

void act_do(struct plan *p, struct app *a, const struct action *act,
    const struct step_env *env)
{
	struct inst *in = model_inst(&p->model, act->instance);

	switch (act->act) {
	case ACT_START:
		start(p, a, act, env);
		return; /* it has put that down */
	case ACT_SIGNAL:
		send_signal(p, in, act);
		break;
	case ACT_KILL:
		send_kill(p, in, act);
		break;
	case ACT_LOOK:
		send_look(p, in);
		break;
	case ACT_REMOVE:
		send_remove(p, in);
		break;
	case ACT_TARGET:
		tell_target(p, in, act->state);
		break;
	case ACT_TARGET_DROP:
		tell_target_drop(p, in);
		break;
	case ACT_FRONT:
		tell_front(p, a, act->state);
		break;
	case ACT_REST:
		rests(p, a, act->state);
		break;
	case ACT_FREEZE:
	case ACT_THAW:
		send_freeze(p, in, act->act == ACT_FREEZE);
		break;
	case ACT_ROOM_ASK:
		ask_room(p, a);
		break;
	case ACT_ROOM:
		has_room(p, a, act);
		break;
	case ACT_LIVE:
		live(p, a, act, env);
		break;
	case ACT_FAILED:
		failed(p, a, act);
		break;
	case ACT_EXITED:
		exited(p, in, act);
		break;
	case ACT_APP_DROP:
		send_app_drop(p, a);
		break;
	case ACT_STATE:
		state_changed(p, in, act);
		break;
	case ACT_CRON:
		due_do(p, a, act, env);
		break;
	case ACT_GIVE_UP:
		break;
	}
	apply(&p->model, a, act, env, 0, clock_real_ms());
	if (act->act == ACT_STATE)
		tell_dyno(p, in);
}
