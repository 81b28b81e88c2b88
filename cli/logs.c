/* logs - an app's log: the last lines, and what comes. */
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "base/fd.h"
#include "cli.h"
#include "git.h"
#include "logs.h"
#include "sse.h"

#define LINES_DEFAULT 100
#define LINES_MAX 1500
#define TIME_LEN 32 /* "2026-01-31T12:00:00.123456+00:00" */
#define RETRIES 5   /* in a row without a line, a second apart */

struct follow {
	struct api_stream stream;
	struct sse sse;
	char last[TIME_LEN + 1]; /* the time of the last line printed */
	char skip[TIME_LEN + 1]; /* lines up to this one were printed before */
	bool closed;             /* stdout is */
	bool any;                /* a line came since the connection was made */
	const char *dyno;        /* stop at its end; or NULL */
	bool ended;              /* there it is */
	int code;                /* how it ended, as far as it is told */
};

/* Does the platform say here that the one-off which is followed has ended? */
static void look_for_end(struct follow *f, struct str line)
{
	char head[160];
	ssize_t at;
	uint64_t code;

	snprintf(head, sizeof(head), "heroku[%s]: ", f->dyno);
	at = str_find_str(line, str_z(head));
	if (at == -1)
		return;
	line = str_sub(line, (size_t)at + strlen(head), line.len);
	if (str_starts(line, STR("Process exited with status ")) &&
	    str_u64(str_sub(line, 27, line.len), 255, &code))
		f->code = (int)code;
	f->ended = str_starts(line, STR("State changed from ")) &&
	           str_ends(line, STR(" to complete"));
}

static int print_line(void *arg, struct str line)
{
	struct follow *f = arg;
	scoped_buf struct buf out = BUF_INIT(SSE_LINE_MAX + 1);

	f->any = true;
	if (line.len >= TIME_LEN) {
		memcpy(f->last, line.p, TIME_LEN);
		if (f->skip[0] && strcmp(f->last, f->skip) <= 0)
			return 0;
	}
	f->skip[0] = '\0';
	buf_add(&out, line);
	buf_addc(&out, '\n');
	f->closed = fd_write_all(STDOUT_FILENO, buf_str(&out), NULL) == -1;
	if (f->dyno)
		look_for_end(f, line);
	return f->closed || f->ended ? -1 : 0;
}

static int on_bytes(void *arg, struct str bytes)
{
	struct follow *f = arg;

	if (f->stream.sse)
		return sse_feed(&f->sse, bytes, print_line, f);
	f->any = true;
	f->closed = fd_write_all(STDOUT_FILENO, bytes, NULL) == -1;
	return f->closed ? -1 : 0;
}

/* One session: ask for it, then print it to its end. */
static int session(struct api *a, const char *app, const json_t *what,
    struct follow *f, struct error *err)
{
	json_auto_t *answer = NULL;
	int rc;

	if (api_call(a,
	        &(struct api_request){.method = "POST",
	            .path = api_path("apps", app, "log-sessions"),
	            .body = json_deep_copy(what)},
	        &answer, err) == -1)
		return -1;
	f->stream.url = json_text(answer, "logplex_url");
	if (!*f->stream.url)
		return error_set(err, ERR_INVALID, "the log has no address");
	f->sse = (struct sse)SSE_INIT;
	rc = api_stream(a, &f->stream, err);
	sse_release(&f->sse);
	return rc;
}

/*
 * Follow for good. When the connection ends a new one asks for the last
 * lines again and leaves out those printed before: nothing is missed.
 */
static int tail(struct api *a, const char *app, json_t *what, struct follow *f,
    struct error *err)
{
	for (int failed = 0; failed < RETRIES; failed++) {
		int rc;

		f->any = false;
		rc = session(a, app, what, f, err);
		if (f->closed || f->ended)
			return 0;
		if (rc == -1 && err->code != ERR_UNAVAILABLE)
			return -1;
		if (f->any)
			failed = -1;
		memcpy(f->skip, f->last, sizeof(f->skip));
		if (f->last[0])
			json_object_set_new(
			    what, "lines", json_integer(LINES_MAX));
		(void)sleep(1);
	}
	if (!err->code)
		error_set(err, ERR_UNAVAILABLE,
		    "the log ended (start again: paas logs --tail)");
	return -1;
}

int logs_follow_run(struct api *a, const char *app, const char *dyno,
    int *ret_code, struct error *err)
{
	struct follow f = {
	    .stream = {.sink = on_bytes, .arg = &f}, .dyno = dyno, .code = 1};
	json_auto_t *what = json_pack(
	    "{s:i, s:b, s:s}", "lines", LINES_MAX, "tail", 1, "dyno", dyno);

	if (tail(a, app, what, &f, err) == -1)
		return -1;
	*ret_code = f.code;
	return 0;
}

static int run_logs(struct cli *c, struct error *err)
{
	const char *n = cli_option(c, "num");
	const char *dyno = cli_option(c, "ps");
	const char *source = cli_option(c, "source");
	bool follow = cli_option(c, "tail") != NULL;
	struct follow f = {.stream = {.sink = on_bytes, .arg = &f}};
	json_auto_t *what = json_object();
	scoped_api struct api *a = NULL;
	uint64_t lines = LINES_DEFAULT;
	struct target t;

	if (n && !str_u64(str_z(n), LINES_MAX, &lines))
		return usage_error(
		    c, err, "-n takes a number from 0 to %d", LINES_MAX);
	json_object_set_new(what, "lines", json_integer((json_int_t)lines));
	json_object_set_new(what, "tail", json_boolean(follow));
	if (dyno)
		json_object_set_new(what, "dyno", json_string(dyno));
	if (source)
		json_object_set_new(what, "source", json_string(source));
	if (target_open(c, &t, &a, err) == -1)
		return -1;
	return follow ? tail(a, t.app, what, &f, err)
	              : session(a, t.app, what, &f, err);
}

const struct command logs_commands[] = {
    {"logs", "logs [--tail]", "show the app's log", run_logs, CMD_APP, 0, 0,
        {{'t', "tail", NULL, "go on with what comes, until ^C"},
            {'n', "num", "N", "how many lines back (100)"},
            {'p', "ps", "NAME", "of one process (web.1) or type (web)"},
            {'s', "source", "NAME",
                "of the app alone (app) or the platform "
                "(heroku)"}},
        "A line is: TIME SOURCE[PROCESS]: TEXT"},
    {0},
};
