#include "plan_world.h"

#include <stdio.h>
#include <string.h>

#include "../../runtime/plan/apply.h"
#include "base/mem.h"

#define ROUNDS_MAX 60 /* of step: more is no end */

/* --- invariants ----------------------------------------------------------- */

static bool in_place(const struct inst *in, const struct inst *other)
{
	return other != in && other->kind == KIND_APP &&
	       in->num == other->num && strcmp(in->ptype, other->ptype) == 0;
}

/* Does another one do the work of in, as the router sees it? */
static bool is_succeeded(const struct world *w, const struct inst *in)
{
	struct inst *other;

	list_each(other, &in->app->insts, of_app)
	{
		const struct front *f = front_find(w, other->id);

		if (!in_place(in, other) || other->state != INST_RUNNING ||
		    other->stop != STOP_NO || other->discard)
			continue;
		if (!inst_is_web(in) || (f && f->state == TARGET_SERVE))
			return true;
	}
	return false;
}

/* Of the candidate's processes that are not there, and what they may take. */
static uint64_t still_needed(const struct app *a)
{
	const struct want *w = &a->next;
	uint64_t sum = 0;

	for (size_t i = 0; i < w->ntypes; i++) {
		for (uint64_t n = 1; n <= w->types[i].quantity; n++) {
			uint64_t need = w->types[i].memory;
			struct inst *in;

			list_each(in, &a->insts, of_app)
			{
				if (in->kind != KIND_APP || in->num != n ||
				    in->state == INST_EXITED ||
				    strcmp(in->ptype, w->types[i].name) != 0)
					continue;
				if (in->release == w->release && !in->discard)
					need = 0;
				else if (in->used && in->used < need)
					need = in->used;
			}
			sum += need;
		}
	}
	return sum;
}

/* Beside the old ones when memory allows, and only then; else they go first,
 * and nobody goes for it who would have gone anyway. */
static void check_room(
    struct world *w, const struct app *a, const struct action *act)
{
	uint64_t need = still_needed(a);
	bool fits = need <= a->room.free;
	struct inst *in;

	CHECK(w, fits == (act->state == ROOM_BESIDE),
	    "%" PRIu64 " needed, %" PRIu64 " free, room %d", need, a->room.free,
	    act->state);
	w->beside += fits;
	w->first += !fits;
	list_each(in, &a->insts, of_app)
	    CHECK(w, fits || !a->room.crowded || !inst_is_ending(in),
	        "%s ends: there may be room then", in->name);
}

/* A process of a candidate starts beside old ones if it was said to fit. */
static void check_beside(
    const struct world *w, const struct app *a, const struct action *act)
{
	const struct want *next = app_candidate(a);
	struct inst *in;

	if (!next || next->release != act->release || next->exclusive)
		return;
	list_each(in, &a->insts, of_app) CHECK(w,
	    in->kind != KIND_APP || in->state == INST_EXITED ||
	        (in->release == act->release && !in->discard) ||
	        (a->room.state == ROOM_BESIDE &&
	            a->room.release == act->release),
	    "%s v%" PRIu64 " starts beside %s v%" PRIu64 ", room %d",
	    act->ptype, act->release, in->name, in->release, a->room.state);
}

/* The old ones make room for it, or wait until it has gone. */
static bool is_tight(const struct app *a)
{
	uint64_t release = a->room.release;
	const struct want *w = app_wanted(a);
	struct inst *in;

	if (a->room.state != ROOM_FIRST || !w)
		return false;
	if (app_candidate(a))
		return a->next.release == release;
	list_each(in, &a->insts, of_app)
	{
		if (in->kind == KIND_APP && in->state != INST_EXITED &&
		    in->release == release && w->release != release)
			return true;
	}
	return false;
}

/* What works is ended only when it is unwanted, or another does its work. */
static void check_stop(const struct world *w, const struct inst *in)
{
	const struct want *want = app_wanted(in->app);
	bool works = in->state == INST_RUNNING && in->stop == STOP_NO &&
	             (inst_is_web(in) ? in->target == TARGET_SERVE
	                              : in->kind == KIND_APP);

	if (!works || w->down || in->app->gone || in->discard ||
	    in->app->live.exclusive || in->app->next.exclusive ||
	    is_tight(in->app) || !want_has(want, in->ptype, in->num) ||
	    in->unhealthy[0])
		return;
	/* A candidate that was given up while plan was away. */
	if (in->release > want->release && !in->was_live &&
	    in->id < w->first_id)
		return;
	CHECK(w, is_succeeded(w, in),
	    "stopped before another serves: app %" PRIu64 " %s v%" PRIu64,
	    in->app->id, in->name, in->release);
}

