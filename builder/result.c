#include "result.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/name.h"

#define COMMAND_MAX 32768
#define BUILDPACK_MAX 128
#define MS_MAX (UINT64_C(1) << 40)

static int bad(struct error *err, const char *what)
{
	return error_set(err, ERR_INVALID, "the report has a bad %s", what);
}

/* --- texts ---------------------------------------------------------------- */

/* The string at key without NULs in it, NULL otherwise. */
static const char *text_at(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);
	const char *s = json_string_value(v);

	return s && strlen(s) == json_string_length(v) ? s : NULL;
}

/* One printable line, cut to fit. */
static void take_line(const char *from, char *out, size_t size)
{
	str_copy(str_z(from), out, size);
	for (char *c = out; *c; c++)
		*c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
}

static bool take_name(
    const char *from, bool (*grammar)(struct str s), char *out, size_t size)
{
	if (!from || strlen(from) >= size || !grammar(str_z(from)))
		return false;
	str_copy(str_z(from), out, size);
	return true;
}

/* --- parts ---------------------------------------------------------------- */

static int take_error(const json_t *root, struct result *r, struct error *err)
{
	const json_t *e = json_object_get(root, "error");

	if (!e)
		return 0;
	if (!take_name(
	        text_at(e, "kind"), name_size, r->kind, sizeof(r->kind)) ||
	    !text_at(e, "text"))
		return bad(err, "error");
	take_line(text_at(e, "text"), r->text, sizeof(r->text));
	return 0;
}

static int take_stage(const json_t *item, struct result *r)
{
	struct stage *s = &r->stages[r->nstages++];
	json_int_t ms = json_integer_value(json_object_get(item, "ms"));

	s->ms = ms < 0 ? 0 : (uint64_t)ms;
	s->cached = json_is_true(json_object_get(item, "cached"));
	return s->ms < MS_MAX && take_name(text_at(item, "name"), name_size,
	                             s->name, sizeof(s->name))
	           ? 0
	           : -1;
}

static int take_layer(const json_t *item, struct result *r)
{
	return take_name(json_string_value(item), name_sha256,
	           r->layers[r->nlayers++], DIGEST_SIZE)
	           ? 0
	           : -1;
}

static int take_put(const json_t *item, struct result *r)
{
	struct put *p = &r->puts[r->nputs++];

	return take_name(text_at(item, "digest"), name_sha256, p->digest,
	           DIGEST_SIZE) &&
	               take_name(text_at(item, "name"), name_layer, p->name,
	                   sizeof(p->name))
	           ? 0
	           : -1;
}

static int take_process(const json_t *item, struct result *r)
{
	struct process *p = &r->processes[r->nprocesses++];
	const char *command = text_at(item, "command");

	if (!command || strlen(command) > COMMAND_MAX ||
	    !take_name(
	        text_at(item, "type"), name_ptype, p->type, sizeof(p->type)))
		return -1;
	p->command = xstrdup(command);
	return 0;
}

static int take_buildpack(const json_t *item, struct result *r)
{
	const char *id = json_string_value(item);

	if (!id || strlen(id) > BUILDPACK_MAX)
		return -1;
	r->buildpacks[r->nbuildpacks++] = xstrdup(id);
	return 0;
}

static const struct list_row {
	const char *key;
	size_t most;
	int (*add)(const json_t *item, struct result *r);
} lists[] = {
    {"stages", RESULT_STAGES_MAX, take_stage},
    {"layers", RESULT_LAYERS_MAX, take_layer},
    {"puts", RESULT_LAYERS_MAX, take_put},
    {"processes", RESULT_PROCESSES_MAX, take_process},
    {"buildpacks", RESULT_BUILDPACKS_MAX, take_buildpack},
};

static int take_list(const json_t *root, const struct list_row *row,
    struct result *r, struct error *err)
{
	const json_t *list = json_object_get(root, row->key), *item;
	size_t i;

	if (list && (!json_is_array(list) || json_array_size(list) > row->most))
		return bad(err, row->key);
	json_array_foreach(list, i, item)
	{
		if (row->add(item, r) == -1)
			return bad(err, row->key);
	}
	return 0;
}

static int take_app_json(
    const json_t *root, struct result *r, struct error *err)
{
	const char *text = text_at(root, "app_json");

	if (!json_object_get(root, "app_json"))
		return 0;
	if (!text || strlen(text) > RESULT_APP_JSON_MAX)
		return bad(err, "app_json");
	r->app_json = xstrdup(text);
	return 0;
}

/* -------------------------------------------------------------------------- */

static int take_all(const json_t *root, struct result *r, struct error *err)
{
	if (!json_is_object(root))
		return bad(err, "form");
	r->layers = xcalloc(RESULT_LAYERS_MAX, sizeof(*r->layers));
	r->puts = xcalloc(RESULT_LAYERS_MAX, sizeof(*r->puts));
	r->processes = xcalloc(RESULT_PROCESSES_MAX, sizeof(*r->processes));
	r->buildpacks = xcalloc(RESULT_BUILDPACKS_MAX, sizeof(char *));
	if (take_error(root, r, err) == -1)
		return -1;
	for (size_t i = 0; i < NELEM(lists); i++)
		if (take_list(root, &lists[i], r, err) == -1)
			return -1;
	if (json_object_get(root, "image") &&
	    !take_name(text_at(root, "image"), name_sha256, r->image,
	        sizeof(r->image)))
		return bad(err, "image");
	return take_app_json(root, r, err);
}

int result_parse(struct str text, struct result *ret, struct error *err)
{
	json_t *root = NULL;
	int done;

	*ret = (struct result){0};
	if (text.len <= RESULT_BYTES_MAX)
		root = json_loadb(text.p ? text.p : "", text.len,
		    JSON_REJECT_DUPLICATES, NULL);
	done = take_all(root, ret, err);
	json_decref(root);
	if (done == -1)
		result_release(ret);
	return done;
}

void result_release(struct result *r)
{
	for (size_t i = 0; i < r->nprocesses; i++)
		free(r->processes[i].command);
	for (size_t i = 0; i < r->nbuildpacks; i++)
		free(r->buildpacks[i]);
	free(r->layers);
	free(r->puts);
	free(r->processes);
	free(r->buildpacks);
	free(r->app_json);
	*r = (struct result){0};
}
