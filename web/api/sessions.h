/*
 * sessions - log sessions: a secret address at which an app's log is read.
 *
 * The address says all itself, sealed with the store's key: it is good for
 * SESSION_MS, over a restart of web, too, and nothing is kept of it.
 */
#pragma once
#include "web.h"

#define SESSION_MS 300000
#define SESSION_TEXT 768 /* the longest address, with its end */

struct log_session {
	int64_t app;
	uint64_t lines, made_ms; /* real time */
	bool tail;
	char source[64], proc[129];
};

int sessions_make(struct web *w, const struct log_session *s,
    char secret[SESSION_TEXT], struct error *err);
/* What the address stands for; -1 when it is none, or an old one. */
int sessions_find(struct web *w, struct str secret, struct log_session *ret);
