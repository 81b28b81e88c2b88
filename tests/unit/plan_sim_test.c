/*
 * plan: the model, step and apply through hundreds of thousands of random
 * events against a small simulated jail, router and web. After each event the
 * invariants are checked; now and then the world is left in peace until it
 * rests, and then what runs must be what is wanted.
 */
/* links: runtime/plan/model.c runtime/plan/step.c runtime/plan/apply.c */
/* links: runtime/plan/cron.c */
/* links: runtime/plan/candidate.c runtime/plan/live.c runtime/plan/rest.c */
/* links: runtime/plan/exclusive.c runtime/plan/room.c */
/* links: tests/unit/plan_world.c tests/unit/plan_turn.c */
#include "plan_world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define SEEDS 30        /* PLAN_SIM_SEEDS in the environment: other so many */
#define EVENTS 10000    /* of each */
#define PEACE_EVERY 700 /* events between two rests */
#define TURNS_MAX 3000  /* of a rest */

/* --- one-offs and jobs ---------------------------------------------------- */

/* One of the app's that runs, for a command inside it; NULL: there is none. */
static const struct inst *some_host(struct world *w, const struct app *a)
{
	const struct inst *found = NULL;
	struct inst *in;

	list_each(in, &a->insts, of_app)
	{
		if (in->state == INST_RUNNING && in->kind == KIND_APP &&
		    (!found || world_chance(w, 50)))
			found = in;
	}
	return found;
}

static void add_oneoff(struct world *w)
{
	struct app *a = model_app(&w->model, 1 + world_rnd(w, APPS));
	enum instance_kind kind =
	    (enum instance_kind)(1 + world_rnd(w, KIND_N - 1));
	const struct inst *host = some_host(w, a);
	struct inst *in;

	if (w->down || a->gone || (kind == KIND_EXEC && !host))
		return;
	in = model_add(&w->model, a, ++w->last_id, kind, INST_WAITING);
	in->job = ++w->jobs;
	in->owned = inst_is_job(in);
	in->most_ms = in->owned || world_chance(w, 50) ? 600000 : 0;
	in->of = kind == KIND_EXEC ? host->id : 0;
	in->pending = xcalloc(1, 8);
	snprintf(in->ptype, sizeof(in->ptype), "run");
	snprintf(in->name, sizeof(in->name), "run.%" PRIu64, in->job);
}

static void cancel_oneoff(struct world *w)
{
	struct inst *in = model_job(&w->model, 1 + world_rnd(w, w->jobs + 1));

	if (in)
		in->discard = true;
}

/* --- plan is killed ------------------------------------------------------- */

static void deliver(struct world *w, struct list *queue,
    void (*hears)(struct world *w, const struct note *n))
{
	struct note *n = container_of(queue->next, struct note, link);

	if (list_empty(queue))
		return;
	hears(w, n);
	/* A frame that comes twice changes nothing more. */
	if ((n->type == N_STATE || n->type == N_HEALTH || n->type == N_ACK ||
	        n->type == N_DRAINED) &&
	    world_chance(w, 10))
		hears(w, n);
	note_free(n);
}

/* What it sent last is still heard, by jail perhaps after it is back. */
static void plan_killed(struct world *w)
{
	plan_close(w);
	model_init(&w->model);
	while (!list_empty(&w->to_router))
		deliver(w, &w->to_router, router_hears);
	while (w->jail_up && world_chance(w, 90) && !list_empty(&w->to_jail))
		deliver(w, &w->to_jail, jail_hears);
	notes_clear(&w->from_router);
	w->jail_known = w->wants = w->router_told = w->down = false;
	if (w->jail_up)
		jail_tells_all(w);
	if (w->web_up)
		web_tells_all(w);
	w->last_id += 1000;
	w->first_id = w->last_id;
}

/* --- events --------------------------------------------------------------- */

static void some_queue(struct world *w)
{
	for (uint64_t n = 1 + world_rnd(w, 4); n > 0; n--) {
		switch (world_rnd(w, 5)) {
		case 0:
			if (w->jail_up)
				deliver(w, &w->to_jail, jail_hears);
			break;
		case 1:
			deliver(w, &w->from_jail, plan_hears_jail);
			break;
		case 2:
			if (w->router_up)
				deliver(w, &w->to_router, router_hears);
			break;
		case 3:
			deliver(w, &w->from_router, plan_hears_router);
			break;
		case 4:
			deliver(w, &w->from_web, plan_hears_web);
			break;
		}
	}
}

static void some_vm(struct world *w)
{
	struct vm *v;

	list_each(v, &w->vms, link)
	{
		if (world_chance(w, 30))
			vm_lives(w, v);
		if (!w->peace && v->state == INSTANCE_RUNNING &&
		    world_rnd(w, 300) == 0) {
			v->oom = world_chance(w, 50);
			vm_exit(
			    w, v, world_chance(w, 50), v->oom ? SIGKILL : 0);
		}
	}
}

