#include "repo.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/name.h"
#include "repodir.h"

static struct repo *get(struct gitd *g, const char *name, uint64_t id)
{
	struct repo *r = map_get(g->repos, str_z(name));

	if (r)
		return repo_hold(r);
	r = xcalloc(1, sizeof(*r));
	r->g = g;
	r->id = id;
	r->holders = 1;
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->path, sizeof(r->path), "%s/%s", g->dir, name);
	(void)map_set(g->repos, str_z(name), r);
	return r;
}

struct repo *repo_of_app(struct gitd *g, uint64_t id, struct error *err)
{
	char name[40];

	snprintf(name, sizeof(name), "%" PRIu64 ".git", id);
	if (repodir_create(g->dir_fd, name, err) == -1)
		return NULL;
	return get(g, name, id);
}

struct repo *repo_of_name(struct gitd *g, struct str name, struct error *err)
{
	char folder[160];

	snprintf(folder, sizeof(folder), STR_FMT ".git", STR_ARG(name));
	if (!name_layer(name) || !repodir_exists(g->dir_fd, folder)) {
		error_set(err, ERR_NOT_FOUND, "no repository of this name");
		return NULL;
	}
	return get(g, folder, 0);
}

struct repo *repo_of_folder(struct gitd *g, const char *folder)
{
	return get(g, folder, 0);
}

struct repo *repo_hold(struct repo *r)
{
	r->holders++;
	return r;
}

void repo_leave(struct repo *r)
{
	if (!r || --r->holders)
		return;
	(void)map_del(r->g->repos, str_z(r->name));
	free(r);
}

int repo_drop(struct gitd *g, uint64_t id, struct error *err)
{
	char name[40];

	snprintf(name, sizeof(name), "%" PRIu64 ".git", id);
	return repodir_remove(g->dir_fd, name, err);
}
