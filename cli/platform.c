/* platform - run the platform itself, and help. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "base/mem.h"
#include "cli.h"
#include "show.h"

/* The folder that this program lies in, into ret of PATH_MAX bytes. */
static int self_folder(char *ret, struct error *err)
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);

	if (n <= 0)
		return error_sys(err, "find this program");
	ret[n] = '\0';
	*strrchr(ret, '/') = '\0';
	return 0;
}

/* Become the supervisor, which lies beside this program. */
static int run_server(struct cli *c, struct error *err)
{
	char self[PATH_MAX];
	scoped_free char *path = NULL;
	scoped_free char **argv =
	    xcalloc((size_t)c->raw_argc + 2, sizeof(*argv));

	if (self_folder(self, err) == -1)
		return -1;
	path = xasprintf("%s/../libexec/paas/paas-super", self);
	argv[0] = path;
	memcpy(argv + 1, c->raw_argv, (size_t)c->raw_argc * sizeof(*argv));
	(void)signal(SIGPIPE, SIG_DFL);
	(void)execv(path, argv);
	if (errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND,
		    "the platform is not installed beside this program: %.100s "
		    "is missing (build it: make run)",
		    path);
	if (errno == EACCES && geteuid() != 0)
		return error_set(err, ERR_FORBIDDEN,
		    "the platform is run by root (sudo paas server)");
	return error_sys(err, "start %.150s", path);
}

/* --- doctor --------------------------------------------------------------- */

static int run_doctor(struct cli *c, struct error *err)
{
	static const struct {
		const char *level, *mark;
	} marks[] = {
	    {"ok", "ok"}, {"note", "--"}, {"warning", " !"}, {"problem", "!!"}};
	scoped_api struct api *a = api_open(NULL, err);
	json_auto_t *list = NULL;
	size_t i, problems = 0;
	json_t *f;

	if (!a || api_get(a, &list, err, "platform", "doctor") == -1)
		return -1;
	if (cli_option(c, "json")) {
		show_json(list);
		return 0;
	}
	json_array_foreach(list, i, f)
	{
		const char *level = json_text(f, "level"), *mark = "--";

		for (size_t m = 0; m < NELEM(marks); m++)
			if (strcmp(level, marks[m].level) == 0)
				mark = marks[m].mark;
		problems += strcmp(level, "problem") == 0;
		show_line("%s  %s", mark, json_text(f, "text"));
		if (*json_text(f, "todo"))
			show_line("    -> %s", json_text(f, "todo"));
	}
	c->exit_code = problems ? EXIT_REFUSED : 0;
	return 0;
}

/* --- setup ---------------------------------------------------------------- */

/* setup.sh of the installed platform, or of the tree that it was built in. */
static int find_setup(char *ret, struct error *err)
{
	static const char *const places[] = {
	    "../../share/paas/setup.sh", "../../../runtime/super/setup.sh"};
	char self[PATH_MAX], real[PATH_MAX], path[PATH_MAX + 40];

	if (self_folder(self, err) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/../libexec/paas", self);
	for (size_t i = 0; realpath(path, real) && i < NELEM(places); i++) {
		snprintf(ret, PATH_MAX, "%.4000s/%s", real, places[i]);
		if (access(ret, X_OK) == 0)
			return 0;
	}
	return error_set(err, ERR_NOT_FOUND,
	    "setup.sh is not installed beside this program (make install, or "
	    "make run in the tree)");
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int run_setup(struct cli *c, struct error *err)
{
	char path[PATH_MAX];
	scoped_free char **argv =
	    xcalloc((size_t)c->raw_argc + 3, sizeof(*argv));

	if (asks_help(c->raw_argc, c->raw_argv)) {
		help_one(stdout, c->cmd);
		return 0;
	}
	if (find_setup(path, err) == -1)
		return -1;
	argv[0] = path;
	argv[1] = (char[]){"setup"};
	memcpy(argv + 2, c->raw_argv, (size_t)c->raw_argc * sizeof(*argv));
	(void)execv(path, argv);
	return error_sys(err, "start %.150s", path);
}

/* --- daemons -------------------------------------------------------------- */

/* `paas server --restart NAME`, which root may run on the machine itself. */
static int run_daemons_restart(struct cli *c, struct error *err)
{
	const char *name = c->argc ? c->argv[0] : "all";
	const char *state = cli_option(c, "state");
	char *argv[] = {(char[]){"--restart"}, (char *)name,
	    (char[]){"--state"}, (char *)state};

	c->raw_argv = argv;
	c->raw_argc = state ? 4 : 2;
	return run_server(c, err);
}

static int run_version(struct cli *c, struct error *err)
{
	puts("paas " PAAS_VERSION);
	return 0;
}

static int run_help(struct cli *c, struct error *err)
{
	const struct command *cmd;
	const char *like;

	if (!c->argc) {
		help_all(stdout);
		return 0;
	}
	cmd = command_find(c->argv[0]);
	if (cmd) {
		help_one(stdout, cmd);
		return 0;
	}
	like = command_suggest(c->argv[0]);
	return usage_error(c, err, "there is no command %.40s (%s%s)",
	    c->argv[0], like ? "did you mean " : "see all: paas help",
	    like ? like : "");
}

const struct command platform_commands[] = {
    {"server", "server [OPTIONS]", "run the platform in the foreground",
        run_server, CMD_RAW, 0, -1, {{0}}, "Its options: paas server --help"},
    {"setup", "setup [OPTIONS]",
        "make users and base images for an installed platform", run_setup,
        CMD_RAW, 0, -1, {{0}},
        "Run it once as root after make install; again it does only what is\n"
        "missing. OPTIONS are those of paas server (--state DIR)."},
    {"doctor", "doctor", "what this machine can't do, and what to do about it",
        run_doctor, 0, 0, 0, {{0, "json", NULL, "print the API's answer"}},
        "For the owner of the platform. ok: fine; --: could be better; !: a\n"
        "promise is weaker; !!: something does not work (and the exit code is "
        "1)."},
    {"daemons:restart", "daemons:restart [NAME]",
        "replace the platform's programs by what is installed now",
        run_daemons_restart, 0, 0, 1,
        {{0, "state", "DIR", "the platform's state folder"}},
        "For root on the machine. One daemon, or all of them one after the\n"
        "other, without touching the apps or losing a request; so does\n"
        "systemctl reload paas. Settings are read again by a restart of the\n"
        "platform."},
    {"version", "version", "print the version", run_version, 0, 0, 0, {{0}},
        NULL},
    {"help", "help [COMMAND]", "show this, or a command's options", run_help, 0,
        0, 1, {{0}}, NULL},
    {0},
};