/* Nobody who may get a request is frozen. */
static void check_freeze(const struct world *w, const struct inst *in)
{
	const struct front *f = front_find(w, in->id);

	CHECK(w, inst_is_web(in), "a worker is frozen");
	CHECK(w, !w->router_up || (f && f->state == TARGET_SLEEP),
	    "frozen while it serves");
}

static void check_live(
    const struct world *w, const struct app *a, const struct action *act)
{
	struct inst *in;

	if (a->next.rollout == ROLLOUT_LIVE)
		return; /* told once more */
	for (uint64_t num = 1; want_has(&a->next, "web", num); num++) {
		bool serves = false;

		list_each(in, &a->insts, of_app)
		{
			const struct front *f = front_find(w, in->id);
			const struct vm *v = vm_find(w, in->id);

			serves |= in->release == act->release &&
			          inst_is_web(in) && in->num == num && f &&
			          f->state == TARGET_SERVE && v && v->listens;
		}
		CHECK(
		    w, serves, "live, but web.%" PRIu64 " does not serve", num);
	}
}

/* Two of one kind are started for one place by no way. */
static void check_places(const struct world *w, const struct app *a)
{
	struct inst *in, *other;

	list_each(in, &a->insts, of_app)
	{
		if (in->kind != KIND_APP || in->id < w->first_id || in->stop ||
		    in->state == INST_EXITED || in->replace)
			continue;
		list_each(other, &a->insts, of_app) CHECK(w,
		    !in_place(in, other) || other->release != in->release ||
		        other->generation != in->generation ||
		        strcmp(other->size, in->size) != 0 ||
		        other->id < w->first_id || other->stop ||
		        other->replace || other->discard || in->discard ||
		        other->state == INST_EXITED,
		    "%s of app %" PRIu64 " is there twice", in->name, a->id);
	}
}

/* --- plan: the loop without sockets --------------------------------------- */

static struct step_env env_of(struct world *w)
{
	return (struct step_env){.now_ms = w->now,
	    .random = world_rnd(w, UINT64_MAX),
	    .jail = w->jail_known && w->jail_up,
	    .router = w->router_up,
	    .wants = w->wants,
	    .web = w->web_up,
	    .down = w->down,
	    .boot_ms = BOOT_MS,
	    .drain_ms = DRAIN_MS,
	    .stop_ms = STOP_MS,
	    .uptime_ms = UPTIME_MS,
	    .memory = 512u << 20};
}

static void to_router(
    struct world *w, enum note_type type, const struct inst *in, int state)
{
	struct note *n;

	if (!w->router_told)
		return;
	n = note_push(&w->to_router, type);
	n->vm.id = in ? in->id : 0;
	n->app = in ? in->app->id : 0;
	n->state = state;
	n->ack = in ? in->ack_id : 0;
}

static void send_front(struct world *w, const struct app *a, int state)
{
	const struct want *want = app_wanted(a);
	struct note *n;

	if (!w->router_told)
		return;
	n = note_push(&w->to_router, N_FRONT);
	n->app = a->id;
	n->state = state;
	n->freeze = want && state == FRONT_HOLD ? want->freeze_ms : 0;
}

static void send_start(struct world *w, const struct inst *in)
{
	struct note *n = note_push(&w->to_jail, N_START);

	w->starts++;
	n->vm = (struct vm){.id = in->id,
	    .app = in->app->id,
	    .kind = in->kind,
	    .release = in->release,
	    .generation = in->generation,
	    .num = in->num,
	    .job = in->job,
	    .of = in->of};
	memcpy(n->vm.ptype, in->ptype, sizeof(in->ptype));
	memcpy(n->vm.name, in->name, sizeof(in->name));
	memcpy(n->vm.size, in->size, sizeof(in->size));
}

/* What is exclusive starts when nothing older is there. */
static void check_alone(
    const struct world *w, const struct app *a, const struct action *act)
{
	struct inst *in;

	if (!a->live.exclusive && !a->next.exclusive)
		return;
	list_each(in, &a->insts, of_app) CHECK(w,
	    in->kind != KIND_APP || in->state == INST_EXITED ||
	        (in->release == act->release &&
	            (app_candidate(a) || in->generation == act->generation)),
	    "%s v%" PRIu64 " starts beside %s v%" PRIu64, act->ptype,
	    act->release, in->name, in->release);
}

static void send_target(struct world *w, struct inst *in, int state)
{
	in->ack_id = ++w->acks;
	to_router(w, N_TARGET, in, state);
}

