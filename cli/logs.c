/* logs - an app's log: the last lines, and what comes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "cli.h"
#include "git.h"
#include "logline.h"
#include "logs.h"
#include "seen.h"
#include "sse.h"

#define LINES_DEFAULT 100
#define LINES_MAX 1500
#define RETRIES 30 /* in a row without a line, a second apart */

struct follow {
	struct api_stream stream;
	struct sse sse;
	struct seen seen;  /* what was printed */
	bool json, colour; /* how */
	bool closed;       /* stdout is */
	bool any;          /* a line came since the connection was made */
	const char *dyno;  /* stop at its end; or NULL */
	bool ended;        /* there it is */
	int code;          /* how it ended, as far as it is told */
};

static void put_json(struct buf *out, struct str line)
{
	struct logline l = {.text = line};
	scoped_free char *text = NULL;
	json_auto_t *o = NULL;

	(void)logline_parse(line, &l);
	o = json_pack("{s:s%, s:s%, s:s%, s:s%}", "time",
	    l.time.p ? l.time.p : "", l.time.len, "source",
	    l.source.p ? l.source.p : "", l.source.len, "dyno",
	    l.dyno.p ? l.dyno.p : "", l.dyno.len, "text", l.text.p, l.text.len);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	buf_addz(out, text ? text : "{}");
}

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
	scoped_buf struct buf out = BUF_INIT(2 * SSE_LINE_MAX);

	f->any = true;
	if (f->json)
		put_json(&out, line);
	else if (f->colour)
		logline_colour(&out, line);
	else
		buf_add(&out, line);
	buf_addc(&out, '\n');
	f->closed = fd_write_all(STDOUT_FILENO, buf_str(&out), NULL) == -1;
	if (f->closed)
		return -1;
	seen_line(&f->seen, str_z(f->sse.id));
	if (f->dyno)
		look_for_end(f, line);
	return f->ended ? -1 : 0;
}

static int on_bytes(void *arg, struct str bytes)
{
	struct follow *f = arg;
	uint64_t from;

	if (!f->stream.sse)
		return error_set(NULL, ERR_INVALID, "no events");
	if (sse_feed(&f->sse, bytes, print_line, f) == -1)
		return -1;
	if (str_u64(str_z(f->sse.from), UINT64_MAX, &from))
		seen_from(&f->seen, from);
	return 0;
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
 * Follow for good. When the connection ends a new one says what was printed
 * and goes on behind it: nothing is missed, nothing comes twice.
 */
static int tail(struct api *a, const char *app, const json_t *what,
    struct follow *f, struct error *err)
{
	for (int failed = 0; failed < RETRIES; failed++) {
		scoped_buf struct buf after = BUF_INIT(LOGPOS_MAX);
		int rc;

		seen_put(&f->seen, &after);
		f->stream.last = after.len && !after.bad ? buf_z(&after) : NULL;
		f->any = false;
		rc = session(a, app, what, f, err);
		if (f->closed || f->ended)
			return 0;
		if (rc == -1 && err->code != ERR_UNAVAILABLE)
			return -1;
		if (f->any)
			failed = -1;
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
	static struct follow f; /* seen is large */
	json_auto_t *what = json_pack(
	    "{s:i, s:b, s:s}", "lines", LINES_MAX, "tail", 1, "dyno", dyno);

	f = (struct follow){
	    .stream = {.sink = on_bytes, .arg = &f}, .dyno = dyno, .code = 1};
	if (tail(a, app, what, &f, err) == -1)
		return -1;
	*ret_code = f.code;
	return 0;
}

/* People look at it, and do not mind colours. */
static bool wants_colour(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && term &&
	       strcmp(term, "dumb") != 0;
}

/* What the options ask for, as the API takes it. */
static int read_options(struct cli *c, json_t *what, struct error *err)
{
	const char *n = cli_option(c, "num"), *dyno = cli_option(c, "dyno");
	const char *type = cli_option(c, "ps");
	const char *source = cli_option(c, "source");
	uint64_t lines = LINES_DEFAULT;

	if (n && !str_u64(str_z(n), LINES_MAX, &lines))
		return usage_error(
		    c, err, "-n takes a number from 0 to %d", LINES_MAX);
	if (dyno && type)
		return usage_error(c, err, "give one of --dyno and --ps");
	dyno = dyno ? dyno : type;
	if (dyno && !name_layer(str_z(dyno)))
		return usage_error(
		    c, err, "--dyno takes a process (web.1) or a type (web)");
	if (source && strcmp(source, "app") != 0 &&
	    strcmp(source, "heroku") != 0)
		return usage_error(c, err,
		    "--source takes app (the app's own lines) or heroku (the "
		    "platform's)");
	json_object_set_new(what, "lines", json_integer((json_int_t)lines));
	json_object_set_new(
	    what, "tail", json_boolean(cli_option(c, "tail") != NULL));
	if (dyno)
		json_object_set_new(what, "dyno", json_string(dyno));
	if (source)
		json_object_set_new(what, "source", json_string(source));
	return 0;
}

static int run_logs(struct cli *c, struct error *err)
{
	static struct follow f; /* seen is large */
	json_auto_t *what = json_object();
	scoped_api struct api *a = NULL;
	struct target t;

	f = (struct follow){.stream = {.sink = on_bytes, .arg = &f},
	    .json = cli_option(c, "json") != NULL,
	    .colour = wants_colour()};
	if (read_options(c, what, err) == -1 ||
	    target_open(c, &t, &a, err) == -1)
		return -1;
	return cli_option(c, "tail") ? tail(a, t.app, what, &f, err)
	                             : session(a, t.app, what, &f, err);
}

const struct command logs_commands[] = {
    {"logs", "logs [--tail]", "show the app's log", run_logs, CMD_APP, 0, 0,
        {{'t', "tail", NULL, "go on with what comes, until ^C"},
            {'n', "num", "N", "how many lines back (100)"},
            {'d', "dyno", "NAME", "of one process (web.1) or type (web)"},
            {'p', "ps", "NAME", "the same"},
            {'s', "source", "NAME",
                "of the app alone (app) or the platform "
                "(heroku)"},
            {0, "json", NULL, "each line as JSON: time source dyno text"}},
        "A line is: TIME SOURCE[PROCESS]: TEXT\n"
        "A line that ends in [...] goes on in the next one: it was longer "
        "than 16 KiB."},
    {0},
};