static void some_front(struct world *w)
{
	struct front *f;

	if (!w->router_up)
		return;
	list_each(f, &w->fronts, link)
	{
		if (world_chance(w, 30))
			front_lives(w, f);
	}
}

static uint64_t next_wake(const struct world *w)
{
	uint64_t next = NEVER;
	struct app *a;

	list_each(a, &w->model.apps, all)
	{
		if (a->wake_ms < next)
			next = a->wake_ms;
	}
	return next;
}

static void some_time(struct world *w)
{
	uint64_t next = next_wake(w);

	if (world_chance(w, 80))
		w->now += world_rnd(w, 500);
	else if (next != NEVER && world_chance(w, 70))
		w->now = next;
	else if (world_chance(w, 95))
		w->now += world_rnd(w, 700000);
	else /* the machine slept */
		w->now += world_rnd(w, 30ULL * 86400 * 1000);
}

static void some_peer(struct world *w)
{
	switch (world_rnd(w, 5)) {
	case 0:
		if (w->jail_up)
			jail_lost(w);
		else
			jail_tells_all(w);
		break;
	case 1:
		if (w->router_up)
			router_lost(w);
		else
			w->router_up = true;
		break;
	case 2:
		if (w->web_up) {
			w->web_up = false;
			notes_clear(&w->from_web);
		} else {
			web_tells_all(w);
		}
		break;
	case 3:
		if (world_chance(w, 30))
			plan_killed(w);
		break;
	case 4:
		model_disown_jobs(&w->model);
		break;
	}
}

static void some_event(struct world *w)
{
	uint64_t dice = world_rnd(w, 1000);

	if (dice < 500)
		some_queue(w);
	else if (dice < 650)
		some_vm(w);
	else if (dice < 800)
		some_front(w);
	else if (dice < 900)
		some_time(w);
	else if (dice < 930)
		router_is_quiet(w, 1 + world_rnd(w, APPS));
	else if (dice < 935)
		router_calls(w, 1 + world_rnd(w, APPS));
	else if (dice < 965)
		web_changes(w, &w->wishes[world_rnd(w, APPS)]);
	else if (dice < 985)
		add_oneoff(w);
	else if (dice < 988)
		cancel_oneoff(w);
	else if (dice < 992) /* memory comes and goes */
		w->capacity = world_rnd(w, 200);
	else
		some_peer(w);
}

/* --- peace ---------------------------------------------------------------- */

static bool deliver_all(struct world *w)
{
	bool any = false;

	for (int i = 0; i < 5; i++) {
		static void (*const hears[])(struct world *,
		    const struct note *) = {jail_hears, plan_hears_jail,
		    router_hears, plan_hears_router, plan_hears_web};
		struct list *const queues[] = {&w->to_jail, &w->from_jail,
		    &w->to_router, &w->from_router, &w->from_web};

		any |= !list_empty(queues[i]);
		while (!list_empty(queues[i]))
			deliver(w, queues[i], hears[i]);
	}
	return any;
}

/* Everybody is there and well behaved; time goes on until nothing happens. */
static void rest(struct world *w)
{
	struct front *f;
	struct vm *v;
	int still = 0;

	w->peace = true;
	if (!w->jail_up)
		jail_tells_all(w);
	w->router_up = true;
	if (!w->web_up)
		web_tells_all(w);
	for (int turn = 0; still < 3; turn++) {
		bool any;

		CHECK(w, turn < TURNS_MAX, "it does not come to rest");
		list_each(v, &w->vms, link)
		{
			v->listens = true;
			if (v->state != INSTANCE_EXITED)
				vm_lives(w, v);
		}
		list_each(f, &w->fronts, link) front_lives(w, f);
		for (uint64_t app = 1; app <= APPS; app++)
			router_calls(w, app);
		any = deliver_all(w);
		plan_look(w);
		if (any || next_wake(w) != NEVER) {
			w->now = any ? w->now + 1 : next_wake(w);
			still = 0;
			plan_look(w);
		} else {
			still++;
		}
	}
	w->peace = false;
}

static void check_place_at_rest(const struct world *w, const struct wish *a,
    const char *ptype, uint64_t num)
{
	const struct vm *found = NULL;
	const struct front *f;
	struct vm *v;

	list_each(v, &w->vms, link)
	{
		if (v->app != a->id || v->kind != KIND_APP || v->num != num ||
		    strcmp(v->ptype, ptype) != 0)
			continue;
		CHECK(w, !found, "%s.%" PRIu64 " is there twice", ptype, num);
		found = v;
	}
	CHECK(w, found && found->state == INSTANCE_RUNNING,
	    "app %" PRIu64 ": %s.%" PRIu64 " does not run", a->id, ptype, num);
	CHECK(w, !found->frozen, "%s.%" PRIu64 " is frozen", ptype, num);
	CHECK(w,
	    found->release == a->live && found->generation == a->generation,
	    "it is of v%" PRIu64 ", wanted is v%" PRIu64, found->release,
	    a->live);
	CHECK(w,
	    strcmp(found->size,
	        world_size(strcmp(ptype, "web") == 0 ? a->size : 0)) == 0,
	    "it is of size %s, wanted is another", found->size);
	f = front_find(w, found->id);
	CHECK(
	    w, (f != NULL) == (strcmp(ptype, "web") == 0), "routes are wrong");
	CHECK(w, !f || f->state == TARGET_SERVE, "web does not serve");
}

