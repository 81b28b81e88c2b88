/*
 * sessions - log sessions: a secret address at which an app's log is read.
 *
 * In memory: a client whose session is lost asks for another one. A session
 * ends SESSION_MS after it was last used.
 */
#pragma once
#include "web.h"

#define SESSION_MS 300000
#define SESSIONS_MAX 1024 /* then the oldest goes */

struct log_session {
	struct list item;
	char secret[44];
	int64_t app;
	uint64_t lines, used_ms;
	bool tail;
	char source[64], proc[129];
};

struct log_sessions *sessions_new(void);
/* Keep a copy of s under a fresh secret. */
const struct log_session *sessions_add(
    struct web *w, const struct log_session *s);
/* The one with this secret, used now; NULL: there is none. */
const struct log_session *sessions_use(struct web *w, struct str secret);
