/* detector: which group of buildpacks takes the app; group and plan files. */
#include <stdlib.h>

#include "files.h"
#include "inner/buildenv.h"
#include "inner/detect.h"
#include "phases.h"

#define SYSTEM_SINCE 15 /* Platform API: system.toml */

static void take_results(
    const struct detection *d, json_t **ret_group, json_t **ret_plan)
{
	*ret_group = json_pack("{s:O}", "group", d->group);
	if (json_array_size(d->extensions))
		json_object_set(*ret_group, "group-extensions", d->extensions);
	/* an empty list would be written as one; the file stays empty */
	*ret_plan = json_array_size(d->plan)
	                ? json_pack("{s:O}", "entries", d->plan)
	                : json_object();
}

/* The order with the system's buildpacks around each group. */
static json_t *read_order(struct session *s, struct error *err)
{
	json_t *order = order_read(s->in.value[IN_ORDER], err), *system;

	if (!order) {
		error_wrap(err, "initialize detector: reading order: failed to "
		                "read order file");
		return NULL;
	}
	if (json_array_size(json_object_get(order, "order-extensions")))
		goto extensions;
	if (s->life.api < SYSTEM_SINCE)
		return order;
	system = files_read_some("system", s->in.value[IN_SYSTEM], err);
	if (system)
		detect_add_system(&s->life, order, system);
	json_decref(system);
	return system ? order : (json_decref(order), NULL);

extensions:
	error_set(err, ERR_INVALID,
	    "initialize detector: reading order: image extensions are not "
	    "supported; remove [[order-extensions]] from %.100s",
	    s->in.value[IN_ORDER]);
	json_decref(order);
	return NULL;
}

static int decide(struct session *s, enum detected got, struct error *err)
{
	if (got == DETECT_FOUND)
		return 0;
	if (got == DETECT_ERROR) {
		error_wrap(err, "detect");
		return CODE_DETECT;
	}
	life_say(
	    &s->life, LEVEL_ERROR, "No buildpack groups passed detection.");
	life_say(&s->life, LEVEL_ERROR,
	    "Please check that you are running against the correct path.");
	error_set(err, ERR_NOT_FOUND, "detect: %s",
	    got == DETECT_NONE ? "no buildpacks participating"
	                       : "buildpack(s) failed with err");
	return got == DETECT_NONE ? CODE_DETECT_NONE : CODE_DETECT_BROKEN;
}

int detect_phase(struct session *s, const json_t *analyzed, json_t **ret_group,
    json_t **ret_plan, struct error *err)
{
	json_t *order = read_order(s, err);
	struct detection d = {0};
	struct env *env;
	int code;

	if (!order)
		return CODE_DETECT;
	files_take_target(&s->life, analyzed);
	env = buildenv_new(&s->life);
	code = decide(s, detect(&s->runner, &s->all, order, env, &d, err), err);
	if (code == 0)
		take_results(&d, ret_group, ret_plan);
	detection_release(&d);
	buildenv_free(env);
	json_decref(order);
	return code;
}

int run_detector(struct session *s)
{
	struct error err = {0};
	json_t *analyzed =
	    files_read_some("analyzed", s->in.value[IN_ANALYZED], &err);
	json_t *group = NULL, *plan = NULL;
	int code = CODE_DETECT;

	if (analyzed)
		code = detect_phase(s, analyzed, &group, &plan, &err);
	if (code == 0 &&
	    (files_write("group", s->in.value[IN_GROUP], group, &err) == -1 ||
	        files_write("plan", s->in.value[IN_PLAN], plan, &err) == -1))
		code = CODE_DETECT;
	json_decref(analyzed);
	json_decref(group);
	json_decref(plan);
	return code ? session_fail(s, code, &err) : 0;
}
