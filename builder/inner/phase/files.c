#include "files.h"

#include <string.h>

#include "inner/convert.h"

json_t *files_read(const char *what, const char *path, struct error *err)
{
	json_t *file = convert_path(path, err);

	if (!file)
		error_wrap(err, "read %s file", what);
	return file;
}

json_t *files_read_some(const char *what, const char *path, struct error *err)
{
	struct error why = {0};
	json_t *file = files_read(what, path, &why);

	if (file)
		return file;
	if (why.code == ERR_NOT_FOUND)
		return json_object();
	*err = why;
	return NULL;
}

int files_write(
    const char *what, const char *path, const json_t *value, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);

	convert_table(&text, "", value);
	if (text.bad)
		return error_set(err, ERR_LIMIT,
		    "write %s file: it has more than %u bytes", what,
		    TOML_BYTES_MAX);
	if (convert_write(path, buf_str(&text), err) == -1)
		return error_wrap(err, "write %s file", what);
	return 0;
}

/* --- group.toml ----------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static int check_element(struct session *s, const json_t *e, struct error *err)
{
	const char *api = text_of(e, "api");

	if (!text_of(e, "id")[0])
		return error_set(
		    err, ERR_INVALID, "read group file: a buildpack has no id");
	if (life_api(api, BUILDPACK_API_NEWEST))
		return 0;
	return life_fail(&s->life, CODE_BUILDPACK_API, err,
	    "parse buildpack API '%.40s' for buildpack '%.60s@%.40s': it is "
	    "none of 0.%d to 0.%d",
	    api, text_of(e, "id"), text_of(e, "version"), API_OLDEST,
	    BUILDPACK_API_NEWEST);
}

json_t *files_group(struct session *s, struct error *err)
{
	json_t *file = files_read("group", s->in.value[IN_GROUP], err), *e;
	size_t i;

	if (!file)
		return NULL;
	if (!json_is_array(json_object_get(file, "group")))
		json_object_set_new(file, "group", json_array());
	json_array_foreach(json_object_get(file, "group"), i, e)
	{
		if (check_element(s, e, err) == -1) {
			json_decref(file);
			return NULL;
		}
	}
	return file;
}

/* --- analyzed.toml -------------------------------------------------------- */

static void take(const json_t *from, const char *key, char *out, size_t size)
{
	const char *s = text_of(from, key);

	if (s[0])
		str_copy(str_z(s), out, size);
}

void files_take_target(struct life *l, const json_t *analyzed)
{
	const json_t *target =
	    json_object_get(json_object_get(analyzed, "run-image"), "target");
	const json_t *distro = json_object_get(target, "distro");
	struct target *t = &l->target;

	take(target, "os", t->os, sizeof(t->os));
	take(target, "arch", t->arch, sizeof(t->arch));
	take(target, "arch-variant", t->variant, sizeof(t->variant));
	take(target, "variant", t->variant, sizeof(t->variant));
	take(distro, "name", t->distro, sizeof(t->distro));
	take(distro, "version", t->distro_version, sizeof(t->distro_version));
}

/* --- names of the run image ----------------------------------------------- */

#define RUN_TOML_SINCE 12 /* Platform API */

static bool has_text(const json_t *list, const char *want)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *s = json_string_value(item);

		if (s && strcmp(s, want) == 0)
			return true;
	}
	return false;
}

/* The entry that names the image, itself or as a mirror; else the first. */
static const json_t *find_image(const json_t *images, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(images, i, item)
	{
		if (strcmp(text_of(item, "image"), name) == 0 ||
		    has_text(json_object_get(item, "mirrors"), name))
			return item;
	}
	return json_array_get(images, 0);
}

void files_add_run_names(
    struct session *s, json_t *run, const char *name, json_t *label)
{
	bool since = s->life.api >= RUN_TOML_SINCE;
	struct error none = {0};
	json_t *file = files_read_some(since ? "run" : "stack",
	    s->in.value[since ? IN_RUN : IN_STACK], &none);
	const json_t *image =
	    since ? find_image(json_object_get(file, "images"), name)
	          : json_object_get(file, "run-image");
	json_t *names = json_object();

	if (image)
		json_object_set_new(
		    names, "image", json_string(text_of(image, "image")));
	else if (since && name[0])
		json_object_set_new(names, "image", json_string(name));
	if (json_object_get(image, "mirrors"))
		json_object_set(
		    names, "mirrors", json_object_get(image, "mirrors"));
	if (since)
		json_object_update(run, names);
	json_object_set_new(
	    label, "stack", json_pack("{s:o}", "runImage", names));
	json_decref(file);
}
