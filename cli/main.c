/*
 * paas - the command line of the platform.
 *
 * Talks to the API that paas-web serves, as the heroku CLI does, and hands
 * `paas server` on to the platform's supervisor. A token is read from the
 * environment, the login file or a terminal, never from the command line.
 */
#include "cli.h"

#include <locale.h>
#include <signal.h>
#include <string.h>

#include <curl/curl.h>

const struct command_group command_groups[] = {
    {"Apps", apps_commands},
    {"Configuration", config_commands},
    {"Processes", ps_commands},
    {"Deploys", deploy_commands},
    {"Scale to zero", idle_commands},
    {"One-off commands", run_commands},
    {"Cron jobs, features", cron_commands},
    {"Volumes", volume_commands},
    {"Logs", logs_commands},
    {"Releases", release_commands},
    {"Builds", build_commands},
    {"Domains", domain_commands},
    {"Network", network_commands},
    {"Log drains", drain_commands},
    {"Account", account_commands},
    {"Platform", platform_commands},
    {0},
};

static bool asks_help(const struct command *cmd, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 ||
		    strcmp(argv[i], "--help") == 0)
			return true;
		if (strcmp(argv[i], "--") == 0 ||
		    (cmd->flags & CMD_REST && argv[i][0] != '-'))
			return false;
	}
	return false;
}

static int unknown_command(const char *name)
{
	const char *like = command_suggest(name);

	if (like)
		fprintf(stderr,
		    "paas: there is no command %s (did you mean %s?)\n", name,
		    like);
	else
		fprintf(stderr,
		    "paas: there is no command %s (see all: paas help)\n",
		    name);
	return EXIT_USAGE;
}

static int run(const struct command *cmd, int argc, char **argv)
{
	struct cli c = {.cmd = cmd};
	struct error err = {0};

	if (!(cmd->flags & CMD_RAW) && asks_help(cmd, argc, argv)) {
		help_one(stdout, cmd);
		return 0;
	}
	if (args_parse(&c, argc, argv, &err) == 0 && cmd->run(&c, &err) == 0)
		return c.exit_code;
	fflush(stdout);
	fprintf(stderr, "paas: %s\n", err.msg);
	return c.exit_code ? c.exit_code : EXIT_REFUSED;
}

int main(int argc, char **argv)
{
	const struct command *cmd;
	int code;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		help_all(stderr);
		return EXIT_USAGE;
	}
	cmd = command_find(argv[1]);
	if (!cmd)
		return unknown_command(argv[1]);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	code = run(cmd, argc - 2, argv + 2);
	curl_global_cleanup();
	return code;
}
