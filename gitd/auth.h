/*
 * auth - may the holder of this token push to, or fetch from, this app?
 *
 * web knows. A question waits while web is away, for a bounded time; it is
 * asked again when web comes back.
 */
#pragma once
#include "gitd.h"

struct grant {
	uint64_t app, repo, user;
};

struct question; /* opaque */

/* Exactly one of grant and err is set. The question is gone then. */
typedef void auth_done(
    void *ctx, const struct grant *grant, const struct error *err);

/* app passes name_app, token has at most 256 bytes. */
struct question *auth_ask(struct gitd *g, struct str app, struct str token,
    enum push_op op, auth_done *done, void *ctx);
void auth_cancel(struct question *q); /* done() is not called; NULL is fine */

/* Of web.c: an answer came; false when it is to somebody else's question. */
bool auth_answer(struct gitd *g, const struct frame *f);
void auth_web_up(struct gitd *g);
