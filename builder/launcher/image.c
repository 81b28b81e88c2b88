#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"

#define EXEC_ENV_SINCE 15 /* Platform API: processes for some environments */
#define ARRAY_SINCE 10    /* the same: commands are lists, args replaceable */
#define REPLACE_SINCE 9   /* Buildpack API: a user's args replace its own */

int image_open(struct image *im, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);
	scoped_free char *path =
	    xasprintf("%s/config/metadata.toml", im->layers);

	im->doc = NULL;
	if (fd_read_file(AT_FDCWD, path, &text, err) == -1)
		return err->code == ERR_NOT_FOUND
		           ? 0
		           : error_wrap(err, "read metadata");
	if (toml_parse(buf_str(&text), &im->doc, err) == -1)
		return error_wrap(err, "read metadata: %s", path);
	return 0;
}

static const struct toml *top(const struct image *im, const char *key)
{
	return im->doc ? toml_get_as(toml_root(im->doc), key, TOML_ARRAY)
	               : NULL;
}

/* --- processes ------------------------------------------------------------ */

static bool is_for(const struct image *im, const struct toml *process)
{
	const struct toml *list = toml_get_as(process, "exec-env", TOML_ARRAY);

	if (im->api < EXEC_ENV_SINCE || !list || !list->first)
		return true;
	toml_each(item, list)
	{
		if (str_eqz(item->text, "*") ||
		    str_eqz(item->text, im->exec_env))
			return true;
	}
	return false;
}

static const struct toml *find(const struct image *im, const char *type)
{
	toml_each(process, top(im, "processes"))
	{
		if (str_eqz(toml_get_str(process, "type"), type) &&
		    is_for(im, process))
			return process;
	}
	return NULL;
}

bool image_has(const struct image *im, const char *type)
{
	return find(im, type) != NULL;
}

static int no_such_type(
    const struct image *im, const char *type, struct error *err)
{
	scoped_buf struct buf types = BUF_INIT(120);

	toml_each(process, top(im, "processes"))
	{
		buf_addz(&types, " ");
		buf_add(&types, toml_get_str(process, "type"));
	}
	return error_set(err, ERR_NOT_FOUND,
	    "the image has no process type \"%.40s\"; it has:%s", type,
	    types.len ? buf_z(&types) : " none");
}

int image_add_arg(struct image_process *p, const char *word, struct error *err)
{
	if (p->n == IMAGE_ARGS_MAX)
		return error_set(err, ERR_LIMIT,
		    "a command has more than %d words", IMAGE_ARGS_MAX);
	p->argv[p->n++] = xstrdup(word);
	return 0;
}

static int add_words(
    const struct toml *words, struct image_process *p, struct error *err)
{
	if (words && words->type == TOML_STRING) {
		scoped_free char *one = str_dup(words->text);

		return image_add_arg(p, one, err);
	}
	toml_each(word, words)
	{
		scoped_free char *one = str_dup(word->text);

		if (image_add_arg(p, one, err) == -1)
			return -1;
	}
	return 0;
}

/* The Buildpack API that the process was written for; 0 when unknown. */
static unsigned api_of(const struct image *im, const struct toml *process)
{
	struct str id = toml_get_str(process, "buildpack-id");
	uint64_t minor;

	toml_each(bp, top(im, "buildpacks"))
	{
		struct str api = toml_get_str(bp, "api");

		if (str_eq(toml_get_str(bp, "id"), id) &&
		    str_starts(api, STR("0.")) &&
		    str_u64(str_sub(api, 2, api.len), 1000, &minor))
			return (unsigned)minor;
	}
	return 0;
}

/* Do the user's args take the place of the process's own? */
static bool replaces(
    const struct image *im, const struct toml *process, int command)
{
	if (im->api < ARRAY_SINCE)
		return false;
	return command > 1 || api_of(im, process) >= REPLACE_SINCE ||
	       !toml_get_str(process, "buildpack-id").len;
}

int image_process(const struct image *im, const char *type, char *const *args,
    struct image_process *ret, struct error *err)
{
	const struct toml *process = find(im, type), *direct;
	struct str dir;

