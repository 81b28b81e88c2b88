#include "plan_world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

uint64_t world_rnd(struct world *w, uint64_t n)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % n;
}

bool world_chance(struct world *w, uint64_t percent)
{
	return world_rnd(w, 100) < percent;
}

void world_dump(const struct world *w)
{
	struct app *a;
	struct inst *in;

	list_each(a, &w->model.apps, all)
	{
		print_error("app %" PRIu64 " live v%" PRIu64 " g%" PRIu64
		            " next v%" PRIu64
		            " rollout %d gone %d front %d rest %d resumes %d\n",
		    a->id, a->live.release, a->live.generation, a->next.release,
		    a->next.rollout, a->gone, a->front, (int)a->rest,
		    a->resumes);
		list_each(in, &a->insts, of_app) print_error(
		    "  %" PRIu64 " %s kind %d v%" PRIu64 " g%" PRIu64
		    " state %d stop %d target %d acked %d checked %d"
		    " adopted %d replace %d discard %d late %d crashed %d\n",
		    in->id, in->name, in->kind, in->release, in->generation,
		    in->state, in->stop, in->target, in->acked, in->checked,
		    in->adopted, in->replace, in->discard, in->late,
		    in->crashed);
	}
}

const char *world_size(unsigned size)
{
	static const char *const sizes[] = {
	    "basic", "standard-2x", "performance-m"};

	return sizes[size % NELEM(sizes)];
}

/* In units of its own. */
uint64_t world_limit(const char *size)
{
	return strcmp(size, world_size(0)) == 0   ? 10
	       : strcmp(size, world_size(1)) == 0 ? 20
	                                          : 40;
}

uint64_t world_free_memory(const struct world *w)
{
	uint64_t used = 0;
	struct vm *v;

	list_each(v, &w->vms, link)
	{
		if (v->state != INSTANCE_EXITED)
			used += v->used;
	}
	return w->capacity > used ? w->capacity - used : 0;
}

struct note *note_push(struct list *queue, enum note_type type)
{
	struct note *n = xcalloc(1, sizeof(*n));

	n->type = type;
	list_add(queue, &n->link);
	return n;
}

void note_free(struct note *n)
{
	list_del(&n->link);
	free(n);
}

void notes_clear(struct list *queue)
{
	struct note *n;

	list_each(n, queue, link) note_free(n);
}

struct vm *vm_find(const struct world *w, uint64_t id)
{
	struct vm *v;

	list_each(v, &w->vms, link)
	{
		if (v->id == id)
			return v;
	}
	return NULL;
}

struct front *front_find(const struct world *w, uint64_t id)
{
	struct front *f;

	list_each(f, &w->fronts, link)
	{
		if (f->id == id)
			return f;
	}
	return NULL;
}

void world_free(struct world *w)
{
	struct vm *v;
	struct front *f;

	list_each(v, &w->vms, link) free(v);
	list_each(f, &w->fronts, link) free(f);
}

/* --- jail ----------------------------------------------------------------- */

static void tell_state(struct world *w, const struct vm *v)
{
	if (w->jail_up)
		note_push(&w->from_jail, N_STATE)->vm = *v;
}

static void vm_move(struct world *w, struct vm *v, enum instance_state to)
{
	v->state = to;
	tell_state(w, v);
}

void vm_exit(struct world *w, struct vm *v, uint64_t code, uint64_t sig)
{
	struct vm *guest;

	if (v->state == INSTANCE_EXITED)
		return;
	v->code = code;
	v->signal = sig;
	vm_move(w, v, INSTANCE_EXITED);
	/* What runs inside it was in its namespaces. */
	list_each(guest, &w->vms, link)
	{
		if (guest->of == v->id)
			vm_exit(w, guest, 0, SIGKILL);
	}
}

static bool has_host(const struct world *w, const struct vm *v)
{
	const struct vm *host = v->of ? vm_find(w, v->of) : NULL;

	return !v->of || (host && host->state == INSTANCE_RUNNING);
}

static void jail_start(struct world *w, const struct note *n)
{
	struct vm *v = xcalloc(1, sizeof(*v));

	CHECK(w, !vm_find(w, n->vm.id), "started twice");
	*v = n->vm;
	v->limit = world_limit(v->size);
	v->used = 1 + world_rnd(w, v->limit);
	v->listens = true;
	v->status = 200;
	if (!w->peace) {
		v->crashes = world_chance(w, 15);
		v->listens = !world_chance(w, 8);
		v->deaf = world_chance(w, 10);
		v->status = world_chance(w, 10) ? 503 : 200;
	}
	list_add(&w->vms, &v->link);
	vm_move(w, v, INSTANCE_STARTING);
	if ((!w->peace && world_chance(w, 3)) || !has_host(w, v))
		vm_exit(w, v, 125, 0);
}

static void jail_freezes(struct world *w, struct vm *v, const struct note *n)
{
	if (v->state == INSTANCE_RUNNING && !world_chance(w, 10)) {
		v->frozen = true;
	} else if (w->jail_up) {
		struct note *answer = note_push(&w->from_jail, N_BUSY);

		answer->vm.id = v->id;
		answer->ack = n->ack;
	}
}

