/*
 * drains - the addresses that an app's log is sent to.
 *
 * The rows are the store's; logd, which reads the lines, is told of each and
 * gets all when it connects. An address may hold a password: it is shown to
 * who may see the app's secrets, and is in no log, audit or error text.
 */
#pragma once
#include "web.h"

/* ERR_INVALID says what is wrong with url. */
int drains_add(struct web *w, const struct account *by, const struct app *a,
    struct str url, struct log_drain *ret, struct error *err);
/* By id, token or address. */
int drains_find(struct web *w, const struct app *a, struct str key,
    struct log_drain *ret, struct error *err);
int drains_del(struct web *w, const struct account *by, const struct app *a,
    const struct log_drain *d, struct error *err);
void drains_up(struct web *w); /* logd is there */
