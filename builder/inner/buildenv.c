#include "buildenv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/name.h"
#include "pack.h"
#include "tree.h"

#define CONFIG_MAX (4u << 20) /* bytes of all config vars together */
#define BUILD_PATH                                                             \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CA_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define OPERATOR_SINCE 11      /* Platform API */
#define BUILD_HOME "/tmp/home" /* not /app: it would end up in the image */

/* What passes from the container's own environment, as CNB says. */
static const char *const passed[] = {"CNB_STACK_ID", "HOME", "HOSTNAME",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
    "no_proxy"};

/* One bundle for every client that knows a variable of its own. */
static const char *const ca_keys[] = {"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO"};

static const char *const path_keys[] = {
    "PATH", "LD_LIBRARY_PATH", "LIBRARY_PATH", "CPATH", "PKG_CONFIG_PATH"};

static void set(struct env *env, const char *key, const char *value)
{
	env_set(env, str_z(key), str_z(value));
}

static void set_some(struct env *env, const char *key, const char *value)
{
	if (value[0])
		set(env, key, value);
}

static void add_target(struct env *env, const struct target *t)
{
	set(env, "CNB_TARGET_OS", t->os);
	set(env, "CNB_TARGET_ARCH", t->arch);
	set_some(env, "CNB_TARGET_ARCH_VARIANT", t->variant);
	set_some(env, "CNB_TARGET_DISTRO_NAME", t->distro);
	set_some(env, "CNB_TARGET_DISTRO_VERSION", t->distro_version);
}

/* What the platform's own build adds, where the spec leaves it to us. */
static void add_own(struct env *env)
{
	char epoch[24];

	set(env, "PATH", BUILD_PATH);
	set(env, "HOME", BUILD_HOME);
	set(env, "LANG", "C.UTF-8");
	/* tools that write times write this one: the same input, the same
	 * layer */
	snprintf(epoch, sizeof(epoch), "%d", PACK_TIME);
	set(env, "SOURCE_DATE_EPOCH", epoch);
	for (size_t i = 0; i < NELEM(ca_keys); i++)
		if (access(CA_BUNDLE, R_OK) == 0)
			set(env, ca_keys[i], CA_BUNDLE);
	(void)mkdir(BUILD_HOME, 0755);
}

struct env *buildenv_new(const struct life *l)
{
	struct env *env = xcalloc(1, sizeof(*env));

	for (size_t i = 0; i < NELEM(passed); i++)
		if (getenv(passed[i]))
			set(env, passed[i], getenv(passed[i]));
	for (size_t i = 0; i < NELEM(path_keys); i++)
		if (getenv(path_keys[i]))
			set(env, path_keys[i], getenv(path_keys[i]));
	if (l->heroku)
		add_own(env);
	add_target(env, &l->target);
	return env;
}

struct env *buildenv_copy(const struct env *from)
{
	struct env *env = xcalloc(1, sizeof(*env));

	for (; env->n < from->n; env->n++)
		env->items[env->n] = xstrdup(from->items[env->n]);
	return env;
}

void buildenv_free(struct env *env)
{
	if (!env)
		return;
	for (int i = 0; i < env->n; i++)
		free(env->items[i]);
	free(env);
}

/* --- config vars ---------------------------------------------------------- */

int buildenv_receive(const char *dir, int fd, struct error *err)
{
	scoped_buf struct buf all = BUF_INIT(CONFIG_MAX);
	scoped_fd int platform = -1;
	struct str rest, item;

	platform = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (platform == -1 || fd_mkdir(platform, "env", 0755, err) == -1)
		return error_sys(err, "folder %s", dir);
	if (lseek(fd, 0, SEEK_SET) == -1)
		return 0;
	if (buf_read_all(&all, fd, err) == -1)
		return error_wrap(err, "config vars");
	rest = buf_str(&all);
	while (rest.len && str_split(&rest, '\0', &item)) {
		scoped_free char *path = NULL;
		struct str key;

		if (item.len == 0)
			continue;
		if (!str_split(&item, '=', &key) || !name_config_key(key))
			return error_set(
			    err, ERR_INVALID, "a config var has a bad name");
		path = xasprintf("env/" STR_FMT, STR_ARG(key));
		if (tree_write(platform, path, item, 0644, err) == -1)
			return -1;
	}
	return 0;
}

static bool is_path_key(struct str key)
{
	for (size_t i = 0; i < NELEM(path_keys); i++)
		if (str_eqz(key, path_keys[i]))
			return true;
	return false;
}

static void add_var(struct env *env, struct str key, struct str value)
{
	scoped_buf struct buf joined = BUF_INIT(2 * ENV_VALUE_MAX);
	const char *old = env_get(env, key);

	buf_add(&joined, value);
	if (is_path_key(key) && old && old[0]) {
		buf_addc(&joined, ':');
		buf_addz(&joined, old);
	}
	if (!joined.bad)
		env_set(env, key, buf_str(&joined));
}

void buildenv_add_platform(const struct life *l, struct env *env)
{
	scoped_free char *path = xasprintf("%s/env", l->platform);
	scoped_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_names struct tree_names names = {0};
	struct error err;

	if (dir == -1 || tree_names(dir, &names, &err) == -1)
		return;
	for (size_t i = 0; i < names.n; i++) {
		scoped_buf struct buf value = BUF_INIT(ENV_VALUE_MAX);
		scoped_free char *file = xasprintf("%s/%s", path, names.v[i]);

		/* by path: an orchestrator mounts these as links */
		if (fd_read_file(AT_FDCWD, file, &value, &err) == 0 &&
		    !memchr(value.p ? value.p : "", '\0', value.len))
			add_var(env, str_z(names.v[i]), buf_str(&value));
	}
}

void buildenv_add_operator(const struct life *l, struct env *env)
{
	scoped_free char *path = xasprintf("%s/env", l->build_config);

	if (l->api >= OPERATOR_SINCE)
		env_apply_folder(env, path, STR("default"));
}

/* --- layers --------------------------------------------------------------- */

static void add_root(struct env *env, const char *layer)
{
	static const struct {
		const char *key, *sub;
	} roots[] = {
	    {"PATH", "bin"},
	    {"LD_LIBRARY_PATH", "lib"},
	    {"LIBRARY_PATH", "lib"},
	    {"CPATH", "include"},
	    {"PKG_CONFIG_PATH", "pkgconfig"},
	};

	for (size_t i = 0; i < NELEM(roots); i++) {
		scoped_free char *dir = xasprintf("%s/%s", layer, roots[i].sub);

		env_prepend_path(env, str_z(roots[i].key), dir);
	}
}

static void add_files(struct env *env, const char *layer)
{
	scoped_free char *both = xasprintf("%s/env", layer);
	scoped_free char *build = xasprintf("%s/env.build", layer);

	env_apply_folder(env, both, STR("override"));
	env_apply_folder(env, build, STR("override"));
}

void buildenv_add_layers(
    struct env *env, const char *folder, const json_t *layers)
{
	size_t i;
	json_t *l;

	json_array_foreach(layers, i, l)
	{
		scoped_free char *layer = xasprintf("%s/%s", folder,
		    json_string_value(json_object_get(l, "name")));

		if (!json_is_true(json_object_get(l, "build")))
			continue;
		add_root(env, layer);
		add_files(env, layer);
	}
}
