#include "launch.h"

#include <string.h>

#include "base/mem.h"

#define ARRAY_SINCE 9 /* Buildpack API 0.9: commands are arrays */
#define DEFAULT_TYPE "buildpack-default-process-type"

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- one process ---------------------------------------------------------- */

static int check_array(const json_t *from, const char *type, struct error *err)
{
	if (json_object_get(from, "direct"))
		return error_set(err, ERR_INVALID,
		    "process \"%.40s\": direct is not supported since "
		    "Buildpack API 0.9",
		    type);
	if (!json_is_array(json_object_get(from, "command")))
		return error_set(err, ERR_INVALID,
		    "process \"%.40s\": the command is no list of words", type);
	return 0;
}

/* The form since 0.9 of what may be an older one; NULL. */
static json_t *process_of(
    const struct buildpack *bp, const json_t *from, struct error *err)
{
	static const char *const keys[] = {"type", "working-dir", "exec-env"};
	const json_t *command = json_object_get(from, "command");
	const json_t *args = json_object_get(from, "args");
	bool direct = json_is_true(json_object_get(from, "direct"));
	json_t *p;

	if (bp->api >= ARRAY_SINCE &&
	    check_array(from, text_of(from, "type"), err) == -1)
		return NULL;
	if (bp->api < ARRAY_SINCE && !json_is_string(command))
		return error_set(err, ERR_INVALID,
		           "process \"%.40s\": the command is no text, as it "
		           "has to be before Buildpack API 0.9",
		           text_of(from, "type")),
		       NULL;
	p = json_object();
	for (size_t i = 0; i < NELEM(keys); i++)
		if (json_object_get(from, keys[i]))
			json_object_set(
			    p, keys[i], json_object_get(from, keys[i]));
	json_object_set_new(p, "command",
	    bp->api >= ARRAY_SINCE ? json_deep_copy(command)
	                           : json_pack("[O]", command));
	json_object_set_new(p, "args",
	    json_is_array(args) ? json_deep_copy(args) : json_array());
	json_object_set_new(
	    p, "direct", json_boolean(bp->api >= ARRAY_SINCE || direct));
	json_object_set_new(p, "buildpack-id", json_string(bp->id));
	return p;
}

/* --- all of them ---------------------------------------------------------- */

/* Sorted by type; of two the later one counts. */
static void put_process(json_t *list, json_t *p)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		int order = strcmp(text_of(item, "type"), text_of(p, "type"));

		if (order < 0)
			continue;
		if (order == 0)
			json_array_set_new(list, i, p);
		else
			json_array_insert_new(list, i, p);
		return;
	}
	json_array_append_new(list, p);
}

/* The last one marked counts, unless a later one of its type is not. */
static void put_default(const struct life *l, json_t *about,
    const struct buildpack *bp, const json_t *from)
{
	const char *type = text_of(from, "type");

	if (json_is_true(json_object_get(from, "default"))) {
		json_object_set_new(about, DEFAULT_TYPE, json_string(type));
	} else if (strcmp(text_of(about, DEFAULT_TYPE), type) == 0) {
		life_say(l, LEVEL_WARN,
		    "redefining the following default process type with a "
		    "process not marked as default: [%s], by %s",
		    type, bp->id);
		json_object_del(about, DEFAULT_TYPE);
	}
}

static json_t *list_of(json_t *about, const char *key)
{
	json_t *list = json_object_get(about, key);

	if (!list) {
		list = json_array();
		json_object_set_new(about, key, list);
	}
	return list;
}

int launch_add(const struct life *l, json_t *about, const struct buildpack *bp,
    const json_t *file, struct error *err)
{
	json_t *processes = list_of(about, "processes"), *item, *p;
	size_t i;

	json_array_foreach(json_object_get(file, "processes"), i, item)
	{
		if (!json_is_string(json_object_get(item, "type")))
			return error_set(err, ERR_INVALID,
			    "launch.toml of %s: a process has no type", bp->id);
		p = process_of(bp, item, err);
		if (!p)
			return error_wrap(err, "launch.toml of %s", bp->id);
		put_default(l, about, bp, item);
		put_process(processes, p);
	}
	json_array_extend(
	    list_of(about, "labels"), json_object_get(file, "labels"));
	json_array_extend(
	    list_of(about, "slices"), json_object_get(file, "slices"));
	return 0;
}
