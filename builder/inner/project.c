#include "project.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "convert.h"
#include "tree.h"

#define NAME "project.toml"
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- reading -------------------------------------------------------------- */

static int check(const json_t *file, const json_t *bp, struct error *err)
{
	const char *schema =
	    text_of(json_object_get(file, "_"), "schema-version");

	if (bp && strcmp(schema, "0.2") != 0)
		return error_set(err, ERR_INVALID,
		    NAME ": schema-version is \"%.20s\"; write [_] "
		         "schema-version = \"0.2\"",
		    schema);
	if (json_object_get(bp, "include") && json_object_get(bp, "exclude"))
		return error_set(err, ERR_INVALID,
		    NAME ": include and exclude can't be used together");
	return 0;
}

int project_read(int app, json_t **ret, struct error *err)
{
	struct error why = {0};
	json_t *file = convert_file(app, NAME, &why), *bp;

	*ret = NULL;
	if (!file && why.code == ERR_NOT_FOUND)
		return 0;
	if (!file) {
		*err = why;
		return -1;
	}
	bp = json_object_get(json_object_get(file, "io"), "buildpacks");
	if (check(file, bp, err) == -1) {
		json_decref(file);
		return -1;
	}
	*ret = json_is_object(bp) ? json_incref(bp) : NULL;
	json_decref(file);
	return 0;
}

/* --- include, exclude ----------------------------------------------------- */

/* Does a pattern in the form of .gitignore fit the path itself? */
static bool fits(const char *pattern, const char *path, bool folder)
{
	scoped_free char *p =
	    xstrdup(pattern[0] == '/' ? pattern + 1 : pattern);
	size_t n = strlen(p);
	const char *base = strrchr(path, '/');

	if (n && p[n - 1] == '/') {
		if (!folder)
			return false;
		p[--n] = '\0';
	}
	/* without a slash inside it is about names at any depth */
	if (pattern[0] != '/' && !strchr(p, '/'))
		return fnmatch(p, base ? base + 1 : path, 0) == 0;
	if (strncmp(p, "**/", 3) == 0 &&
	    fnmatch(p + 3, base ? base + 1 : path, 0) == 0)
		return true;
	return fnmatch(p, path, strstr(p, "**") ? 0 : FNM_PATHNAME) == 0;
}

/* The last pattern that fits decides; '!' in front takes it back. */
static bool listed(
    const json_t *patterns, const char *path, bool folder, bool inherited)
{
	json_t *item;
	size_t i;

	json_array_foreach(patterns, i, item)
	{
		const char *p = json_string_value(item);
		bool not = p && p[0] == '!';

		if (p && p[0] && fits(p + not, path, folder))
			inherited = !not ;
	}
	return inherited;
}

struct filter {
	const json_t *patterns;
	bool keep; /* what is listed stays; else it goes */
	struct error *err;
};