/* The numbers are of now, and heard of later. */
static void jail_tells_room(struct world *w, uint64_t app)
{
	struct note *n;

	if (!w->jail_up)
		return;
	n = note_push(&w->from_jail, N_ROOM);
	n->app = app;
	n->free = world_free_memory(w);
}

void jail_hears(struct world *w, const struct note *n)
{
	struct vm *v = vm_find(w, n->vm.id);

	if (n->type == N_START)
		jail_start(w, n);
	else if (n->type == N_ROOM_ASK)
		jail_tells_room(w, n->app);
	else if (v && n->type == N_SIGNAL)
		v->frozen = !(v->term = true);
	else if (v && n->type == N_KILL)
		v->frozen = !(v->kill = true);
	else if (v && n->type == N_FREEZE)
		jail_freezes(w, v, n);
	else if (v && n->type == N_THAW)
		v->frozen = false;
	else if (v && n->type == N_REMOVE) {
		CHECK(w, v->state == INSTANCE_EXITED, "removed alive");
		list_del(&v->link);
		free(v);
	}
}

/* A process goes on with its life. */
void vm_lives(struct world *w, struct vm *v)
{
	CHECK(w, !v->frozen || (!v->kill && !v->term), "it can't hear it");
	if (v->frozen)
		return;
	if (v->kill)
		vm_exit(w, v, 0, SIGKILL);
	else if (v->term && !v->deaf)
		vm_exit(w, v, 143, 0);
	else if (v->state == INSTANCE_STARTING)
		vm_move(w, v, INSTANCE_RUNNING);
	else if (v->state == INSTANCE_RUNNING && v->crashes && !w->peace)
		vm_exit(w, v, 1, 0);
	else if (v->state == INSTANCE_RUNNING && v->kind != KIND_APP &&
	         (w->peace || world_chance(w, 30)))
		vm_exit(w, v, 0, 0);
}

void jail_lost(struct world *w)
{
	struct vm *v;

	if (!w->jail_up)
		return;
	w->jail_up = w->jail_known = false;
	notes_clear(&w->to_jail);
	notes_clear(&w->from_jail);
	list_each(v, &w->vms, link)
	{
		if (v->state != INSTANCE_STARTING || !world_chance(w, 40))
			continue;
		if (world_chance(w, 50)) {
			vm_exit(w, v, 0, SIGKILL);
		} else {
			list_del(&v->link);
			free(v);
		}
	}
}

void jail_tells_all(struct world *w)
{
	struct vm *v;

	w->jail_up = true;
	notes_clear(&w->from_jail);
	note_push(&w->from_jail, N_BEGIN);
	list_each(v, &w->vms, link) tell_state(w, v);
	note_push(&w->from_jail, N_END);
}

/* --- the router ----------------------------------------------------------- */

static void front_free(struct front *f)
{
	list_del(&f->link);
	free(f);
}

static void front_health(struct world *w, struct front *f)
{
	const struct vm *v = vm_find(w, f->id);
	struct note *n;

	if (!f->checked && (!v || !v->listens || v->state != INSTANCE_RUNNING))
		return;
	f->checked = true;
	n = note_push(&w->from_router, N_HEALTH);
	n->vm.id = f->id;
	n->state = v ? (int)v->status : 0;
}

static void front_drained(struct world *w, struct front *f)
{
	if (f->state == TARGET_DRAIN && !f->busy)
		note_push(&w->from_router, N_DRAINED)->vm.id = f->id;
}

static void router_target(struct world *w, const struct note *n)
{
	struct front *f = front_find(w, n->vm.id);

	if (!f) {
		f = xcalloc(1, sizeof(*f));
		f->id = n->vm.id;
		f->app = n->app;
		list_add(&w->fronts, &f->link);
	}
	f->stale = false;
	if (n->state == TARGET_SLEEP && f->busy) {
		note_push(&w->from_router, N_REFUSED)->ack = n->ack;
		return;
	}
	f->state = n->state;
	f->busy = n->state != TARGET_SLEEP && world_chance(w, 30);
	note_push(&w->from_router, N_ACK)->ack = n->ack;
	if (f->state == TARGET_CHECK && f->checked)
		front_health(w, f);
	front_drained(w, f);
}

void router_hears(struct world *w, const struct note *n)
{
	struct front *f = front_find(w, n->vm.id);

	switch (n->type) {
	case N_BEGIN:
		list_each(f, &w->fronts, link) f->stale = true;
		break;
	case N_END:
		list_each(f, &w->fronts, link)
		{
			if (f->stale)
				front_free(f);
		}
		break;
	case N_TARGET:
		router_target(w, n);
		break;
	case N_DROP:
		if (f)
			front_free(f);
		break;
	default:
		w->router_front[n->app] = n->state;
		w->router_watches[n->app] = n->freeze > 0;
		break;
	}
}

static bool is_busy(const struct world *w, uint64_t app)
{
	struct front *f;

	list_each(f, &w->fronts, link)
	{
		if (f->app == app && f->busy)
			return true;
	}
	return false;
}

