/* detector: which group of buildpacks takes the app; group and plan files. */
#include <stdlib.h>

#include "files.h"
#include "inner/buildenv.h"
#include "inner/detect.h"

#define SYSTEM_SINCE 15 /* Platform API: system.toml */

static int write_results(
    struct session *s, const struct detection *d, struct error *err)
{
	json_t *group = json_pack("{s:O}", "group", d->group);
	json_t *plan = json_pack("{s:O}", "entries", d->plan);
	int done = -1;

	/* an empty list would be written as one; the file stays empty */
	if (json_array_size(d->plan) == 0)
		json_object_clear(plan);
	if (json_array_size(d->extensions))
		json_object_set(group, "group-extensions", d->extensions);
	if (files_write("group", s->in.value[IN_GROUP], group, err) == 0)
		done = files_write("plan", s->in.value[IN_PLAN], plan, err);
	json_decref(group);
	json_decref(plan);
	return done;
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

static int decide(struct session *s, enum detected got,
    const struct detection *d, struct error *err)
{
	switch (got) {
	case DETECT_FOUND:
		return write_results(s, d, err) == -1 ? CODE_DETECT : 0;
	case DETECT_NONE:
	case DETECT_BROKEN:
		life_say(&s->life, LEVEL_ERROR,
		    "No buildpack groups passed detection.");
		life_say(&s->life, LEVEL_ERROR,
		    "Please check that you are running against the correct "
		    "path.");
		error_set(err, ERR_NOT_FOUND,
		    got == DETECT_NONE
		        ? "detect: no buildpacks participating"
		        : "detect: buildpack(s) failed with err");
		return got == DETECT_NONE ? CODE_DETECT_NONE
		                          : CODE_DETECT_BROKEN;
	default:
		error_wrap(err, "detect");
		return CODE_DETECT;
	}
}

static int detect_with(
    struct session *s, const json_t *order, struct error *err)
{
	struct env *env = buildenv_new(&s->life);
	struct detection d = {0};
	int code = decide(
	    s, detect(&s->runner, &s->all, order, env, &d, err), &d, err);

	detection_release(&d);
	buildenv_free(env);
	return code;
}

int run_detector(struct session *s)
{
	struct error err = {0};
	json_t *order = read_order(s, &err), *analyzed;
	int code = CODE_DETECT;

	if (!order)
		return session_fail(s, code, &err);
	analyzed = files_read_some("analyzed", s->in.value[IN_ANALYZED], &err);
	if (analyzed) {
		files_take_target(&s->life, analyzed);
		code = detect_with(s, order, &err);
	}
	json_decref(analyzed);
	json_decref(order);
	return code ? session_fail(s, code, &err) : 0;
}