/* What runs is what is wanted, and nothing else. */
static void check_rest(const struct world *w)
{
	size_t want = 0, vms = 0, fronts = 0, webs = 0;
	struct front *f;
	struct vm *v;

	for (int i = 0; i < APPS; i++) {
		const struct wish *a = &w->wishes[i];
		bool runs = a->live && !w->down;

		CHECK(w, !a->next || w->down, "a rollout has no end");
		CHECK(w, !a->gone, "an app is not gone");
		for (uint64_t n = 1; runs && n <= a->web; n++)
			check_place_at_rest(w, a, "web", n);
		for (uint64_t n = 1; runs && n <= a->worker; n++)
			check_place_at_rest(w, a, "worker", n);
		want += runs ? a->web + a->worker : 0;
		webs += runs ? a->web : 0;
		CHECK(w,
		    w->router_front[a->id] ==
		        (runs && a->web ? FRONT_HOLD : FRONT_NONE),
		    "the front of app %" PRIu64 " is %d", a->id,
		    w->router_front[a->id]);
	}
	list_each(v, &w->vms, link) vms++;
	list_each(f, &w->fronts, link) fronts++;
	CHECK(w, vms == want, "%zu run, %zu are wanted", vms, want);
	CHECK(w, fronts == webs, "%zu targets, %zu are wanted", fronts, webs);
	CHECK(w, map_len(w->model.insts_by_id) == want, "the model differs");
}

/* --- the test ------------------------------------------------------------- */

static void world_init(struct world *w, uint64_t seed)
{
	struct list *const lists[] = {&w->vms, &w->fronts, &w->to_jail,
	    &w->from_jail, &w->to_router, &w->from_router, &w->from_web};

	*w = (struct world){.seed = seed,
	    .random = seed * 0x9e3779b97f4a7c15ull + 1,
	    .now = 1000000,
	    .capacity = 100,
	    .router_up = true};
	for (size_t i = 0; i < NELEM(lists); i++)
		list_init(lists[i]);
	model_init(&w->model);
	for (int i = 0; i < APPS; i++)
		w->wishes[i] = (struct wish){.id = (uint64_t)i + 1,
		    .generation = 1,
		    .web = 1,
		    .exclusive = i == 2};
	jail_tells_all(w);
	web_tells_all(w);
}

static void world_release(struct world *w)
{
	struct list *const queues[] = {&w->to_jail, &w->from_jail,
	    &w->to_router, &w->from_router, &w->from_web};

	for (size_t i = 0; i < NELEM(queues); i++)
		notes_clear(queues[i]);
	plan_close(w);
	actions_release(&w->acts);
	world_free(w);
}

/* All is brought down, and a new plan brings it up again. */
static void down_and_up(struct world *w)
{
	w->down = true;
	rest(w);
	check_rest(w);
	plan_killed(w);
}

static void run_world(uint64_t seed, struct world *sum)
{
	struct world w;

	world_init(&w, seed);
	while (w.events < EVENTS) {
		w.events++;
		some_event(&w);
		plan_look(&w);
		if (w.events % PEACE_EVERY != 0)
			continue;
		rest(&w);
		check_rest(&w);
		if (world_chance(&w, 20))
			down_and_up(&w);
	}
	sum->events += w.events;
	sum->starts += w.starts;
	sum->lives += w.lives;
	sum->fails += w.fails;
	sum->crashes += w.crashes;
	sum->drops += w.drops;
	sum->rests += w.rests;
	sum->beside += w.beside;
	sum->first += w.first;
	world_release(&w);
}

static void whatever_happens_it_comes_to_rest_as_wanted(void **state)
{
	const char *more = getenv("PLAN_SIM_SEEDS");
	struct world sum = {0};
	uint64_t last = SEEDS;

	(void)state;
	if (more)
		(void)str_u64(str_z(more), 1000000, &last);
	for (uint64_t seed = 1; seed <= last; seed++)
		run_world(seed, &sum);
	print_message("events %" PRIu64 " starts %" PRIu64 " live %" PRIu64
	              " failed %" PRIu64 " crashes %" PRIu64
	              " apps gone %" PRIu64 " rests %" PRIu64 " beside %" PRIu64
	              " stopped first %" PRIu64 "\n",
	    sum.events, sum.starts, sum.lives, sum.fails, sum.crashes,
	    sum.drops, sum.rests, sum.beside, sum.first);
	/* The dice do throw all of it. */
	assert_true(sum.events >= 200000);
	assert_true(sum.lives > 500 && sum.fails > 500);
	assert_true(sum.rests > 200);
	assert_true(sum.beside > 200 && sum.first > 200);
	assert_true(sum.crashes > 500 && sum.drops > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whatever_happens_it_comes_to_rest_as_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
