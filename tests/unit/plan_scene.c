#include "plan_scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

int scene_open(void **state)
{
	struct scene *s = xcalloc(1, sizeof(*s));

	model_init(&s->model);
	s->app = model_app(&s->model, 7);
	s->free = UINT64_MAX;
	s->did = (struct buf)BUF_INIT(65536);
	s->env = (struct step_env){.now_ms = 1000,
	    .random = 20, /* 100 % of a back-off */
	    .jail = true,
	    .router = true,
	    .wants = true,
	    .web = true,
	    .boot_ms = BOOT,
	    .drain_ms = DRAIN,
	    .stop_ms = STOP,
	    .memory = 512u << 20};
	*state = s;
	return 0;
}

int scene_close(void **state)
{
	struct scene *s = *state;

	model_release(&s->model);
	actions_release(&s->acts);
	buf_release(&s->did);
	free(s);
	return 0;
}

static void note(struct scene *s, const struct action *a)
{
	static const char *const verbs[] = {[ACT_START] = "start",
	    [ACT_GIVE_UP] = "give-up",
	    [ACT_SIGNAL] = "term",
	    [ACT_KILL] = "kill",
	    [ACT_LOOK] = "look",
	    [ACT_REMOVE] = "remove",
	    [ACT_TARGET] = "target",
	    [ACT_TARGET_DROP] = "drop",
	    [ACT_ROOM] = "first",
	    [ACT_LIVE] = "live",
	    [ACT_FAILED] = "failed",
	    [ACT_EXITED] = "exited",
	    [ACT_APP_DROP] = "app-drop"};
	static const char *const targets[] = {"check", "serve", "drain"};
	const struct inst *in = model_inst(&s->model, a->instance);

	if (a->act == ACT_STATE || a->act == ACT_FRONT ||
	    a->act == ACT_ROOM_ASK ||
	    (a->act == ACT_ROOM && a->state == ROOM_BESIDE))
		return; /* tests look at told and front */
	buf_addf(&s->did, "%s%s", s->did.len ? "; " : "", verbs[a->act]);
	if (in)
		buf_addf(&s->did, " %s", in->name);
	else if (a->ptype[0])
		buf_addf(&s->did, " %s.%" PRIu64, a->ptype, a->num);
	if (a->release)
		buf_addf(&s->did, " v%" PRIu64, a->release);
	if (a->act == ACT_TARGET)
		buf_addf(&s->did, " %s", targets[a->state]);
	if (a->act == ACT_EXITED && a->crash)
		buf_addf(&s->did, " crash %" PRIu64, a->delay_ms);
	if ((a->act == ACT_FAILED || a->act == ACT_LIVE) && a->text[0])
		buf_addf(&s->did, " (%s)", a->text);
}

/* Let plan do all that there is to do. */
const char *scene_turn(struct scene *s)
{
	buf_clear(&s->did);
	for (int round = 0; round < 50; round++) {
		actions_clear(&s->acts);
		s->wake = step_app(s->app, &s->env, &s->acts);
		if (s->acts.n == 0)
			return buf_z(&s->did);
		for (size_t i = 0; i < s->acts.n; i++) {
			const struct action *a = &s->acts.v[i];
			uint64_t id =
			    a->act == ACT_START ? ++s->last_id : a->instance;

			note(s, a);
			apply(&s->model, s->app, a, &s->env, id, 5);
			if (a->act == ACT_ROOM_ASK)
				app_room(&s->model, s->app, s->free);
		}
	}
	fail_msg("no end of actions");
	return NULL;
}

void scene_want(struct scene *s, enum want_slot slot, uint64_t release,
    uint64_t generation, uint64_t web, uint64_t worker)
{
	struct want w;

	want_init(&w);
	w.release = release;
	w.generation = generation;
	w.ntypes = 2;
	w.types = xcalloc(2, sizeof(*w.types));
	w.types[0] = (struct want_type){.name = "web", .quantity = web};
	w.types[1] = (struct want_type){.name = "worker", .quantity = worker};
	app_want(s->app, slot, &w, s->env.now_ms);
}

/* The newest with this name and release; alive or not. */
struct inst *scene_inst(struct scene *s, const char *name, uint64_t release)
{
	struct inst *in, *found = NULL;

	list_each(in, &s->app->insts, of_app)
	{
		if (strcmp(in->name, name) == 0 && in->release == release &&
		    (!found || in->id > found->id))
			found = in;
	}
	assert_non_null(found);
	return found;
}

void inst_runs(struct scene *s, struct inst *in)
{
	inst_state(in, INST_RUNNING, s->env.now_ms, 5, 0);
}

void inst_ends(struct inst *in, uint64_t code, uint64_t signal)
{
	struct ending e = {.code = code, .signal = signal};

	inst_exited(in, &e, 5);
}

void inst_answers(struct inst *in, unsigned status)
{
	in->checked = true;
	in->status = status;
}

/* From nothing to v1 serving with one web process. */
void scene_serve_v1(struct scene *s)
{
	struct inst *in;

	scene_want(s, WANT_LIVE, 1, 1, 1, 0);
	assert_turn(s, "start web.1 v1");
	in = scene_inst(s, "web.1", 1);
	inst_runs(s, in);
	assert_turn(s, "target web.1 v1 check");
	inst_answers(in, 200);
	assert_turn(s, "target web.1 v1 serve");
	in->acked = true;
	assert_turn(s, "");
	s->app->live_status = 200;
	assert_int_equal(in->told, DYNO_UP);
	assert_int_equal(s->app->front, FRONT_HOLD);
}

/* What jail was known to run is told again: by this, as running. */
struct inst *scene_adopt(
    struct scene *s, const char *ptype, uint64_t release, uint64_t generation)
{
	struct inst *in =
	    model_add(&s->model, s->app, ++s->last_id, KIND_APP, INST_ASKED);

	in->release = release;
	in->generation = generation;
	in->num = 1;
	snprintf(in->ptype, sizeof(in->ptype), "%s", ptype);
	snprintf(in->name, sizeof(in->name), "%s.1", ptype);
	in->adopted = true;
	inst_runs(s, in);
	return in;
}

struct inst *scene_oneoff(struct scene *s, enum instance_kind kind)
{
	struct inst *in =
	    model_add(&s->model, s->app, ++s->last_id, kind, INST_WAITING);

	in->job = in->id;
	in->owned = inst_is_job(in);
	snprintf(in->name, sizeof(in->name), "run.1");
	return in;
}
