#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"

int image_open(const char *path, struct image *ret, struct error *err)
{
	scoped_buf struct buf text = BUF_INIT(TOML_BYTES_MAX);

	*ret = (struct image){0};
	if (fd_read_file(AT_FDCWD, path, &text, err) == -1)
		return err->sys == ENOENT ? 0 : error_wrap(err, "image");
	return toml_parse(buf_str(&text), &ret->doc, err);
}

static const struct toml *top(const struct image *im, const char *key)
{
	return im->doc ? toml_get_as(toml_root(im->doc), key, TOML_ARRAY)
	               : NULL;
}

static const struct toml *find(const struct image *im, const char *type)
{
	toml_each(process, top(im, "processes"))
	{
		if (str_eqz(toml_get_str(process, "type"), type))
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

static int add_words(
    const struct toml *words, struct image_process *ret, int *n)
{
	toml_each(word, words)
	{
		if (*n == IMAGE_ARGS_MAX)
			return -1;
		ret->argv[(*n)++] = str_dup(word->text);
	}
	return 0;
}

int image_process(const struct image *im, const char *type, char *const *args,
    struct image_process *ret, struct error *err)
{
	const struct toml *process = find(im, type);
	struct str dir;
	int n = 0;

	if (!process)
		return no_such_type(im, type, err);
	*ret = (struct image_process){0};
	if (add_words(toml_get_as(process, "command", TOML_ARRAY), ret, &n))
		return error_set(err, ERR_LIMIT, "command of %.40s", type);
	if (!args[0] &&
	    add_words(toml_get_as(process, "args", TOML_ARRAY), ret, &n))
		return error_set(err, ERR_LIMIT, "arguments of %.40s", type);
	for (; *args && n < IMAGE_ARGS_MAX; args++)
		ret->argv[n++] = *args;
	if (n == 0)
		return error_set(err, ERR_INVALID,
		    "process type \"%.40s\" has no command", type);
	dir = toml_get_str(process, "working-dir");
	ret->dir = dir.len ? str_dup(dir) : NULL;
	return 0;
}

/* One layer: its bin and lib, then its env folders. */
static void apply_layer(struct env *env, const char *layer, const char *type)
{
	scoped_free char *bin = xasprintf("%s/bin", layer);
	scoped_free char *lib = xasprintf("%s/lib", layer);
	scoped_free char *both = xasprintf("%s/env", layer);
	scoped_free char *launch = xasprintf("%s/env.launch", layer);
	scoped_free char *own = xasprintf("%s/env.launch/%s", layer, type);

	env_prepend_path(env, STR("PATH"), bin);
	env_prepend_path(env, STR("LD_LIBRARY_PATH"), lib);
	env_apply_folder(env, both);
	env_apply_folder(env, launch);
	if (type[0])
		env_apply_folder(env, own);
}

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

void image_apply_layers(const struct image *im, const char *layers,
    const char *type, struct env *env)
{
	toml_each(buildpack, top(im, "buildpacks"))
	{
		scoped_free char *id = str_dup(toml_get_str(buildpack, "id"));
		scoped_free char *folder = NULL;
		struct dirent **names;
		int n;

		for (char *c = id; *c; c++)
			*c = *c == '/' ? '_' : *c;
		folder = xasprintf("%s/%s", layers, id);
		n = scandir(folder, &names, no_dots, alphasort);
		for (int i = 0; i < n; i++) {
			scoped_free char *layer =
			    xasprintf("%s/%s", folder, names[i]->d_name);

			apply_layer(env, layer, type);
			free(names[i]);
		}
		if (n >= 0)
			free(names);
	}
}
