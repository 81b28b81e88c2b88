#include "launch.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define ARRAY_SINCE 9 /* Buildpack API 0.9: commands are arrays */
#define SCRIPT_MAX (64 * 1024)

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- older commands ------------------------------------------------------- */

/*
 * Before 0.9 a command was one string, by default for bash: alone it is a
 * script; with arguments each word is evaluated once and then executed.
 */
static json_t *shell_command(const char *command, const json_t *args)
{
	scoped_buf struct buf script = BUF_INIT(SCRIPT_MAX);
	json_t *words;

	if (json_array_size(args) == 0)
		return json_pack("[s, s, s]", "bash", "-c", command);
	buf_addz(&script, "exec");
	for (size_t i = 0; i <= json_array_size(args); i++)
		buf_addf(&script, " \"$(eval echo \\\"${%zu}\\\")\"", i);
	if (script.bad)
		return NULL;
	words =
	    json_pack("[s, s, s, s]", "bash", "-c", buf_z(&script), command);
	json_array_extend(words, (json_t *)args);
	return words;
}

/* Turn it into the form since 0.9. */
static void modernise(json_t *process)
{
	json_t *args = json_object_get(process, "args"), *words;
	const char *command = text_of(process, "command");

	if (json_is_true(json_object_get(process, "direct"))) {
		words = json_pack("[s]", command);
		if (json_is_array(args))
			json_array_extend(words, args);
	} else {
		words = shell_command(command, args);
	}
	json_object_set_new(process, "command", words);
	json_object_del(process, "args");
}

/* --- processes ------------------------------------------------------------ */

static json_t *process_of(const struct buildpack *bp, const json_t *from)
{
	static const char *const keys[] = {
	    "type", "command", "args", "default", "working-dir", "direct"};
	json_t *p = json_object();

	for (size_t i = 0; i < NELEM(keys); i++)
		if (json_object_get(from, keys[i]))
			json_object_set(
			    p, keys[i], json_object_get(from, keys[i]));
	if (bp->api < ARRAY_SINCE)
		modernise(p);
	json_object_del(p, "direct");
	json_object_set_new(p, "buildpack-id", json_string(bp->id));
	return p;
}

static void clear_default(const json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) json_object_del(item, "default");
}

static void put_process(json_t *list, json_t *p)
{
	json_t *item;
	size_t i;

	if (json_is_true(json_object_get(p, "default")))
		clear_default(list);
	else
		json_object_del(p, "default");
	json_array_foreach(list, i, item)
	{
		if (strcmp(text_of(item, "type"), text_of(p, "type")) == 0) {
			json_array_set_new(list, i, p);
			return;
		}
	}
	json_array_append_new(list, p);
}

/* -------------------------------------------------------------------------- */

static json_t *list_of(json_t *about, const char *key)
{
	json_t *list = json_object_get(about, key);

	if (!list) {
		list = json_array();
		json_object_set_new(about, key, list);
	}
	return list;
}

int launch_add(json_t *about, const struct buildpack *bp, const json_t *file,
    struct error *err)
{
	json_t *processes = list_of(about, "processes"),
	       *labels = list_of(about, "labels"), *item;
	size_t i;

	json_array_foreach(json_object_get(file, "processes"), i, item)
	{
		if (!json_is_string(json_object_get(item, "type")))
			return error_set(err, ERR_INVALID,
			    "launch.toml of %s: a process has no type", bp->id);
		put_process(processes, process_of(bp, item));
	}
	json_array_foreach(json_object_get(file, "labels"), i, item)
	{
		json_array_append(labels, item);
	}
	return 0;
}
