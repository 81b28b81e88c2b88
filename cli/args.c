#include "cli.h"

#include <stdarg.h>
#include <string.h>

static const struct cli_option app_options[] = {
    {'a', "app", "APP", "the app (else $PAAS_APP, else the git remote)"},
    {'r', "remote", "NAME", "take the app from this git remote"},
    {0},
};

const char *cli_option(const struct cli *c, const char *name)
{
	for (int i = 0; i < CLI_OPTIONS_MAX && c->cmd->options[i].name; i++)
		if (strcmp(c->cmd->options[i].name, name) == 0)
			return c->values[i];
	return NULL;
}

int usage_error(struct cli *c, struct error *err, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	c->exit_code = EXIT_USAGE;
	return error_set(err, ERR_INVALID, "%s", text);
}

/* Where the value of the option goes, and its row; NULL: no such option. */
static const char **slot_of(struct cli *c, char letter, const char *name,
    size_t len, const struct cli_option **ret)
{
	for (int i = 0;; i++) {
		const struct cli_option *o = &c->cmd->options[i];

		if (i == CLI_OPTIONS_MAX || !o->name)
			break;
		*ret = o;
		if (name ? strlen(o->name) == len && !memcmp(o->name, name, len)
		         : o->letter == letter)
			return &c->values[i];
	}
	for (int i = 0; c->cmd->flags & CMD_APP && app_options[i].name; i++) {
		const struct cli_option *o = &app_options[i];

		*ret = o;
		if (name ? strlen(o->name) == len && !memcmp(o->name, name, len)
		         : o->letter == letter)
			return i == 0 ? &c->app : &c->remote;
	}
	return NULL;
}

static int unknown(struct cli *c, const char *arg, struct error *err)
{
	return usage_error(c, err, "%s has no option %s (see: paas help %s)",
	    c->cmd->name, arg, c->cmd->name);
}

/* An option at argv[i]; returns how many of argv it took, or -1. */
static int take_option(
    struct cli *c, int argc, char **argv, int i, struct error *err)
{
	const char *arg = argv[i], *inline_value = NULL;
	bool is_long = arg[1] == '-';
	const struct cli_option *o;
	const char **slot;
	size_t len = 0;

	if (is_long) {
		len = strcspn(arg + 2, "=");
		if (arg[2 + len] == '=')
			inline_value = arg + 3 + len;
	} else if (arg[2]) {
		inline_value = arg + 2;
	}
	slot =
	    slot_of(c, is_long ? 0 : arg[1], is_long ? arg + 2 : NULL, len, &o);
	if (!slot)
		return unknown(c, arg, err);
	if (!o->arg) {
		if (inline_value)
			return unknown(c, arg, err);
		*slot = "";
		return 1;
	}
	if (!inline_value && i + 1 == argc)
		return usage_error(
		    c, err, "%s needs a value: %s %s", arg, arg, o->arg);
	if (c->ngiven == CLI_GIVEN_MAX)
		return usage_error(c, err, "that are too many options");
	*slot = inline_value ? inline_value : argv[i + 1];
	c->given[c->ngiven].name = o->name;
	c->given[c->ngiven++].value = *slot;
	return inline_value ? 1 : 2;
}

static int check_count(struct cli *c, struct error *err)
{
	if (c->argc >= c->cmd->min &&
	    (c->cmd->max == -1 || c->argc <= c->cmd->max))
		return 0;
	return usage_error(c, err, "%s (usage: paas %s)",
	    c->argc < c->cmd->min ? "something is missing"
	                          : "that is one argument too many",
	    c->cmd->usage);
}

int args_parse(struct cli *c, int argc, char **argv, struct error *err)
{
	bool options = true;

	c->raw_argc = argc;
	c->raw_argv = argv;
	if (c->cmd->flags & CMD_RAW)
		return 0;
	c->argv = argv; /* arguments move to its front */
	for (int i = 0; i < argc;) {
		int took = 1;

		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && argv[i][0] == '-' && argv[i][1]) {
			took = take_option(c, argc, argv, i, err);
			if (took == -1)
				return -1;
		} else {
			c->argv[c->argc++] = argv[i];
			options &= !(c->cmd->flags & CMD_REST);
		}
		i += took;
	}
	return check_count(c, err);
}
