/*
 * run - a command in a one-off instance of the app, or inside a running one.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api.h"
#include "base/mem.h"
#include "base/name.h"
#include "cli.h"
#include "exit_scan.h"
#include "git.h"
#include "logs.h"
#include "rendezvous.h"
#include "term.h"

#define COMMAND_MAX 30000
#define TIME_MAX 86400

/* Must the remote shell see this argument in quotes? */
static bool needs_quotes(const char *arg)
{
	return !*arg || strpbrk(arg, " \t\n\"'\\`&|;<>()*?[]{}~#!") != NULL;
}

/* In quotes that keep a word together and still let $VARIABLES through. */
static void add_quoted(struct buf *out, const char *arg)
{
	buf_addc(out, '"');
	for (; *arg; arg++) {
		if (strchr("\"\\`", *arg))
			buf_addc(out, '\\');
		buf_addc(out, *arg);
	}
	buf_addc(out, '"');
}

/* One argument is a shell's line; several are words that stay words. */
static int join(struct cli *c, struct buf *out, struct error *err)
{
	for (int i = 0; i < c->argc; i++) {
		if (i)
			buf_addc(out, ' ');
		if (c->argc > 1 && needs_quotes(c->argv[i]))
			add_quoted(out, c->argv[i]);
		else
			buf_addz(out, c->argv[i]);
	}
	if (out->bad)
		return usage_error(c, err,
		    "the command has more than %d bytes (put it into a file "
		    "of the app, or pass its data on standard input)",
		    COMMAND_MAX);
	return 0;
}

/* TERM and the window for the remote terminal. */
static void add_terminal(json_t *env)
{
	const char *name = getenv("TERM");
	struct term_size size = term_size(STDOUT_FILENO);
	char number[16];

	json_object_set_new(env, "TERM", json_string(name ? name : "dumb"));
	snprintf(number, sizeof(number), "%u", size.columns);
	json_object_set_new(env, "COLUMNS", json_string(number));
	snprintf(number, sizeof(number), "%u", size.rows);
	json_object_set_new(env, "LINES", json_string(number));
}

static int add_variables(struct cli *c, json_t *env, struct error *err)
{
	for (int i = 0; i < c->ngiven; i++) {
		const char *item = c->given[i].value;
		size_t len = strcspn(item, "=");
		scoped_free char *key = str_dup(str_make(item, len));

		if (strcmp(c->given[i].name, "env") != 0)
			continue;
		if (!item[len] || !name_config_key(str_z(key)))
			return usage_error(
			    c, err, "--env takes KEY=VALUE, not %.60s", item);
		json_object_set_new(env, key, json_string(item + len + 1));
	}
	return 0;
}

/* What every kind of start says; the command with its exit code, or a type. */
static int add_command(
    struct cli *c, json_t *body, bool status, struct error *err)
{
	scoped_buf struct buf command = BUF_INIT(COMMAND_MAX);
	scoped_buf struct buf wrapped = BUF_INIT(COMMAND_MAX + 200);
	const char *type = cli_option(c, "type");

	if (type)
		json_object_set_new(body, "type", json_string(type));
	if (type && !c->argc) {
		json_object_set_new(body, "exit_status", json_boolean(status));
		return 0;
	}
	if (!c->argc)
		buf_addz(&command, "bash");
	if (join(c, &command, err) == -1)
		return -1;
	if (status)
		exit_wrap(&wrapped, buf_str(&command));
	else
		buf_add(&wrapped, buf_str(&command));
	json_object_set_new(
	    body, "command", json_stringn(wrapped.p, wrapped.len));
	return 0;
}

static int add_time(struct cli *c, json_t *body, struct error *err)
{
	const char *text = cli_option(c, "time-limit");
	uint64_t seconds;

	if (!text)
		return 0;
	if (!str_u64(str_z(text), TIME_MAX, &seconds) || !seconds)
		return usage_error(c, err,
		    "--time-limit takes a number of seconds up to %d",
		    TIME_MAX);
	json_object_set_new(
	    body, "time_to_live", json_integer((json_int_t)seconds));
	return 0;
}

/* What a start says; the caller releases it. NULL with err. */
static json_t *make_body(
    struct cli *c, bool attach, bool terminal, struct error *err)
{
	json_t *body = json_object(), *env = json_object();

	json_object_set_new(body, "env", env);
	json_object_set_new(body, "attach", json_boolean(attach));
	if (attach)
		json_object_set_new(
		    body, "force_no_tty", json_boolean(!terminal));
	if (cli_option(c, "size"))
		json_object_set_new(
		    body, "size", json_string(cli_option(c, "size")));
	if (terminal)
		add_terminal(env);
	if (add_variables(c, env, err) == 0 &&
	    add_command(c, body, attach, err) == 0 &&
	    add_time(c, body, err) == 0)
		return body;
	json_decref(body);
	return NULL;
}

/* A command to run needs one to be named. */
static int check_named(struct cli *c, struct error *err)
{
	return c->argc || cli_option(c, "type")
	           ? 0
	           : usage_error(c, err,
	                 "name a command (as in: paas %s bash), or a process "
	                 "type with --type",
	                 c->cmd->name);
}

/* Ask for the instance, inside that one if it is named; *ret is its dyno. */
static int start(struct cli *c, struct api *a, const char *app,
    const char *inside, json_t *body, json_t **ret, struct error *err)
{
	return api_call(a,
	    &(struct api_request){.method = "POST",
	        .path = inside ? api_path("apps", app, "dynos", inside)
	                       : api_path("apps", app, "dynos"),
	        .body = body},
	    ret, err);
}

/* --- the window ----------------------------------------------------------- */

struct window {
	struct cli *c;
	const char *app, *dyno;
};

