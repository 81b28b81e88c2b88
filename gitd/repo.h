/*
 * repo - a repository that somebody is using: its name, its lane of pushes.
 *
 * Held by pushes and requests; forgotten when the last one lets go.
 */
#pragma once
#include <stdint.h>

#include "gitd.h"

struct repo {
	struct gitd *g;
	uint64_t id;    /* of the app; 0 when gitd serves alone */
	char name[160]; /* its folder in g->dir: "ID.git", "NAME.git" */
	char path[428];
	struct lane lane;
	unsigned holders;
};

/* The platform's repository with this id; made on disk if it is missing. */
struct repo *repo_of_app(struct gitd *g, uint64_t id, struct error *err);
/* Alone: DIR/NAME.git, which must be there. */
struct repo *repo_of_name(struct gitd *g, struct str name, struct error *err);
/* Alone: the repository in this folder of DIR, which is there. */
struct repo *repo_of_folder(struct gitd *g, const char *folder);
struct repo *repo_hold(struct repo *r);
void repo_leave(struct repo *r); /* NULL is fine */

/* Remove an app's repository for good. */
int repo_drop(struct gitd *g, uint64_t id, struct error *err);
