/*
 * target - which repository and which service a request names.
 *
 * Pure. "/NAME.git/info/refs?service=S", "/NAME.git/git-receive-pack",
 * "/NAME.git/git-upload-pack"; the ".git" may be missing. Nothing else is
 * served, the dumb protocol least of all.
 */
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

enum service { SERVICE_PUSH, SERVICE_FETCH };

/* What a client's git can speak: a number, never the client's bytes. */
enum protocol { PROTOCOL_0, PROTOCOL_1, PROTOCOL_2 };

struct target {
	char name[130]; /* without ".git", not yet held against a grammar */
	enum service service;
	bool refs; /* the list of refs is asked for */
};

/* The highest in "version=2:..."; of Git-Protocol, of GIT_PROTOCOL. */
enum protocol target_protocol(struct str text);

/*
 * path as it was sent, without the query; service is the query's value or
 * NULL. ERR_NOT_FOUND when it is none of the above, ERR_FORBIDDEN for the
 * dumb protocol.
 */
int target_parse(struct str path, const char *service, struct target *ret,
    struct error *err);
