/*
 * check - a declared health check, as it travels from web to plan and router.
 *
 * Pure. web makes it from app.json and has judged it; plan needs its times,
 * the router asks. On the wire (F_CHECK): lines "NAME VALUE\n", each at most
 * once but "header"; what is not there has the default of check_init.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define CHECK_TEXT_MAX 2048 /* bytes of one check on the wire */
#define CHECK_NAME_MAX 60   /* bytes of each of these */
#define CHECK_PATH_MAX 400
#define CHECK_CONTENT_MAX 200
#define CHECK_HEADERS_MAX 800 /* of all, each with CR LF behind */
#define CHECK_SECONDS_MAX 3600
#define CHECK_ATTEMPTS_MAX 100

enum check_type { CHECK_STARTUP, CHECK_READINESS, CHECK_LIVENESS };
enum check_means {
	CHECK_HTTP,   /* GET PATH is answered with 200 to 399 */
	CHECK_LISTEN, /* the port accepts */
	CHECK_UPTIME  /* it has been up so long */
};

struct check {
	enum check_type type;
	enum check_means means;
	char name[CHECK_NAME_MAX + 1]; /* for people; may be empty */
	char path[CHECK_PATH_MAX + 1];
	char content[CHECK_CONTENT_MAX + 1]; /* in the answer; "": any */
	char headers[CHECK_HEADERS_MAX + 1]; /* "NAME: VALUE\r\n" repeated */
	uint64_t port;                       /* 0: $PORT */
	uint64_t timeout_s, interval_s, attempts;
	uint64_t grace_s; /* failures before count as none; 0: as is usual */
	uint64_t uptime_s;
};

void check_init(struct check *c); /* GET / at start, every 5 s, three times */
void check_print(const struct check *c, struct buf *out);
/* ERR_INVALID when it breaks the form or a limit. */
int check_parse(struct str text, struct check *ret, struct error *err);

const char *check_type_name(enum check_type type); /* "startup" */
/* What may stand in a path, a header or a content: printable, one line. */
bool check_is_line(struct str s);
