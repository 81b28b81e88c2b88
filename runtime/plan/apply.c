#include "apply.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static bool is_candidate(const struct app *a, uint64_t release)
{
	const struct want *w = app_candidate(a);

	return w && w->release == release;
}

static void start(struct model *m, struct app *a, const struct action *act,
    const struct step_env *env, uint64_t id, uint64_t real_ms)
{
	struct inst *in = model_inst(m, act->instance);

	if (!in) {
		in = model_add(m, a, id, KIND_APP, INST_ASKED);
		in->release = act->release;
		in->generation = act->generation;
		in->num = act->num;
		in->was_live = !is_candidate(a, act->release);
		snprintf(in->ptype, sizeof(in->ptype), "%s", act->ptype);
		memcpy(in->size, act->size, sizeof(in->size));
		snprintf(in->name, sizeof(in->name), "%s.%" PRIu64, act->ptype,
		    act->num);
	}
	if (in->kind == KIND_APP)
		in->port = msg_app_port(a->id);
	in->state = INST_ASKED;
	in->asked_ms = env->now_ms;
	in->time_ms = real_ms;
}

static void move_target(struct inst *in, int state, const struct step_env *env)
{
	in->target = state;
	in->acked = false;
	if (state == TARGET_CHECK) {
		in->check_ms = env->now_ms;
		in->checked = false;
	} else if (state == TARGET_DRAIN) {
		in->stop = STOP_DRAIN;
		in->stop_ms = env->now_ms;
		in->drained = false;
	}
}

static void move_stop(
    struct inst *in, enum stop stop, const struct step_env *env)
{
	assert(in->stop < stop);
	in->stop = stop;
	in->stop_ms = env->now_ms;
}

static struct crash *crash_of(struct app *a, const struct inst *in)
{
	struct crash *c;

	list_each(c, &a->crashes, of_app)
	{
		if (c->num == in->num && strcmp(c->ptype, in->ptype) == 0)
			return c;
	}
	c = xcalloc(1, sizeof(*c));
	c->num = in->num;
	memcpy(c->ptype, in->ptype, sizeof(c->ptype));
	list_add(&a->crashes, &c->of_app);
	return c;
}

static void exited(struct app *a, struct inst *in, const struct action *act,
    const struct step_env *env)
{
	struct crash *c;

	in->exit_seen = true;
	if (!act->crash)
		return;
	in->crashed = true;
	c = crash_of(a, in);
	if (c->release != in->release || c->generation != in->generation ||
	    (in->up_ms && env->now_ms - in->up_ms >= STEADY_MS))
		c->count = 0;
	c->release = in->release;
	c->generation = in->generation;
	c->count++;
	c->not_before_ms = env->now_ms + act->delay_ms;
}

static void went_live(struct app *a, uint64_t release)
{
	struct inst *in;

	list_each(in, &a->insts, of_app)
	{
		if (in->kind != KIND_APP || in->release != release)
			continue;
		in->was_live = true;
		if (inst_is_web(in) && in->checked)
			a->live_status = in->status;
	}
}

static void failed(struct app *a, const struct action *act)
{
	struct inst *in;

	a->next.rollout = ROLLOUT_FAILED;
	a->next.told = true;
	memcpy(a->next.reason, act->text, sizeof(a->next.reason));
	memcpy(a->next.culprit, act->name, sizeof(a->next.culprit));
	a->next.culprit_instance = act->instance;
	list_each(in, &a->insts, of_app)
	{
		if (in->kind == KIND_APP && in->release == act->release &&
		    !(a->live.set && a->live.release == act->release))
			in->discard = true;
	}
}

/* Up to now it is looked after. */
static void cron_done(struct app *a, uint64_t num, const struct step_env *env)
{
	struct cron_job *job = app_cron_find(a, num);

	if (job)
		job->last = env->real_ms / 60000;
}

void apply(struct model *m, struct app *a, const struct action *act,
    const struct step_env *env, uint64_t id, uint64_t real_ms)
{
	static const struct ending given_up = {
	    .signal = SIGKILL, .text = {"It was ended before it started", 30}};
	struct inst *in = model_inst(m, act->instance);

	switch (act->act) {
	case ACT_START:
		start(m, a, act, env, id, real_ms);
		break;
	case ACT_GIVE_UP:
		inst_exited(in, &given_up, real_ms);
		break;
	case ACT_SIGNAL:
		in->late |= act->crash;
		in->frozen = false; /* jail sees to that */
		move_stop(in, STOP_TERM, env);
		break;
	case ACT_KILL:
		in->late |= act->crash;
		if (inst_is_job(in) && in->text[0] == '\0')
			memcpy(in->text, act->text, sizeof(in->text));
		move_stop(in, STOP_KILL, env);
		break;
	case ACT_LOOK:
		in->looked_ms = env->now_ms;
		break;
	case ACT_REMOVE:
		model_remove(m, in);
		break;
	case ACT_TARGET:
		move_target(in, act->state, env);
		break;
	case ACT_TARGET_DROP:
		in->target = TARGET_NONE;
		in->acked = false;
		break;
	case ACT_FRONT:
		a->front = act->state;
		a->quiet = false;
		break;
	case ACT_REST:
		a->rest = (enum app_rest)act->state;
		a->rest_ms = env->now_ms;
		a->quiet = a->resumes = false;
		break;
	case ACT_FREEZE:
	case ACT_THAW:
		in->frozen = act->act == ACT_FREEZE;
		break;
	case ACT_ROOM_ASK:
		a->room =
		    (struct room){.state = ROOM_ASKED, .release = act->release};
		break;
	case ACT_ROOM:
		a->room.state = (enum room_state)act->state;
		a->room.need = act->bytes;
		break;
	case ACT_LIVE:
		a->next.rollout = ROLLOUT_LIVE;
		a->next.told = true;
		a->rest = REST_NONE;
		went_live(a, act->release);
		break;
	case ACT_FAILED:
		failed(a, act);
		break;
	case ACT_STATE:
		if (in->told != DYNO_UNTOLD || !in->adopted)
			in->time_ms = real_ms;
		in->told = act->state;
		break;
	case ACT_EXITED:
		exited(a, in, act, env);
		break;
	case ACT_CRON:
		cron_done(a, act->num, env);
		break;
	case ACT_APP_DROP:
		a->dropped = true;
		break;
	}
}
