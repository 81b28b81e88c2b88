/*
 * net - what apps may reach: rules of egress, links; told to plan.
 *
 * A rule opens what is not the internet: of an app, or (app NULL) of all. A
 * link opens an app's processes to another one, under NAME.internal, and is
 * in its environment as NAME_URL unless it has a config var of that name.
 * Changes hold for what runs at once; a variable for what starts from now on.
 * Called by web/api, apps.c, want.c and peers.c.
 */
#pragma once
#include "base/buf.h"
#include "web.h"

void net_up(struct web *w); /* plan is there: all of it */
/* One app's, after any change. */
void net_tell(struct web *w, int64_t app);
/* The same of all that are linked to this one, whose name has changed. */
void net_tell_linked(struct web *w, int64_t to);

int net_allow(struct web *w, const struct account *by, const struct app *a,
    struct str text, struct egress_rule *ret, struct error *err);
/* By its text, in any form, or its uuid. */
int net_find(struct web *w, const struct app *a, struct str text,
    struct egress_rule *ret, struct error *err);
int net_deny(struct web *w, const struct account *by, const struct app *a,
    const struct egress_rule *rule, struct error *err);

int net_link(struct web *w, const struct account *by, const struct app *a,
    const struct app *to, struct link *ret, struct error *err);
int net_unlink(struct web *w, const struct account *by, const struct app *a,
    const struct link *l, struct error *err);

/* "DB_URL" of the app "db". */
void net_variable(const char *name, char out[40]);
/* Append what links add to the environment env of app. */
int net_env(struct web *w, int64_t app, struct buf *env, struct error *err);
