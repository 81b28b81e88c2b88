/*
 * apps - what is done to an app as a whole: made, renamed, scaled, removed.
 *
 * Each writes its rows, then tells the peers. Called by web/api.
 */
#pragma once
#include "web.h"

#define APP_DOMAINS_MAX 100
#define APP_COLLABORATORS_MAX 100

/* With an empty name one is made up. ERR_INVALID for a bad or taken one. */
int apps_create(struct web *w, const struct account *by, struct str name,
    struct app *ret, struct error *err);
int apps_rename(struct web *w, const struct account *by, struct app *a,
    struct str name, struct error *err);
int apps_maintain(struct web *w, const struct account *by, struct app *a,
    bool on, struct error *err);
int apps_destroy(struct web *w, const struct account *by, const struct app *a,
    struct error *err);
int apps_restart(struct web *w, const struct account *by, const struct app *a,
    struct error *err);

struct scale {
	struct str type;     /* or the formation's uuid */
	struct str quantity; /* "2", "+1", "-1"; empty: as it is */
	struct str size;     /* empty: as it is */
};

/* All of v or nothing. */
int apps_scale(struct web *w, const struct account *by, const struct app *a,
    const struct scale *v, size_t n, struct error *err);

void apps_size_uuid(const char *name, char out[37]);
/* A size by name or id (err names those there are), or NULL. */
const struct size *apps_size(
    const struct web *w, struct str name, struct error *err);
/* Is there such a size, and does the server have room for one of it? */
int apps_check_size(const struct web *w, struct str name, struct error *err);

int apps_add_collaborator(struct web *w, const struct account *by,
    const struct app *a, const struct account *who, struct error *err);
int apps_del_collaborator(struct web *w, const struct account *by,
    const struct app *a, const struct account *who, struct error *err);

/* When it may rest; plan is told. */
int apps_set_idle(struct web *w, const struct account *by, const struct app *a,
    const struct idle *i, struct error *err);

/* Whether its old processes end before its new ones start; plan is told. */
int apps_set_stop_first(struct web *w, const struct account *by,
    const struct app *a, bool on, struct error *err);

int apps_add_domain(struct web *w, const struct account *by,
    const struct app *a, struct str host, struct error *err);
int apps_del_domain(struct web *w, const struct account *by,
    const struct app *a, struct str host, struct error *err);