static void check_action(struct world *w, const struct app *a,
    const struct inst *in, const struct action *act, const struct step_env *env)
{
	CHECK(w,
	    env->jail || (act->act != ACT_START && act->act != ACT_SIGNAL &&
	                     act->act != ACT_KILL),
	    "jail is asked while it is away");
	CHECK(w, act->act != ACT_START || (!w->down && !a->gone),
	    "started while all goes down");
	if (act->act == ACT_SIGNAL || act->act == ACT_KILL ||
	    (act->act == ACT_TARGET && act->state == TARGET_DRAIN))
		check_stop(w, in);
	if (act->act == ACT_SIGNAL)
		CHECK(
		    w, in->target == TARGET_NONE, "signalled while it serves");
	if (act->act == ACT_START && !in)
		check_alone(w, a, act);
	if (act->act == ACT_START && !in)
		check_beside(w, a, act);
	if (act->act == ACT_ROOM)
		check_room(w, a, act);
	if (act->act == ACT_LIVE)
		check_live(w, a, act);
	if (act->act == ACT_FREEZE)
		check_freeze(w, in);
}

static void act_do(struct world *w, struct app *a, const struct action *act,
    const struct step_env *env)
{
	struct inst *in = model_inst(&w->model, act->instance);
	uint64_t id = in ? in->id : ++w->last_id;
	struct note *n;

	check_action(w, a, in, act, env);
	switch (act->act) {
	case ACT_SIGNAL:
		note_push(&w->to_jail, N_SIGNAL)->vm.id = id;
		break;
	case ACT_KILL:
		note_push(&w->to_jail, N_KILL)->vm.id = id;
		break;
	case ACT_REMOVE:
		note_push(&w->to_jail, N_REMOVE)->vm.id = id;
		free(in->pending);
		break;
	case ACT_TARGET:
		send_target(w, in, act->state);
		break;
	case ACT_TARGET_DROP:
		to_router(w, N_DROP, in, 0);
		break;
	case ACT_FRONT:
		send_front(w, a, act->state);
		break;
	case ACT_FREEZE:
		in->freeze_id = ++w->acks;
		n = note_push(&w->to_jail, N_FREEZE);
		n->vm.id = id;
		n->ack = in->freeze_id;
		break;
	case ACT_THAW:
		in->freeze_id = 0;
		note_push(&w->to_jail, N_THAW)->vm.id = id;
		break;
	case ACT_ROOM_ASK:
		note_push(&w->to_jail, N_ROOM_ASK)->app = a->id;
		break;
	case ACT_REST:
		w->rests += act->state != REST_NONE;
		break;
	case ACT_LIVE:
	case ACT_FAILED:
		web_hears_end(w, act, a->id);
		break;
	case ACT_EXITED:
		w->crashes += act->crash;
		break;
	default:
		break;
	}
	apply(&w->model, a, act, env, id, w->now);
	if (act->act == ACT_START)
		send_start(w, model_inst(&w->model, id));
	if (act->act == ACT_APP_DROP) {
		w->drops++;
		a->gone = false;
		if (w->web_up) /* and hears of it */
			w->wishes[a->id - 1].gone = false;
	}
}

static void settle(struct world *w, struct app *a)
{
	for (int round = 0;; round++) {
		struct step_env env = env_of(w);

		CHECK(w, round < ROUNDS_MAX, "no end of actions");
		actions_clear(&w->acts);
		a->wake_ms = step_app(a, &env, &w->acts);
		CHECK(w, a->wake_ms > w->now, "to be woken in the past");
		if (w->acts.n == 0)
			return;
		for (size_t i = 0; i < w->acts.n; i++)
			act_do(w, a, &w->acts.v[i], &env);
	}
}

static void tell_router_all(struct world *w)
{
	struct app *a;
	struct inst *in;

	w->router_told = true;
	note_push(&w->to_router, N_BEGIN);
	list_each(a, &w->model.apps, all)
	{
		send_front(w, a, a->front);
		list_each(in, &a->insts, of_app)
		{
			if (in->target != TARGET_NONE)
				send_target(w, in, in->target);
		}
	}
	note_push(&w->to_router, N_END);
}

void plan_look(struct world *w)
{
	struct app *a;

	list_each(a, &w->model.apps, all)
	{
		settle(w, a);
		check_places(w, a);
		if (w->router_told)
			(void)model_forget_app(&w->model, a);
	}
	if (w->router_up && !w->router_told && w->jail_known && w->wants)
		tell_router_all(w);
}

/* --- plan: facts ---------------------------------------------------------- */

static void plan_state(struct world *w, const struct vm *v)
{
	struct inst *in = model_inst(&w->model, v->id);
	struct ending e = {v->code, v->signal, v->oom, false, {0}};

	if (!in) {
		in = model_add(&w->model, model_app(&w->model, v->app), v->id,
		    (enum instance_kind)v->kind, INST_ASKED);
		in->release = v->release;
		in->generation = v->generation;
		in->num = v->num;
		in->job = v->job;
		in->of = v->of;
		memcpy(in->ptype, v->ptype, sizeof(in->ptype));
		memcpy(in->name, v->name, sizeof(in->name));
		memcpy(in->size, v->size, sizeof(in->size));
		in->adopted = v->state == INSTANCE_RUNNING;
		in->asked_ms = w->now;
	}
	in->stale = false;
	in->frozen = v->frozen;
	if (v->state == INSTANCE_EXITED) {
		inst_exited(in, &e, w->now);
		return;
	}
	inst_state(in,
	    v->state == INSTANCE_RUNNING ? INST_RUNNING : INST_STARTING, w->now,
	    w->now, 0);
	if (v->state == INSTANCE_RUNNING) {
		free(in->pending);
		in->pending = NULL;
	}
}