/* Remove from dir what does not count. *ret_left: something stayed. */
static int filter_in(struct filter *f, int dir, const char *above,
    bool inherited, int depth, bool *ret_left)
{
	scoped_names struct tree_names names = {0};

	if (depth > TREE_DEPTH_MAX)
		return error_set(f->err, ERR_LIMIT, "folders more than %d deep",
		    TREE_DEPTH_MAX);
	if (tree_names(dir, &names, f->err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scoped_free char *path =
		    above[0] ? xasprintf("%s/%s", above, names.v[i])
		             : xstrdup(names.v[i]);
		scoped_fd int sub = openat(dir, names.v[i], OPEN_DIR);
		bool is = listed(f->patterns, path, sub != -1, inherited);
		bool left = is == f->keep;

		if (sub != -1 &&
		    filter_in(f, sub, path, is, depth + 1, &left) == -1)
			return -1;
		if (!left && tree_remove(dir, names.v[i], f->err) == -1)
			return -1;
		*ret_left |= left;
	}
	return 0;
}

int project_filter(int app, const json_t *project, struct error *err)
{
	const json_t *include = json_object_get(project, "include"),
	             *exclude = json_object_get(project, "exclude");
	struct filter f = {.patterns = include ? include : exclude,
	    .keep = include != NULL,
	    .err = err};
	bool left = false;

	if (!f.patterns)
		return 0;
	if (filter_in(&f, app, "", false, 0, &left) == -1)
		return error_wrap(err, NAME);
	return 0;
}

/* --- build.env ------------------------------------------------------------ */

int project_env(const char *platform, const json_t *project, struct error *err)
{
	scoped_fd int dir = open(platform, OPEN_DIR);
	json_t *item;
	size_t i;

	json_array_foreach(
	    json_object_get(json_object_get(project, "build"), "env"), i, item)
	{
		const char *name = text_of(item, "name"),
		           *value = text_of(item, "value");
		scoped_free char *path = xasprintf("env/%s", name);
		struct stat st;
		int there;

		if (!name_config_key(str_z(name)))
			return error_set(err, ERR_INVALID,
			    NAME ": build.env: \"%.60s\" is no name of a "
			         "variable",
			    name);
		there = tree_stat(dir, path, &st, err);
		if (there == -1 ||
		    (there == 0 &&
		        tree_write(dir, path, str_z(value), 0644, err) == -1))
			return error_wrap(err, NAME ": build.env");
	}
	return 0;
}

/* --- buildpacks ----------------------------------------------------------- */

/* A script becomes a buildpack that takes every app. */
static int write_script(const char *dir, const json_t *item,
    const json_t *script, struct error *err)
{
	const char *shell = text_of(script, "shell");
	scoped_fd int to = -1;
	scoped_buf struct buf about = BUF_INIT(4096);
	scoped_free char *build = xasprintf("#!%s\n%s\n",
	    shell[0] ? shell : "/bin/sh", text_of(script, "inline"));

	buf_addz(&about, "api = ");
	toml_add_string(&about, str_z(text_of(script, "api")));
	buf_addz(&about, "\n[buildpack]\nid = ");
	toml_add_string(&about, str_z(text_of(item, "id")));
	buf_addz(&about, "\nversion = ");
	toml_add_string(
	    &about, str_z(text_of(item, "version")[0] ? text_of(item, "version")
	                                              : "0.0.1"));
	buf_addc(&about, '\n');
	if (about.bad)
		return error_set(err, ERR_LIMIT, "its names are too long");
	if (mkdir(dir, 0755) == -1 || (to = open(dir, OPEN_DIR)) == -1)
		return error_sys(err, "make %s", dir);
	if (tree_write(to, "buildpack.toml", buf_str(&about), 0644, err) ==
	        -1 ||
	    tree_write(to, "bin/detect", STR("#!/bin/sh\n"), 0755, err) == -1)
		return -1;
	return tree_write(to, "bin/build", str_z(build), 0755, err);
}

/* A folder of the app's own, and no way out of it. */
static char *folder_of(const struct life *l, const char *uri, struct error *err)
{
	struct str rest, part;

	while (strncmp(uri, "./", 2) == 0)
		uri += 2;
	for (rest = str_z(uri); str_split(&rest, '/', &part);)
		if (part.len == 0 || str_eqz(part, "..") || strchr(uri, ':')) {
			error_set(err, ERR_INVALID,
			    "uri \"%.80s\" is no folder of the app; put the "
			    "buildpack into the repository",
			    uri);
			return NULL;
		}
	return xasprintf("%s/%s", l->app, uri);
}

/* The buildpack of one entry, as an element of a group; NULL. */
static json_t *element_of(struct buildpacks *all, const char *tmp, size_t i,
    const json_t *item, struct error *err)
{
	const json_t *script = json_object_get(item, "script");
	const char *uri = text_of(item, "uri"), *id = text_of(item, "id"),
	           *version = text_of(item, "version");
	scoped_free char *dir = NULL;
	struct buildpack *bp = NULL;

	if (script) {
		dir = xasprintf("%s/%zu", tmp, i);
		if (write_script(dir, item, script, err) == 0)
			bp = buildpacks_load(all, dir, err);
	} else if (uri[0]) {
		dir = folder_of(all->life, uri, err);
		if (dir)
			bp = buildpacks_load(all, dir, err);
	} else {
		bp = buildpacks_find(
		    all, id, version[0] ? version : NULL, false, err);
	}
	if (!bp)
		return NULL;
	return json_pack("{s:s, s:s, s:b}", "id", bp->id, "version",
	    bp->version, "optional",
	    json_is_true(json_object_get(item, "optional")));
}

/* The entries of a list of the project's, one after the other; NULL. */
static json_t *elements(struct buildpacks *all, const char *tmp, size_t *made,
    const json_t *list, struct error *err)
{
	json_t *group = json_array(), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		json_t *e = element_of(all, tmp, (*made)++, item, err);

		if (!e) {
			json_decref(group);
			error_wrap(err, NAME);
			return NULL;
		}
		json_array_append_new(group, e);
	}
	return group;
}

static void surround(json_t *order, const json_t *pre, const json_t *post)
{
	json_t *group;
	size_t i;

	json_array_foreach(json_object_get(order, "order"), i, group)
	{
		json_t *all = json_array();

		json_array_extend(all, (json_t *)pre);
		json_array_extend(all, json_object_get(group, "group"));
		json_array_extend(all, (json_t *)post);
		json_object_set_new(group, "group", all);
	}
}

int project_order(struct buildpacks *all, const char *tmp,
    const json_t *project, json_t *order, struct error *err)
{
	size_t made = 0;
	json_t *own =
	    elements(all, tmp, &made, json_object_get(project, "group"), err);
	json_t *pre =
	    own ? elements(all, tmp, &made,
	              json_object_get(json_object_get(project, "pre"), "group"),
	              err)
	        : NULL;
	json_t *post = pre ? elements(all, tmp, &made,
	                         json_object_get(
	                             json_object_get(project, "post"), "group"),
	                         err)
	                   : NULL;

	if (post && json_array_size(own))
		json_object_set_new(
		    order, "order", json_pack("[{s:O}]", "group", own));
	if (post)
		surround(order, pre, post);
	json_decref(own);
	json_decref(pre);
	json_decref(post);
	return post ? 0 : -1;
}
