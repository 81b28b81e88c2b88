/* The OCI config of an image and its labels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "image.h"
#include "pack.h"

#define CREATED "1980-01-01T00:00:01Z"           /* PACK_TIME, as every file */
#define IMAGE_PATH "/cnb/process:/cnb/lifecycle" /* in front of the base's */
#define DEFAULT_TYPE "buildpack-default-process-type"
#define EXEC_ENV_SINCE 15 /* Platform API: a label tells the environment */

static json_t *sha(const char *digest)
{
	return json_sprintf("sha256:%s", digest);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- labels --------------------------------------------------------------- */

static json_t *label_modules(const json_t *list)
{
	static const char *const keys[] = {"id", "version", "homepage"};
	json_t *all = json_array(), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		json_array_append_new(all, image_only(item, keys, NELEM(keys)));
	}
	return all;
}

static json_t *label_processes(const struct life *l, const json_t *about)
{
	json_t *all = image_processes(l, about), *p;
	size_t i;

	json_array_foreach(all, i, p)
	{
		json_object_set(
		    p, "buildpackID", json_object_get(p, "buildpack-id"));
		json_object_del(p, "buildpack-id");
		if (!json_array_size(json_object_get(p, "args")))
			json_object_set_new(p, "args", json_null());
	}
	return all;
}

/* Label io.buildpacks.build.metadata. */
static json_t *label_build(const struct life *l, const json_t *about)
{
	const char *type = text_of(about, DEFAULT_TYPE);
	json_t *label = json_pack("{s:o, s:o, s:{s:s, s:{s:{s:s, s:s}}}}",
	    "buildpacks", label_modules(json_object_get(about, "buildpacks")),
	    "processes", label_processes(l, about), "launcher", "version",
	    LIFE_VERSION, "source", "git", "repository", "", "commit", "");

	if (json_array_size(json_object_get(about, "extensions")))
		json_object_set_new(label, "extensions",
		    label_modules(json_object_get(about, "extensions")));
	if (type[0])
		json_object_set_new(label, DEFAULT_TYPE, json_string(type));
	return label;
}

/* value (taken over) as text: labels have no other form. */
static void add_label(json_t *labels, const char *key, json_t *value)
{
	scoped_free char *text =
	    json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

	json_object_set_new(labels, key, json_string(text));
	json_decref(value);
}

static void add_labels(const struct life *l, json_t *labels,
    const json_t *about, const struct image_parts *parts)
{
	json_t *label;
	size_t i;

	add_label(labels, IMAGE_LABEL_LIFECYCLE, json_incref(parts->label));
	add_label(
	    labels, "io.buildpacks.build.metadata", label_build(l, about));
	add_label(labels, "io.buildpacks.project.metadata",
	    parts->project ? json_deep_copy(parts->project) : json_object());
	json_array_foreach(json_object_get(about, "labels"), i, label)
	{
		json_object_set(labels, text_of(label, "key"),
		    json_object_get(label, "value"));
	}
	if (l->api >= EXEC_ENV_SINCE && l->exec_env[0])
		json_object_set_new(
		    labels, "io.buildpacks.exec-env", json_string(l->exec_env));
}