	if (!process)
		return no_such_type(im, type, err);
	*ret = (struct image_process){.type = type};
	if (add_words(toml_get(process, "command"), ret, err) == -1)
		return -1;
	if (ret->n == 0)
		return error_set(err, ERR_INVALID,
		    "process type \"%.40s\" has no command", type);
	if ((!args[0] || !replaces(im, process, ret->n)) &&
	    add_words(toml_get_as(process, "args", TOML_ARRAY), ret, err) == -1)
		return -1;
	for (; *args; args++)
		if (image_add_arg(ret, *args, err) == -1)
			return -1;
	/* where nothing is said, as before there was the word: not for bash */
	direct = toml_get_as(process, "direct", TOML_BOOLEAN);
	ret->shell = direct && !direct->boolean;
	dir = toml_get_str(process, "working-dir");
	ret->dir = dir.len ? str_dup(dir) : NULL;
	return 0;
}

/* --- layers --------------------------------------------------------------- */

static int no_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_dir(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Call fn for what stands in folder, sorted; folders alone, or all but. */
static int each_in(const char *folder, bool folders,
    int (*fn)(void *arg, const char *path), void *arg)
{
	struct dirent **names;
	int n = scandir(folder, &names, no_dots, by_bytes), done = 0;

	for (int i = 0; i < n; i++) {
		scoped_free char *path =
		    xasprintf("%s/%s", folder, names[i]->d_name);

		if (done == 0 && is_dir(path) == folders)
			done = fn(arg, path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return done;
}

/*
 * Call fn for each layer of each buildpack, in the group's order; then, if
 * it is not NULL, then for each layer of that buildpack again.
 */
static int each_layer(const struct image *im,
    int (*fn)(void *arg, const char *path),
    int (*then)(void *arg, const char *path), void *arg)
{
	toml_each(buildpack, top(im, "buildpacks"))
	{
		scoped_free char *id = str_dup(toml_get_str(buildpack, "id"));
		scoped_free char *folder = NULL;

		for (char *c = id; *c; c++)
			*c = *c == '/' ? '_' : *c;
		folder = xasprintf("%s/%s", im->layers, id);
		if (each_in(folder, true, fn, arg) == -1 ||
		    (then && each_in(folder, true, then, arg) == -1))
			return -1;
	}
	return 0;
}

struct applying {
	struct env *env;
	const char *type;
};

static int add_root(void *arg, const char *layer)
{
	struct applying *a = arg;
	scoped_free char *bin = xasprintf("%s/bin", layer);
	scoped_free char *lib = xasprintf("%s/lib", layer);

	env_prepend_path(a->env, STR("PATH"), bin);
	env_prepend_path(a->env, STR("LD_LIBRARY_PATH"), lib);
	return 0;
}

static int add_files(void *arg, const char *layer)
{
	struct applying *a = arg;
	scoped_free char *both = xasprintf("%s/env", layer);
	scoped_free char *launch = xasprintf("%s/env.launch", layer);
	scoped_free char *own = xasprintf("%s/env.launch/%s", layer, a->type);

	env_apply_folder(a->env, both, STR("override"));
	env_apply_folder(a->env, launch, STR("override"));
	if (a->type[0])
		env_apply_folder(a->env, own, STR("override"));
	return 0;
}

void image_apply_layers(
    const struct image *im, const char *type, struct env *env)
{
	struct applying a = {env, type};

	(void)each_layer(im, add_root, add_files, &a);
}

struct visiting {
	const char *sub, *type;
	int (*fn)(void *arg, const char *path);
	void *arg;
};

static int visit_layer(void *arg, const char *layer)
{
	struct visiting *v = arg;
	scoped_free char *all = xasprintf("%s/%s", layer, v->sub);
	scoped_free char *own = xasprintf("%s/%s/%s", layer, v->sub, v->type);

	if (each_in(all, false, v->fn, v->arg) == -1)
		return -1;
	return v->type[0] ? each_in(own, false, v->fn, v->arg) : 0;
}

int image_each_file(const struct image *im, const char *sub, const char *type,
    int (*fn)(void *arg, const char *path), void *arg)
{
	struct visiting v = {sub, type, fn, arg};

	return each_layer(im, visit_layer, NULL, &v);
}
