/*
 * cli - what a command of `paas` is, and what its function is given.
 *
 * Each subject (apps, config, ps ...) has a file with a table of commands;
 * main.c lists the tables. Parsing, help and suggestions are loops over them.
 * A function returns 0, or -1 with err: main prints "paas: err" and exits
 * with 1. usage_error() makes that 2, and exit_code what a function says.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define PAAS_VERSION "0.1.0"
#define EXIT_REFUSED 1 /* the server, or the system, said no */
#define EXIT_USAGE 2   /* what was typed makes no sense */
#define CLI_OPTIONS_MAX 10
#define CLI_GIVEN_MAX 64 /* options that are typed */

struct cli;

struct cli_option {
	char letter; /* 0: none */
	const char *name;
	const char *arg; /* what follows, NULL for a flag */
	const char *help;
};

enum command_flag {
	CMD_APP = 1,    /* about one app: takes --app and --remote */
	CMD_REST = 2,   /* options end at the first argument */
	CMD_RAW = 4,    /* gets argv as typed */
	CMD_HIDDEN = 8, /* for programs: not in the list of commands */
};

struct command {
	const char *name, *usage, *help;
	int (*run)(struct cli *c, struct error *err);
	unsigned flags;
	int min, max; /* arguments; max -1: any number */
	struct cli_option options[CLI_OPTIONS_MAX]; /* ends in a zero one */
	const char *more; /* what `paas help NAME` adds, or NULL */
};

struct command_group {
	const char *title;
	const struct command *commands; /* ends in a zero one */
};

struct cli {
	const struct command *cmd;
	int argc; /* arguments without options */
	char **argv;
	const char
	    *values[CLI_OPTIONS_MAX]; /* of cmd->options; "" for a flag */
	struct {
		const char *name, *value;
	} given[CLI_GIVEN_MAX]; /* all of them, as often as typed */
	int ngiven;
	const char *app, *remote; /* --app, --remote, or NULL */
	int exit_code;
	int raw_argc; /* behind the command's name, as typed */
	char **raw_argv;
};

/* The value of option --name, "" for a flag, NULL when it was not given. */
const char *cli_option(const struct cli *c, const char *name);
/* Set err, and 2 as the exit code. Returns -1. */
int usage_error(struct cli *c, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- args.c --------------------------------------------------------------- */

/* Sort argv into c's options and arguments by its command's row. */
int args_parse(struct cli *c, int argc, char **argv, struct error *err);

/* --- help.c --------------------------------------------------------------- */

extern const struct command_group command_groups[]; /* ends in a zero one */

/* The command of this name or alias, NULL if there is none. */
const struct command *command_find(const char *name);
/* The name of the command that looks most like this, or NULL. */
const char *command_suggest(const char *name);
void help_all(FILE *out);
void help_one(FILE *out, const struct command *cmd);

extern const struct command apps_commands[], config_commands[], ps_commands[],
    run_commands[], cron_commands[], logs_commands[], release_commands[],
    build_commands[], domain_commands[], network_commands[], drain_commands[],
    volume_commands[], deploy_commands[], idle_commands[], account_commands[],
    platform_commands[];