void image_created(char out[32])
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	uint64_t seconds = PACK_TIME;
	struct tm tm;
	time_t at;

	if (epoch && !str_u64(str_z(epoch), UINT32_MAX, &seconds))
		seconds = PACK_TIME;
	at = (time_t)seconds;
	if (gmtime_r(&at, &tm))
		(void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* --- the OCI config ------------------------------------------------------- */

/* Set KEY=value in a list of them. */
static void set_env(json_t *env, const char *key, const char *value)
{
	json_t *made = json_sprintf("%s=%s", key, value), *item;
	size_t n = strlen(key), i;

	json_array_foreach(env, i, item)
	{
		const char *s = json_string_value(item);

		if (s && strncmp(s, key, n) == 0 && s[n] == '=') {
			json_array_set_new(env, i, made);
			return;
		}
	}
	json_array_append_new(env, made);
}

static const char *get_env(const json_t *env, const char *key)
{
	size_t n = strlen(key), i;
	json_t *item;

	json_array_foreach(env, i, item)
	{
		const char *s = json_string_value(item);

		if (s && strncmp(s, key, n) == 0 && s[n] == '=')
			return s + n + 1;
	}
	return "";
}

static void add_env(const struct life *l, json_t *env)
{
	scoped_free char *path =
	    xasprintf("%s:%s", IMAGE_PATH, get_env(env, "PATH"));
	char api[16];

	snprintf(api, sizeof(api), "0.%u", l->api);
	set_env(env, "CNB_LAYERS_DIR", l->layers);
	set_env(env, "CNB_APP_DIR", l->app);
	set_env(env, "CNB_PLATFORM_API", api);
	set_env(env, "CNB_DEPRECATION_MODE", "quiet");
	set_env(env, "PATH", path);
}

/* The member of an object, made when it is not there. */
static json_t *member(json_t *object, const char *key, json_t *otherwise)
{
	json_t *v = json_object_get(object, key);

	if (v && json_typeof(v) == json_typeof(otherwise)) {
		json_decref(otherwise);
		return v;
	}
	json_object_set_new(object, key, otherwise);
	return otherwise;
}

/* What the base's history says, without times and layers that are none. */
static void clean_history(json_t *history)
{
	for (size_t i = json_array_size(history); i-- > 0;) {
		json_t *item = json_array_get(history, i);

		if (json_is_true(json_object_get(item, "empty_layer")))
			json_array_remove(history, i);
		else
			json_object_set_new(
			    item, "created", json_string(CREATED));
	}
}

/* What an older builder wrote of the container it worked in. */
static void clean_config(json_t *root, json_t *config)
{
	static const char *const keys[] = {"AttachStderr", "AttachStdin",
	    "AttachStdout", "Domainname", "Hostname", "Image", "OnBuild",
	    "OpenStdin", "StdinOnce", "Tty", "User", "Volumes"};

	json_object_del(root, "container");
	json_object_del(root, "container_config");
	json_object_del(root, "docker_version");
	for (size_t i = 0; i < NELEM(keys); i++) {
		const json_t *v = json_object_get(config, keys[i]);
		const char *text = json_string_value(v);

		if (!v || json_is_null(v) || json_is_false(v) ||
		    (text && (!text[0] || strcmp(keys[i], "Image") == 0)))
			json_object_del(config, keys[i]);
	}
}

static void add_layers(json_t *root, const json_t *layers)
{
	json_t *ids = member(
	    member(root, "rootfs", json_object()), "diff_ids", json_array());
	json_t *history = member(root, "history", json_array()), *item;
	size_t i;

	clean_history(history);
	/* a base without a history gets an empty entry for each layer */
	if (json_array_size(history) == 0)
		json_array_foreach(ids, i, item)
		    json_array_append_new(history, json_object());
	json_array_foreach(layers, i, item)
	{
		json_array_append_new(ids, sha(text_of(item, "digest")));
		json_array_append_new(
		    history, json_pack("{s:s, s:s}", "created", CREATED,
		                 "created_by", text_of(item, "by")));
	}
}

static void add_start(
    const struct life *l, json_t *config, const struct image_parts *parts)
{
	json_t *entry;

	if (!parts->launcher) {
		/* the platform's own instances: it is mounted */
		entry = json_string("/cnb/lifecycle/launcher");
		json_object_set_new(config, "Cmd",
		    parts->type[0] ? json_pack("[s]", parts->type)
		                   : json_array());
	} else {
		entry = parts->type[0]
		            ? json_sprintf("/cnb/process/%s", parts->type)
		            : json_string("/cnb/lifecycle/launcher");
		json_object_del(config, "Cmd");
	}
	json_object_set_new(config, "Entrypoint", json_pack("[o]", entry));
	json_object_set_new(config, "WorkingDir", json_string(l->app));
	if (parts->user)
		json_object_set_new(config, "User", json_string(parts->user));
}

char *image_config(
    const struct life *l, const json_t *about, const struct image_parts *parts)
{
	json_t *root = json_deep_copy(parts->base), *config;
	char created[32], *text;

	image_created(created);
	config = member(root, "config", json_object());
	json_object_set_new(root, "created", json_string(created));
	clean_config(root, config);
	add_env(l, member(config, "Env", json_array()));
	add_labels(l, member(config, "Labels", json_object()), about, parts);
	add_start(l, config, parts);
	add_layers(root, parts->layers);
	text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	return text;
}
