#include "slices.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/map.h"
#include "base/mem.h"
#include "tree.h"

#define SLICES_MAX 62 /* one bit of a mark each, and the rest */
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct slices {
	char *app; /* without the slash in front */
	const json_t *list;
	size_t n, chosen;
	/*
	 * path below the app -> a bit for the slice it is in, and for those
	 * that something below it is in
	 */
	struct map *marks;
	struct error *err;
};

static uint64_t mark_of(const struct slices *s, const char *path)
{
	return (uint64_t)(uintptr_t)map_get(s->marks, str_z(path));
}

static void set_mark(struct slices *s, const char *path, uint64_t mark)
{
	(void)map_set(s->marks, str_z(path), (void *)(uintptr_t)mark);
}

/* The first slice with a glob that fits: 1..n, 0. */
static size_t match(const struct slices *s, const char *path)
{
	json_t *slice, *glob;
	size_t i, k;

	json_array_foreach(s->list, i, slice)
	{
		json_array_foreach(json_object_get(slice, "paths"), k, glob)
		{
			const char *g = json_string_value(glob);

			while (g && strncmp(g, "./", 2) == 0)
				g += 2;
			if (g && fnmatch(g, path, FNM_PATHNAME) == 0)
				return i + 1;
		}
	}
	return 0;
}

/* Mark all below dir; inherited: the slice of the folder. */
static int walk(struct slices *s, int dir, const char *above, size_t inherited,
    int depth, uint64_t *ret_marks)
{
	scoped_names struct tree_names names = {0};

	if (depth > TREE_DEPTH_MAX)
		return error_set(s->err, ERR_LIMIT, "folders more than %d deep",
		    TREE_DEPTH_MAX);
	if (tree_names(dir, &names, s->err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scoped_free char *path =
		    above[0] ? xasprintf("%s/%s", above, names.v[i])
		             : xstrdup(names.v[i]);
		scoped_fd int sub = openat(dir, names.v[i], OPEN_DIR);
		size_t slice = inherited ? inherited : match(s, path);
		uint64_t marks = slice ? UINT64_C(1) << slice : 0;

		if (sub != -1 &&
		    walk(s, sub, path, slice, depth + 1, &marks) == -1)
			return -1;
		/* a folder that is all in slices is none of the rest's */
		if (!marks)
			marks = 1;
		set_mark(s, path, marks);
		*ret_marks |= marks;
	}
	return 0;
}

struct slices *slices_new(
    const char *app, const json_t *list, struct error *err)
{
	scoped_fd int dir = open(app, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct slices *s;
	uint64_t all = 0;

	if (dir == -1)
		return error_sys(err, "open %s", app), NULL;
	if (json_array_size(list) > SLICES_MAX)
		return error_set(err, ERR_LIMIT, "%zu slices; the limit is %d",
		           json_array_size(list), SLICES_MAX),
		       NULL;
	s = xcalloc(1, sizeof(*s));
	s->app = xstrdup(app + 1);
	s->list = list;
	s->n = json_array_size(list);
	s->marks = map_new();
	s->err = err;
	if (s->n == 0 || walk(s, dir, "", 0, 0, &all) == 0)
		return s;
	slices_free(s);
	return NULL;
}

void slices_free(struct slices *s)
{
	if (!s)
		return;
	map_free(s->marks);
	free(s->app);
	free(s);
}

size_t slices_count(const struct slices *s)
{
	return s->n;
}

void slices_choose(struct slices *s, size_t slice)
{
	s->chosen = slice;
}

bool slices_want(void *slices, const char *path)
{
	const struct slices *s = slices;
	size_t n = strlen(s->app);

	if (s->n == 0 || strncmp(path, s->app, n) != 0 || path[n] != '/')
		return true; /* the app's own folder, and those above */
	return mark_of(s, path + n + 1) & (UINT64_C(1) << s->chosen);
}