static void plan_room(struct world *w, const struct note *n)
{
	struct app *a = model_find_app(&w->model, n->app);
	struct inst *in;

	if (!a)
		return;
	list_each(in, &a->insts, of_app)
	{
		const struct vm *v = vm_find(w, in->id);

		in->used = v && v->state == INSTANCE_RUNNING ? v->used : 0;
	}
	app_room(&w->model, a, n->free);
}

void plan_hears_jail(struct world *w, const struct note *n)
{
	if (n->type == N_BEGIN) {
		model_jail_mark(&w->model);
	} else if (n->type == N_END) {
		model_jail_sweep(&w->model, w->now);
		w->jail_known = true;
	} else if (n->type == N_BUSY) {
		struct inst *in = model_inst(&w->model, n->vm.id);

		if (in && in->freeze_id == n->ack) {
			in->frozen = false;
			app_awake(in->app);
		}
	} else if (n->type == N_ROOM) {
		plan_room(w, n);
	} else {
		plan_state(w, &n->vm);
	}
}

void plan_hears_router(struct world *w, const struct note *n)
{
	struct inst *in = model_inst(&w->model, n->vm.id);
	size_t pos = 0;
	void *value;

	while ((n->type == N_ACK || n->type == N_REFUSED) &&
	       map_next(w->model.insts_by_id, &pos, NULL, &value)) {
		in = value;
		if (in->ack_id != n->ack || in->target == TARGET_NONE)
			continue;
		if (n->type == N_ACK)
			in->acked = true;
		else if (in->target == TARGET_SLEEP)
			app_awake(in->app);
	}
	if (n->type == N_QUIET && model_find_app(&w->model, n->app))
		app_quiet(model_find_app(&w->model, n->app));
	if (n->type == N_CALLED && model_find_app(&w->model, n->app))
		app_awake(model_find_app(&w->model, n->app));
	if (n->type == N_HEALTH && in && in->target != TARGET_NONE) {
		in->checked = true;
		in->status = (unsigned)n->state;
	}
	if (n->type == N_FAILED && in && in->target != TARGET_NONE &&
	    in->target != TARGET_DRAIN)
		snprintf(
		    in->unhealthy, sizeof(in->unhealthy), "it is not well");
	if (n->type == N_DRAINED && in && in->target == TARGET_DRAIN)
		in->drained = true;
}

static void plan_want(struct world *w, const struct note *n)
{
	struct app *a = model_app(&w->model, n->app);
	struct want want;

	want_init(&want);
	want.release = n->release;
	want.generation = n->generation;
	want.freeze_ms = n->freeze;
	want.stop_ms = n->stop;
	want.exclusive = n->exclusive;
	want.ntypes = 2;
	want.types = xcalloc(2, sizeof(*want.types));
	want.types[0] = (struct want_type){.name = "web", .quantity = n->web};
	want.types[1] =
	    (struct want_type){.name = "worker", .quantity = n->worker};
	memcpy(want.types[0].size, n->size, sizeof(n->size));
	str_copy(STR("basic"), want.types[1].size, sizeof(n->size));
	for (size_t i = 0; i < want.ntypes; i++)
		want.types[i].memory = world_limit(want.types[i].size);
	want_add_check(&want.types[0], STR("path /up\n"));
	app_want(a, n->slot, &want, w->now);
}

void plan_hears_web(struct world *w, const struct note *n)
{
	struct app *a;

	switch (n->type) {
	case N_BEGIN:
		model_want_mark(&w->model);
		break;
	case N_END:
		model_want_sweep(&w->model);
		w->wants = true;
		break;
	case N_WANT:
		plan_want(w, n);
		break;
	case N_WANT_DROP:
		app_want_drop(model_app(&w->model, n->app), n->slot);
		break;
	case N_GONE:
		app_gone(model_app(&w->model, n->app));
		break;
	default:
		a = model_find_app(&w->model, n->app);
		if (a)
			app_stop(a, str_z(n->name));
		break;
	}
}

void plan_close(struct world *w)
{
	size_t pos = 0;
	void *value;

	while (map_next(w->model.insts_by_id, &pos, NULL, &value))
		free(((struct inst *)value)->pending);
	model_release(&w->model);
}
