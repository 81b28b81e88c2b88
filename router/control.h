/*
 * control - router.sock: what web, plan and logd say and are told.
 *
 * web sends hosts and rendezvous secrets, plan instances; logd takes log
 * lines. Nothing here is needed to carry requests: while one of them is
 * away, what it said last holds.
 */
#pragma once
#include <stdint.h>

#include "base/str.h"
#include "ipc/peer.h"

struct router;

struct control {
	struct ipc_listener *listener;
	struct peer *web, *plan, *logd; /* NULL while away */
	uint64_t dropped; /* log lines, since the last word of it */
};

void control_open(struct router *r, int fd, const struct roles *roles);
void control_close(struct router *r);

/* Log text under app; dropped and counted when logd is not there. */
bool control_logs(const struct router *r);
void control_log(struct router *r, uint64_t app, struct str text);

void control_health(struct router *r, uint64_t instance, unsigned status);
void control_failed(struct router *r, uint64_t instance, struct str text);
void control_quiet(struct router *r, uint64_t app);
void control_called(struct router *r, uint64_t app);
void control_drained(struct router *r, uint64_t instance);
