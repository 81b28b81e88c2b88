/*
 * launcher - starts a process of an image built by buildpacks.
 *
 * Runs inside the instance, as PID 1 or by hand in a one-off; static, libc
 * alone. Reads the image's metadata, the layers' environment files and the
 * app's config vars (descriptor 3, a sealed memfd of KEY=value NUL ...),
 * which were all made for this one app.
 *
 *   /cnb/process/TYPE [ARG...]     the process of this type
 *   launcher TYPE                  the same, where there is such a type
 *   launcher -- COMMAND [ARG...]   a command in the same environment
 *   launcher COMMAND [ARG...]      a command line for bash
 *
 * As the Cloud Native Buildpacks Platform API 0.7 to 0.15 has it; the second
 * form and descriptor 3 are the platform's own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "env.h"
#include "exec.h"
#include "execd.h"
#include "image.h"
#include "init.h"
#include "shell.h"

#define CONFIG_FD 3
#define CONFIG_MAX (4u << 20) /* bytes of all config vars together */
#define API_OLDEST 7          /* Platform API 0.7 */
#define API_NEWEST 15
#define BUILDPACK_API_NEWEST 12

enum { EXIT_FAILED = 1, EXIT_API = 11, EXIT_BUILDPACK = 12, EXIT_LAUNCH = 82 };

/* What the platform sets and no config var may change. */
static const char *const fixed[] = {"PORT", "DYNO", "HOME", NULL};
/* What the process need not see. */
static const char *const hidden[] = {"CNB_APP_DIR", "CNB_LAYERS_DIR",
    "CNB_PROCESS_TYPE", "CNB_PLATFORM_API", "CNB_DEPRECATION_MODE",
    "PAAS_DYNO_ID", NULL};
/* Folders of the path that hold nothing of the app's. */
static const char *const own_folders[] = {
    "/cnb/process", "/cnb/lifecycle", NULL};

static const char *or_else(const char *value, const char *otherwise)
{
	return value && value[0] ? value : otherwise;
}

/* --- environment ---------------------------------------------------------- */

static void read_config(struct env *env)
{
	scoped_buf struct buf config = BUF_INIT(CONFIG_MAX);
	struct error err;
	struct stat st;

	if (fstat(CONFIG_FD, &st) == -1 || !S_ISREG(st.st_mode))
		return;
	if (lseek(CONFIG_FD, 0, SEEK_SET) == 0 &&
	    buf_read_all(&config, CONFIG_FD, &err) == 0)
		env_add_items(env, buf_str(&config), '\0', fixed);
	close(CONFIG_FD);
}

static bool is_own(struct str folder)
{
	for (int i = 0; own_folders[i]; i++)
		if (str_eqz(folder, own_folders[i]))
			return true;
	return false;
}

static void clean_path(struct env *env)
{
	struct str rest = str_z(env_get(env, STR("PATH"))), part;
	scoped_buf struct buf path = BUF_INIT(ENV_VALUE_MAX);
	const char *between = "";

	if (!rest.p)
		return;
	while (str_split(&rest, ':', &part)) {
		if (is_own(part))
			continue;
		buf_addz(&path, between);
		buf_add(&path, part);
		between = ":";
	}
	if (!path.bad)
		env_set(env, STR("PATH"), buf_str(&path));
}

static void base_env(struct env *env)
{
	const char *id;
	static const char *const none[] = {NULL};

	for (char **item = environ; *item; item++)
		env_add_items(env, str_z(*item), '\0', none);
	read_config(env);
	id = env_get(env, STR("HEROKU_DYNO_ID"));
	if (id && !id[0]) /* wanted, and jail alone knew it */
		env_set(env, STR("HEROKU_DYNO_ID"),
		    str_z(or_else(env_get(env, STR("PAAS_DYNO_ID")), "")));
	for (int i = 0; hidden[i]; i++)
		env_unset(env, str_z(hidden[i]));
	clean_path(env);
}

/* --- what to run ---------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int take_words(
    char **words, struct image_process *ret, struct error *err)
{
	for (; *words; words++)
		if (image_add_arg(ret, *words, err) == -1)
			return -1;
	return 0;
}

/* What argv asks for: a process type (with args), or a command. */
static int choose(const struct image *im, char **argv,
    struct image_process *ret, struct error *err)
{
	const char *self = base_name(argv[0]);