/* In a child, so that the session goes on whatever the server does. */
static _Noreturn void tell_size(const struct window *w)
{
	struct term_size size = term_size(STDOUT_FILENO);
	scoped_api struct api *a = NULL;
	struct error err = {0};
	struct target t;

	if (target_open(w->c, &t, &a, &err) == 0)
		(void)api_call(a,
		    &(struct api_request){.method = "POST",
		        .path = api_path("apps", w->app, "dynos", w->dyno,
		            "actions", "resize"),
		        .body = json_pack("{s:i, s:i}", "rows", (int)size.rows,
		            "columns", (int)size.columns)},
		    NULL, &err);
	_exit(0);
}

static void resized(void *arg)
{
	static pid_t child;

	if (child > 0) { /* what it says is not so any more */
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
	}
	child = fork();
	if (child == 0)
		tell_size(arg);
}

/* --- the commands --------------------------------------------------------- */

static int attach(struct cli *c, const char *inside, struct error *err)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	                !cli_option(c, "no-tty");
	json_t *body = make_body(c, true, terminal, err);
	scoped_api struct api *a = NULL;
	json_auto_t *dyno = NULL;
	struct window w = {.c = c};
	struct target t;
	int code = -1;

	if (!body)
		return -1;
	if (target_open(c, &t, &a, err) == -1) {
		json_decref(body);
		return -1;
	}
	if (start(c, a, t.app, inside, body, &dyno, err) == -1)
		return -1;
	w.app = t.app;
	w.dyno = json_text(dyno, "name");
	if (terminal)
		fprintf(stderr, "Running %s %s of %s\n", inside ? "in" : "on",
		    inside ? inside : w.dyno, t.app);
	if (rendezvous(&(struct session){.url = json_text(dyno, "attach_url"),
	                   .raw = terminal,
	                   .resized = terminal ? resized : NULL,
	                   .arg = &w},
	        &code, err) == -1)
		return -1;
	if (code == -1)
		return error_set(err, ERR_UNAVAILABLE,
		    "%s was ended before its command gave an exit code (see: "
		    "paas logs --app %s -p %s)",
		    w.dyno, t.app, w.dyno);
	c->exit_code = code;
	return 0;
}

static int run_attached(struct cli *c, struct error *err)
{
	return check_named(c, err) == -1 ? -1 : attach(c, NULL, err);
}

static int run_inside(struct cli *c, struct error *err)
{
	const char *dyno = cli_option(c, "dyno");

	return attach(c, dyno ? dyno : "web.1", err);
}

static int run_detached(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *dyno = NULL;
	const char *name;
	json_t *body;
	struct target t;
	int code;

	if (check_named(c, err) == -1)
		return -1;
	body = make_body(c, false, false, err);
	if (!body)
		return -1;
	if (target_open(c, &t, &a, err) == -1) {
		json_decref(body);
		return -1;
	}
	if (start(c, a, t.app, NULL, body, &dyno, err) == -1)
		return -1;
	name = json_text(dyno, "name");
	fprintf(cli_option(c, "tail") ? stderr : stdout,
	    "Runs as %s of %s (see: paas logs --app %s -p %s)\n", name, t.app,
	    t.app, name);
	if (!cli_option(c, "tail"))
		return 0;
	if (logs_follow_run(a, t.app, name, &code, err) == -1)
		return -1;
	c->exit_code = code;
	return 0;
}

#define ENV_OPTION                                                             \
	{                                                                      \
		'e', "env", "KEY=VALUE", "set a variable for it (repeat)"      \
	}
#define SIZE_OPTION                                                            \
	{                                                                      \
		's', "size", "SIZE", "size of its instance"                    \
	}
#define TYPE_OPTION                                                            \
	{                                                                      \
		't', "type", "TYPE", "the command of this process type"        \
	}
#define NO_TTY_OPTION                                                          \
	{                                                                      \
		0, "no-tty", NULL, "without a terminal, as in a pipe"          \
	}
#define CODE_OPTION                                                            \
	{                                                                      \
		'x', "exit-code", NULL,                                        \
		    "as Heroku's: the exit code is always given"               \
	}
#define TIME_OPTION                                                            \
	{                                                                      \
		0, "time-limit", "SECONDS",                                    \
		    "end it then (the setting run_seconds)"                    \
	}

const struct command run_commands[] = {
    {"run", "run [OPTIONS] COMMAND...",
        "run a command in the app, with this terminal", run_attached,
        CMD_APP | CMD_REST, 0, -1,
        {ENV_OPTION, SIZE_OPTION, TYPE_OPTION, NO_TTY_OPTION, CODE_OPTION,
            TIME_OPTION},
        "One argument is a line for the remote shell. Several are words that "
        "stay words,\nwith $VARIABLES of the app. The exit code is the "
        "command's. Options come before it.\nIt has the code that serves and "
        "the newest config. Without a terminal on both\nsides, as in a pipe, "
        "bytes go through as they are."},
    {"run:detached", "run:detached [OPTIONS] COMMAND...",
        "run a command in the app, its output in the log", run_detached,
        CMD_APP | CMD_REST, 0, -1,
        {ENV_OPTION, SIZE_OPTION, TYPE_OPTION, TIME_OPTION,
            {0, "tail", NULL, "show its log to its end, and its exit code"}},
        "End it with: paas ps:stop NAME"},
    {"ps:exec", "ps:exec [OPTIONS] [-- COMMAND...]",
        "run a command inside a running process", run_inside,
        CMD_APP | CMD_REST, 0, -1,
        {{'d', "dyno", "NAME", "which process (web.1)"}, ENV_OPTION,
            NO_TTY_OPTION, CODE_OPTION},
        "Without a command it is bash. It sees the files, processes and "
        "config of that\nprocess, shares its memory, and ends with it. "
        "Options come before it."},
    {0},
};