void router_is_quiet(struct world *w, uint64_t app)
{
	if (!w->router_up || !w->router_watches[app] || is_busy(w, app))
		return;
	w->router_watches[app] = false;
	note_push(&w->from_router, N_QUIET)->app = app;
}

void router_calls(struct world *w, uint64_t app)
{
	if (w->router_up && w->router_front[app] == FRONT_ASLEEP)
		note_push(&w->from_router, N_CALLED)->app = app;
}

void front_lives(struct world *w, struct front *f)
{
	f->busy = !w->peace && f->state != TARGET_SLEEP && world_chance(w, 20);
	if (!w->peace && world_rnd(w, 300) == 0)
		note_push(&w->from_router, N_FAILED)->vm.id = f->id;
	if (f->state == TARGET_CHECK && !f->checked)
		front_health(w, f);
	front_drained(w, f);
}

void router_lost(struct world *w)
{
	struct front *f;

	w->router_up = w->router_told = false;
	list_each(f, &w->fronts, link) front_free(f);
	notes_clear(&w->to_router);
	notes_clear(&w->from_router);
	memset(w->router_front, 0, sizeof(w->router_front));
	memset(w->router_watches, 0, sizeof(w->router_watches));
	model_router_lost(&w->model, w->now);
}

/* --- web ------------------------------------------------------------------ */

static void web_wants(struct world *w, const struct wish *a, enum want_slot s)
{
	struct note *n;

	if (!w->web_up || !(s == WANT_NEXT ? a->next : a->live))
		return;
	n = note_push(&w->from_web, N_WANT);
	n->app = a->id;
	n->slot = s;
	n->release = s == WANT_NEXT ? a->next : a->live;
	n->generation = a->generation;
	n->web = a->web;
	n->worker = a->worker;
	n->freeze = a->freeze;
	n->stop = a->freeze ? a->stop : 0;
	n->exclusive = a->exclusive;
	str_copy(str_z(world_size(a->size)), n->size, sizeof(n->size));
}

static void web_drops_next(struct world *w, struct wish *a)
{
	struct note *n;

	a->next = 0;
	if (!w->web_up)
		return;
	n = note_push(&w->from_web, N_WANT_DROP);
	n->app = a->id;
	n->slot = WANT_NEXT;
}

void web_tells_all(struct world *w)
{
	w->web_up = true;
	notes_clear(&w->from_web);
	note_push(&w->from_web, N_BEGIN);
	for (int i = 0; i < APPS; i++) {
		web_wants(w, &w->wishes[i], WANT_LIVE);
		web_wants(w, &w->wishes[i], WANT_NEXT);
	}
	note_push(&w->from_web, N_END);
	for (int i = 0; i < APPS; i++) {
		if (w->wishes[i].gone)
			note_push(&w->from_web, N_GONE)->app = w->wishes[i].id;
	}
}

static void web_again(struct world *w, const struct wish *a)
{
	web_wants(w, a, WANT_LIVE);
	web_wants(w, a, WANT_NEXT);
}

/* Somebody does something to an app. */
void web_changes(struct world *w, struct wish *a)
{
	struct note *n;

	if (a->gone)
		return;
	switch (world_rnd(w, 9)) {
	case 8:
		a->freeze = world_chance(w, 60) ? 60000 : 0;
		a->stop = world_chance(w, 50) ? 120000 : 0;
		web_again(w, a);
		break;
	case 0:
	case 1:
		if (!a->next) {
			a->next = ++w->releases;
			web_wants(w, a, WANT_NEXT);
		}
		break;
	case 2:
		a->web = world_rnd(w, PLACES + 1);
		a->worker = world_rnd(w, PLACES + 1);
		web_again(w, a);
		break;
	case 3:
		a->generation++;
		web_again(w, a);
		break;
	case 4:
		if (a->next && world_chance(w, 30))
			web_drops_next(w, a);
		break;
	case 5:
		if (!w->web_up)
			break;
		n = note_push(&w->from_web, N_STOP);
		n->app = a->id;
		snprintf(n->name, sizeof(n->name), "%s.%" PRIu64,
		    world_chance(w, 60) ? "web" : "worker",
		    1 + world_rnd(w, PLACES));
		break;
	case 6: /* with a change of its number, or alone */
		a->size = (unsigned)world_rnd(w, 3);
		if (world_chance(w, 30))
			a->web = world_rnd(w, PLACES + 1);
		web_again(w, a);
		break;
	case 7:
		if (!world_chance(w, 15))
			break;
		a->gone = true;
		a->live = a->next = 0;
		if (w->web_up)
			note_push(&w->from_web, N_GONE)->app = a->id;
		break;
	}
}

void web_hears_end(struct world *w, const struct action *act, uint64_t id)
{
	struct wish *a = &w->wishes[id - 1];

	if (!w->web_up || a->next != act->release)
		return;
	if (act->act == ACT_LIVE) {
		w->lives++;
		a->live = a->next;
		web_wants(w, a, WANT_LIVE);
	} else {
		w->fails++;
	}
	web_drops_next(w, a);
}