	if (image_has(im, self))
		return image_process(im, self, argv + 1, ret, err);
	*ret = (struct image_process){.type = ""};
	if (!argv[1])
		return error_set(err, ERR_INVALID,
		    "when there is no default process a command is required");
	if (strcmp(argv[1], "--") == 0 && argv[2])
		return take_words(argv + 2, ret, err);
	if (!argv[2] && image_has(im, argv[1]))
		return image_process(im, argv[1], argv + 2, ret, err);
	ret->shell = true;
	return take_words(argv + 1, ret, err);
}

static int complain(const char *what, const struct error *err, int code)
{
	fprintf(stderr, "ERROR: failed to %s%s\n", what, err->msg);
	return code;
}

/* An older platform's way to choose a type; it does not work since 0.4. */
static void warn_process_type(const char *api)
{
	const char *type = getenv("CNB_PROCESS_TYPE");

	if (!type || !type[0])
		return;
	fprintf(stderr,
	    "Warning: CNB_PROCESS_TYPE is not supported in Platform API %s\n"
	    "Warning: Run with ENTRYPOINT '%s' to invoke the '%s' process "
	    "type\n",
	    api, type, type);
}

static unsigned api_number(struct str text, unsigned newest)
{
	uint64_t minor;

	if (!str_starts(text, STR("0.")) ||
	    !str_u64(str_sub(text, 2, text.len), newest, &minor) ||
	    minor < API_OLDEST)
		return 0;
	return (unsigned)minor;
}

static int check_buildpacks(const struct image *im, struct error *err)
{
	toml_each(bp,
	    im->doc ? toml_get_as(toml_root(im->doc), "buildpacks", TOML_ARRAY)
	            : NULL)
	{
		struct str api = toml_get_str(bp, "api");

		if (!api_number(api, BUILDPACK_API_NEWEST))
			return error_set(err, ERR_INVALID,
			    "set API for buildpack '" STR_FMT
			    "': buildpack API version '" STR_FMT
			    "' is incompatible with the lifecycle",
			    STR_ARG(str_sub(toml_get_str(bp, "id"), 0, 60)),
			    STR_ARG(str_sub(api, 0, 20)));
	}
	return 0;
}

/* --- launching ------------------------------------------------------------ */

/* Environment, exec.d and shell around p; the folder is the right one then. */
static int prepare(const struct image *im, const char *self,
    struct image_process *p, struct env *env, struct error *err)
{
	const char *app = or_else(getenv("CNB_APP_DIR"), "/app");

	if (!getenv("CNB_APP_DIR") && access(app, F_OK) == -1)
		app = "/workspace"; /* where the specification has it */
	if (chdir(app) == -1)
		return error_sys(err, "change to app directory %s", app);
	base_env(env);
	image_apply_layers(im, p->type, env);
	if (execd_run(im, p->type, env, err) == -1)
		return error_wrap(err, "exec.d");
	if (p->shell)
		return shell_wrap(im, self, or_else(p->dir, app), p, err);
	if (chdir(or_else(p->dir, app)) == -1)
		return error_sys(err, "change to %s", or_else(p->dir, app));
	return 0;
}

static int launch(const struct image *im, char **argv)
{
	static struct env env;
	struct image_process p;
	struct error err = {0};
	const char *file;

	if (choose(im, argv, &p, &err) == -1)
		return complain(
		    "launch: determine start command: ", &err, EXIT_LAUNCH);
	if (prepare(im, argv[0], &p, &env, &err) == -1)
		return complain("launch: ", &err, EXIT_LAUNCH);
	file = p.shell ? SHELL_PROGRAM : p.argv[0];
	if (getpid() == 1)
		return init_run(file, (char *const *)p.argv, env.items);
	return exec_now(file, (char *const *)p.argv, env.items);
}

int main(int argc, char **argv)
{
	const char *api = or_else(getenv("CNB_PLATFORM_API"), "0.15");
	struct image im = {
	    .layers = or_else(getenv("CNB_LAYERS_DIR"), "/layers"),
	    .exec_env = or_else(getenv("CNB_EXEC_ENV"), "production"),
	    .api = api_number(str_z(api), API_NEWEST),
	};
	struct error err = {0};

	(void)argc;
	if (!im.api) {
		error_set(&err, ERR_INVALID,
		    "platform API version '%.20s' is incompatible with the "
		    "lifecycle",
		    api);
		return complain("set platform API: ", &err, EXIT_API);
	}
	if (image_open(&im, &err) == -1)
		return complain("", &err, EXIT_FAILED);
	if (check_buildpacks(&im, &err) == -1)
		return complain("", &err, EXIT_BUILDPACK);
	warn_process_type(api);
	return launch(&im, argv);
}
