/* run - a command in a one-off instance of the app. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "base/mem.h"
#include "base/name.h"
#include "cli.h"
#include "exit_scan.h"
#include "git.h"
#include "rendezvous.h"
#include "term.h"

#define COMMAND_MAX 30000

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
		return usage_error(c, err, "the command is too long");
	return 0;
}

/* TERM and the window for the remote terminal, and --env. */
static int environment(
    struct cli *c, bool terminal, json_t *env, struct error *err)
{
	const char *name = getenv("TERM"), *more = cli_option(c, "env");
	struct term_size size = term_size(STDOUT_FILENO);
	char number[16];
	const char *eq;

	if (terminal) {
		json_object_set_new(
		    env, "TERM", json_string(name ? name : "dumb"));
		snprintf(number, sizeof(number), "%u", size.columns);
		json_object_set_new(env, "COLUMNS", json_string(number));
		snprintf(number, sizeof(number), "%u", size.rows);
		json_object_set_new(env, "LINES", json_string(number));
	}
	if (!more)
		return 0;
	eq = strchr(more, '=');
	if (!eq || !name_config_key(str_make(more, (size_t)(eq - more))))
		return usage_error(
		    c, err, "--env takes KEY=VALUE, not %.60s", more);
	scoped_free char *key = str_dup(str_make(more, (size_t)(eq - more)));
	json_object_set_new(env, key, json_string(eq + 1));
	return 0;
}

/* Ask for the instance; *ret is its dyno. */
static int start(struct cli *c, struct api *a, const char *app, bool attach,
    bool terminal, json_t **ret, struct error *err)
{
	scoped_buf struct buf command = BUF_INIT(COMMAND_MAX);
	scoped_buf struct buf wrapped = BUF_INIT(COMMAND_MAX + 200);
	json_auto_t *body = json_object();
	json_t *env = json_object();

	json_object_set_new(body, "env", env);
	if (join(c, &command, err) == -1 ||
	    environment(c, terminal, env, err) == -1)
		return -1;
	if (attach)
		exit_wrap(&wrapped, buf_str(&command));
	else
		buf_add(&wrapped, buf_str(&command));
	json_object_set_new(body, "attach", json_boolean(attach));
	json_object_set_new(
	    body, "command", json_stringn(wrapped.p, wrapped.len));
	if (attach)
		json_object_set_new(
		    body, "force_no_tty", json_boolean(!terminal));
	if (cli_option(c, "size"))
		json_object_set_new(
		    body, "size", json_string(cli_option(c, "size")));
	return api_call(a,
	    &(struct api_request){.method = "POST",
	        .path = api_path("apps", app, "dynos"),
	        .body = json_incref(body)},
	    ret, err);
}

static int run_attached(struct cli *c, struct error *err)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	                !cli_option(c, "no-tty");
	scoped_api struct api *a = NULL;
	json_auto_t *dyno = NULL;
	struct target t;
	int code = -1;

	if (target_open(c, &t, &a, err) == -1 ||
	    start(c, a, t.app, true, terminal, &dyno, err) == -1)
		return -1;
	if (terminal)
		fprintf(stderr, "Running on %s, %s\n", t.app,
		    json_text(dyno, "name"));
	if (rendezvous(json_text(dyno, "attach_url"), terminal, &code, err) ==
	    -1)
		return -1;
	if (code == -1)
		return error_set(err, ERR_UNAVAILABLE,
		    "%s of %s ended without an exit code (see: paas logs -p "
		    "%s)",
		    json_text(dyno, "name"), t.app, json_text(dyno, "name"));
	c->exit_code = code;
	return 0;
}

static int run_detached(struct cli *c, struct error *err)
{
	scoped_api struct api *a = NULL;
	json_auto_t *dyno = NULL;
	struct target t;

	if (target_open(c, &t, &a, err) == -1 ||
	    start(c, a, t.app, false, false, &dyno, err) == -1)
		return -1;
	printf("Runs as %s of %s (see: paas logs --app %s -p %s)\n",
	    json_text(dyno, "name"), t.app, t.app, json_text(dyno, "name"));
	return 0;
}

const struct command run_commands[] = {
    {"run", "run [OPTIONS] COMMAND...",
        "run a command in the app, with this terminal", run_attached,
        CMD_APP | CMD_REST, 1, -1,
        {{'e', "env", "KEY=VALUE", "set a variable for it"},
            {'s', "size", "SIZE", "size of its instance"},
            {0, "no-tty", NULL, "without a terminal, as in a pipe"}},
        "One argument is a line for the remote shell. Several are words that "
        "stay words,\nwith $VARIABLES of the app. The exit code is the "
        "command's. Options come before it."},
    {"run:detached", "run:detached [OPTIONS] COMMAND...",
        "run a command in the app, its output in the log", run_detached,
        CMD_APP | CMD_REST, 1, -1,
        {{'e', "env", "KEY=VALUE", "set a variable for it"},
            {'s', "size", "SIZE", "size of its instance"}},
        NULL},
    {0},
};
