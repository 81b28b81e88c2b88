/*
 * launcher - starts a process of an image built by buildpacks.
 *
 * Runs inside the instance, as PID 1 or by hand in a one-off; static, libc
 * alone. Reads the image's metadata, the layers' environment files and the
 * app's config vars (descriptor 3, a sealed memfd of KEY=value NUL ...),
 * which were all made for this one app.
 *
 *   /cnb/process/TYPE [ARG...]     the process of this type
 *   launcher TYPE                  the same
 *   launcher -- COMMAND [ARG...]   a command in the same environment
 *   launcher COMMAND               a command line for bash
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "env.h"
#include "exec.h"
#include "image.h"
#include "init.h"

#define CONFIG_FD 3
#define CONFIG_MAX (4u << 20) /* bytes of all config vars together */

/* What the platform sets and no config var may change. */
static const char *const fixed[] = {"PORT", "DYNO", "HOME", NULL};
/* What the process need not see. */
static const char *const hidden[] = {"CNB_APP_DIR", "CNB_LAYERS_DIR",
    "CNB_PROCESS_TYPE", "CNB_PLATFORM_API", "CNB_DEPRECATION_MODE",
    "CNB_EXEC_ENV", NULL};

static const char *or_else(const char *value, const char *otherwise)
{
	return value && value[0] ? value : otherwise;
}

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

static void base_env(struct env *env)
{
	static const char *const none[] = {NULL};

	for (char **item = environ; *item; item++)
		env_add_items(env, str_z(*item), '\0', none);
	read_config(env);
	for (int i = 0; hidden[i]; i++)
		env_unset(env, str_z(hidden[i]));
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * What argv asks for: a process type (with args), or a command. Sets *type
 * to "" for a command.
 */
static int choose(const struct image *im, char **argv, const char **type,
    struct image_process *ret, struct error *err)
{
	const char *self = base_name(argv[0]);

	if (image_has(im, self)) {
		*type = self;
		return image_process(im, self, argv + 1, ret, err);
	}
	*type = "";
	*ret = (struct image_process){0};
	if (!argv[1])
		return error_set(
		    err, ERR_INVALID, "name a process type or a command");
	if (strcmp(argv[1], "--") == 0) {
		for (int i = 0; argv[i + 2] && i < IMAGE_ARGS_MAX; i++)
			ret->argv[i] = argv[i + 2];
		return ret->argv[0] ? 0
		                    : error_set(err, ERR_INVALID,
		                          "name a command after --");
	}
	if (!argv[2] && image_has(im, argv[1])) {
		*type = argv[1];
		return image_process(im, argv[1], argv + 2, ret, err);
	}
	ret->argv[0] = "bash";
	ret->argv[1] = "-c";
	ret->argv[2] = argv[1];
	return 0;
}

static int complain(const struct error *err)
{
	(void)!write(STDERR_FILENO, "launcher: ", 10);
	(void)!write(STDERR_FILENO, err->msg, strlen(err->msg));
	(void)!write(STDERR_FILENO, "\n", 1);
	return 126;
}

int main(int argc, char **argv)
{
	static struct env env;
	const char *layers = or_else(getenv("CNB_LAYERS_DIR"), "/layers");
	const char *app = or_else(getenv("CNB_APP_DIR"), "/app");
	const char *type;
	struct image_process process;
	struct error err = {0};
	struct image im;

	if (image_open("/layers/config/metadata.toml", &im, &err) == -1 ||
	    choose(&im, argv, &type, &process, &err) == -1)
		return complain(&err);
	base_env(&env);
	image_apply_layers(&im, layers, type, &env);
	if (chdir(or_else(process.dir, app)) == -1)
		return exec_complain(or_else(process.dir, app), errno);
	if (getpid() == 1)
		return init_run(
		    process.argv[0], (char *const *)process.argv, env.items);
	return exec_now(
	    process.argv[0], (char *const *)process.argv, env.items);
}
