/* builder: the buildpacks of group.toml, with the plan of plan.toml. */
#include "files.h"
#include "inner/build.h"
#include "inner/buildenv.h"
#include "phases.h"

int build_phase(struct session *s, const json_t *analyzed, const json_t *group,
    json_t *plan, struct error *err)
{
	json_t *entries = json_object_get(plan, "entries");
	struct building b = {.life = &s->life,
	    .runner = &s->runner,
	    .all = &s->all,
	    .group = json_object_get(group, "group"),
	    .extensions = json_object_get(group, "group-extensions"),
	    .plan = entries ? json_incref(entries) : json_array()};
	enum built got;

	files_take_target(&s->life, analyzed);
	b.env = buildenv_new(&s->life);
	got = build_group(&b, err);
	json_decref(b.about);
	json_decref(b.plan);
	buildenv_free(b.env);
	if (got == BUILT)
		return 0;
	error_wrap(err, "build");
	return got == BUILD_REFUSED ? CODE_BUILD_REFUSED : CODE_BUILD;
}

int run_builder(struct session *s)
{
	struct error err = {0};
	json_t *analyzed =
	    files_read_some("analyzed", s->in.value[IN_ANALYZED], &err);
	json_t *group = analyzed ? files_group(s, &err) : NULL;
	json_t *plan =
	    group ? files_read("plan", s->in.value[IN_PLAN], &err) : NULL;
	int code =
	    plan ? build_phase(s, analyzed, group, plan, &err) : CODE_BUILD;

	json_decref(analyzed);
	json_decref(group);
	json_decref(plan);
	return code ? session_fail(s, code, &err) : 0;
}
