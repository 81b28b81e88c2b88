/*
 * audit - who did what to an app: a line of its history, in the transaction
 * of the change.
 *
 * Called by the files of web that change an app for an account.
 */
#pragma once
#include "store/store.h"
#include "web.h"

/* a is NULL for what concerns every app; detail may be "". */
int audit(struct web *w, const struct account *by, const struct app *a,
    const char *action, const char *detail, struct error *err);
