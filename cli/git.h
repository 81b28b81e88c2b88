/*
 * git - what the CLI asks of, and tells, the stock git client.
 */
#pragma once
#include <stdbool.h>

#include "api.h"
#include "base/buf.h"
#include "base/error.h"
#include "cli.h"
#include "url_base.h"

/* Is the current folder in a repository? */
bool git_inside(void);
/*
 * Add a remote for the app at the platform base, and let the CLI give git
 * the token, in this repository only. ERR_EXISTS: the name is another app's.
 */
int git_connect(
    const char *remote, const char *base, const char *app, struct error *err);
/* Remove each remote that leads to this app. */
void git_disconnect(const char *base, const char *app);

/* --- the app that a command is about -------------------------------------- */

struct target {
	char app[64];
	char base[URL_BASE_MAX]; /* behind the remote, or "" */
};

/*
 * By --app, PAAS_APP, or a git remote; else a usage error. And the platform
 * it is at: *ret_api is the caller's to free.
 */
int target_open(
    struct cli *c, struct target *ret, struct api **ret_api, struct error *err);
