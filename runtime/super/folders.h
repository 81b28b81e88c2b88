/*
 * folders - the state and run folders: who owns what, and claiming them.
 *
 * Called by the holder (claim) and by super (make). Folder modes are the
 * platform's outer walls; the table in folders.c is the one place for them.
 */
#pragma once
#include "base/error.h"
#include "ipc/role.h"
#include "proc/settings.h"

#define RUN_ROOT "/run/paas"
#define SLOTS_MAX 64

/*
 * Make the state folder, lock it, choose a slot (the one it had, so that what
 * still runs is found again) and make the run folder; sets s->slot and s->run.
 * The locks last until the process ends.
 */
int folders_claim(struct settings *s, struct error *err);
/* A start that failed: leave nothing, but what an earlier run has left. */
void folders_unclaim(const struct settings *s);
/* The slot that this state folder last had, or -1. */
int folders_slot(const struct settings *s);

/* Every folder below state and run, with its owner and mode. */
int folders_make(
    const struct settings *s, const struct roles *roles, struct error *err);
/* Take the run folder away: all of it, or all but instances when keep. */
void folders_clear(const struct settings *s, bool keep);

/*
 * Where programs of this machine reach the platform: at localhost, if it
 * listens there, since tokens go in clear text over loopback alone.
 */
void folders_local_url(const struct settings *s, char ret[SETTINGS_URL_MAX]);
/*
 * STATE/client.env: make the owner's token on the first start. token gets
 * 43 characters and a NUL.
 */
int folders_client(const struct settings *s, char token[44], struct error *err);
