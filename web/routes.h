/*
 * routes - which host leads where, told to the router; and rendezvous.
 *
 * The platform answers at its own name, at api. and git. of it, and at
 * localhost; an app at NAME.apps_domain and at its own domains. An app in
 * maintenance is routed to us, and http says so.
 */
#pragma once
#include "ask.h"
#include "web.h"

void routes_up(struct web *w); /* the router is there: all of them */

/* Of one app, after any change of its name, domains or maintenance. */
void routes_put(struct web *w, const struct app *a);
/* Before its rows are removed: its name and its domains. */
void routes_drop(struct web *w, const struct app *a);
void routes_drop_name(struct web *w, const char *app);
void routes_drop_host(struct web *w, const char *host);

/* "NAME.apps_domain" */
void routes_host(const struct web *w, const char *app, char out[288]);
/* Is host one of the platform's own, as opposed to an app's? */
bool routes_is_own(const struct web *w, struct str host);
/* The app that answers at host. */
int routes_app(
    struct web *w, struct str host, struct app *ret, struct error *err);

/* Who presents secret within ms is joined to the instance; a OK comes. */
int routes_attach(struct web *w, struct ask *a, const char *secret,
    uint64_t instance, uint64_t ms, struct error *err);
