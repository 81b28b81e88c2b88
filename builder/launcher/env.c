#include "env.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"

static int env_find(const struct env *env, struct str key)
{
	for (int i = 0; i < env->n; i++) {
		struct str item = str_z(env->items[i]);

		if (item.len > key.len && item.p[key.len] == '=' &&
		    str_eq(str_sub(item, 0, key.len), key))
			return i;
	}
	return -1;
}

const char *env_get(const struct env *env, struct str key)
{
	int i = env_find(env, key);

	return i == -1 ? NULL : env->items[i] + key.len + 1;
}

void env_unset(struct env *env, struct str key)
{
	int i = env_find(env, key);

	if (i == -1)
		return;
	free(env->items[i]);
	env->n--;
	memmove(env->items + i, env->items + i + 1,
	    sizeof(env->items[0]) * (size_t)(env->n - i));
	env->items[env->n] = NULL;
}

void env_set(struct env *env, struct str key, struct str value)
{
	char *item = xmalloc(key.len + value.len + 2);
	int i = env_find(env, key);

	memcpy(item, key.p, key.len);
	item[key.len] = '=';
	memcpy(item + key.len + 1, value.p, value.len);
	item[key.len + 1 + value.len] = '\0';
	if (i != -1) {
		free(env->items[i]);
		env->items[i] = item;
	} else if (env->n < ENV_MAX) {
		env->items[env->n++] = item;
		env->items[env->n] = NULL;
	} else {
		free(item);
	}
}

static bool is_fixed(struct str key, const char *const *fixed)
{
	for (; *fixed; fixed++) {
		if (str_eqz(key, *fixed))
			return true;
	}
	return false;
}

void env_add_items(
    struct env *env, struct str items, char separator, const char *const *fixed)
{
	struct str item;

	while (str_split(&items, separator, &item)) {
		ssize_t eq = str_find(item, '=');
		struct str key = str_sub(item, 0, eq > 0 ? (size_t)eq : 0);

		if (eq > 0 && !is_fixed(key, fixed))
			env_set(
			    env, key, str_sub(item, (size_t)eq + 1, item.len));
	}
}

/* The content of file name in folder dir; empty when it can't be read. */
static struct str read_value(
    const char *dir, struct str name, const char *suffix, struct buf *mem)
{
	scoped_free char *path =
	    xasprintf("%s/" STR_FMT "%s", dir, STR_ARG(name), suffix);
	struct error err;

	buf_clear(mem);
	if (fd_read_file(AT_FDCWD, path, mem, &err) == -1 ||
	    (mem->len && memchr(mem->p, '\0', mem->len)))
		return STR("");
	return buf_str(mem);
}

static void join(struct env *env, struct str key, struct str first,
    struct str delim, struct str second)
{
	scoped_buf struct buf joined = BUF_INIT(2 * ENV_VALUE_MAX);

	buf_add(&joined, first);
	if (first.len > 0 && second.len > 0)
		buf_add(&joined, delim);
	buf_add(&joined, second);
	if (!joined.bad)
		env_set(env, key, buf_str(&joined));
}

static void apply_file(
    struct env *env, const char *dir, struct str file, struct str otherwise)
{
	scoped_buf struct buf value_mem = BUF_INIT(ENV_VALUE_MAX);
	scoped_buf struct buf delim_mem = BUF_INIT(256);
	ssize_t dot = str_find(file, '.');
	struct str key = dot == -1 ? file : str_sub(file, 0, (size_t)dot);
	struct str op =
	    dot == -1 ? otherwise : str_sub(file, (size_t)dot + 1, file.len);
	struct str value = read_value(dir, file, "", &value_mem), delim;
	const char *old = env_get(env, key);

	if (key.len == 0 || str_find(key, '=') != -1)
		return;
	delim = read_value(dir, key, ".delim", &delim_mem);
	if (str_eqz(op, "override"))
		env_set(env, key, value);
	else if (str_eqz(op, "default") && (!old || !old[0]))
		env_set(env, key, value);
	else if (str_eqz(op, "append"))
		join(env, key, str_z(old), delim, value);
	else if (str_eqz(op, "prepend"))
		join(env, key, value, delim, str_z(old));
}

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

void env_apply_folder(struct env *env, const char *path, struct str otherwise)
{
	struct dirent **names;
	int n = scandir(path, &names, no_dots, by_bytes);

	for (int i = 0; i < n; i++) {
		scoped_free char *file =
		    xasprintf("%s/%s", path, names[i]->d_name);
		struct stat st;

		if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
			apply_file(
			    env, path, str_z(names[i]->d_name), otherwise);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

void env_prepend_path(struct env *env, struct str key, const char *dir)
{
	struct stat st;

	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		join(env, key, str_z(dir), STR(":"), str_z(env_get(env, key)));
}
