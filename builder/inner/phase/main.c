/* Which program, with what it is told. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "inner/tree.h"
#include "session.h"

enum takes { NOTHING, IMAGE, IMAGES };

static const struct program {
	const char *name;
	enum takes takes;
	bool never_root;
	int (*run)(struct session *s);
} programs[PHASES] = {
    [ANALYZER] = {"analyzer", IMAGE, false, run_analyzer},
    [DETECTOR] = {"detector", NOTHING, true, run_detector},
    [RESTORER] = {"restorer", NOTHING, false, run_restorer},
    [BUILDER] = {"builder", NOTHING, true, run_builder},
    [EXPORTER] = {"exporter", IMAGES, false, run_exporter},
    [CREATOR] = {"creator", IMAGE, false, run_creator},
    [REBASER] = {"rebaser", IMAGES, false, run_rebaser},
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int find(const char *argv0)
{
	for (int i = 0; i < PHASES; i++)
		if (strcmp(base_name(argv0), programs[i].name) == 0)
			return i;
	return -1;
}

bool phase_named(const char *argv0)
{
	return find(argv0) != -1;
}

int session_fail(struct session *s, int code, const struct error *err)
{
	struct life loud = s->life;

	loud.heroku = false;
	life_say(&loud, LEVEL_ERROR, "failed to %s", err->msg);
	return s->life.code ? s->life.code : code;
}

/* --- before anything else ------------------------------------------------- */

static int read_api(struct session *s, struct error *err)
{
	const char *text = getenv("CNB_PLATFORM_API");

	if (!text || !text[0])
		return life_fail(&s->life, CODE_PLATFORM_API, err,
		    "get platform API version; please set 'CNB_PLATFORM_API' "
		    "to specify the desired platform API version");
	s->in.api = s->life.api = life_api(text, PLATFORM_API_NEWEST);
	if (s->life.api)
		return 0;
	return life_fail(&s->life, CODE_PLATFORM_API, err,
	    "set platform API: platform API version '%.40s' is incompatible "
	    "with the lifecycle; it speaks 0.%d to 0.%d",
	    text, API_OLDEST, PLATFORM_API_NEWEST);
}

static int read_level(struct session *s, struct error *err)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};

	for (size_t i = 0; i < NELEM(names); i++) {
		if (strcmp(s->in.value[IN_LOG_LEVEL], names[i]) == 0) {
			s->life.level = (enum level)i;
			return 0;
		}
	}
	return life_fail(&s->life, CODE_ARGUMENTS, err,
	    "parse log level '%.40s': it is none of debug, info, warn, error",
	    s->in.value[IN_LOG_LEVEL]);
}

static int check_args(
    struct session *s, const struct program *p, struct error *err)
{
	int n = s->in.nargs;

	if (p->takes == NOTHING && n > 0)
		return life_fail(&s->life, CODE_ARGUMENTS, err,
		    s->in.phase == RESTORER
		        ? "parse arguments: received unexpected Args"
		        : "parse arguments: received unexpected arguments");
	if (p->takes == IMAGE && n != 1)
		return life_fail(&s->life, CODE_ARGUMENTS, err,
		    "parse arguments: received %d arguments, but expected 1",
		    n);
	if (p->takes == IMAGES && n == 0)
		return life_fail(&s->life, CODE_ARGUMENTS, err,
		    "parse arguments: at least one image argument is required");
	return 0;
}

/* Flags that take images: there is one kind of them here. */
static int check_images(
    struct session *s, const struct program *p, struct error *err)
{
	const char *mode = getenv("CNB_EXPERIMENTAL_MODE");
	struct inputs *in = &s->in;

	if (in->value[IN_CACHE_IMAGE][0])
		return life_fail(&s->life, CODE_ARGUMENTS, err,
		    "resolve inputs: cache images are not supported; use "
		    "-cache-dir");
	if (p->takes == NOTHING && !inputs_true(in, IN_DAEMON))
		return 0;
	if (inputs_true(in, IN_DAEMON) || !inputs_true(in, IN_LAYOUT))
		return life_fail(&s->life, CODE_ARGUMENTS, err,
		    "resolve inputs: there is neither a registry nor a daemon "
		    "here; use -layout and -layout-dir (Platform API 0.12)");
	if (!in->value[IN_LAYOUT_DIR][0])
		return life_fail(&s->life, CODE_ARGUMENTS, err,
		    "resolve inputs: -layout-dir names no folder");
	if (!mode || (strcmp(mode, "warn") != 0 && strcmp(mode, "quiet") != 0))
		return life_fail(&s->life, CODE_ARGUMENTS, err,
		    "resolve inputs: platform requested experimental feature "
		    "'export OCI layout': experimental features are disabled "
		    "by CNB_EXPERIMENTAL_MODE=error; set it to warn");
	if (strcmp(mode, "warn") == 0)
		life_say(&s->life, LEVEL_WARN,
		    "Platform requested experimental feature 'export OCI "
		    "layout'");
	return 0;
}

static void fill_life(struct session *s)
{
	char **v = s->in.value;
	const char *exec_env = getenv("CNB_EXEC_ENV");
	uint64_t id = 0;

	s->life.app = v[IN_APP];
	s->life.layers = v[IN_LAYERS];
	s->life.platform = v[IN_PLATFORM];
	s->life.buildpacks = v[IN_BUILDPACKS];
	s->life.extensions = v[IN_EXTENSIONS];
	s->life.build_config = v[IN_BUILD_CONFIG];
	s->life.exec_env = exec_env && exec_env[0] ? exec_env : "production";
	life_target_here(&s->life.target);
	(void)str_u64(str_z(v[IN_UID]), UINT32_MAX, &id);
	s->life.uid = (uid_t)id;
	id = 0;
	(void)str_u64(str_z(v[IN_GID]), UINT32_MAX, &id);
	s->life.gid = (gid_t)id;
}

/* --- privileges ----------------------------------------------------------- */

static int give_below(int dir, const struct life *l, struct error *err)
{
	scoped_names struct tree_names names = {0};

	if (tree_names(dir, &names, err) == -1)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		scoped_fd int sub = openat(dir, names.v[i],
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fchownat(dir, names.v[i], l->uid, l->gid,
		        AT_SYMLINK_NOFOLLOW) == -1)
			return error_sys(err, "chown volumes");
		if (sub != -1 && give_below(sub, l, err) == -1)
			return -1;
	}
	return 0;
}

/* A folder and all in it become the build user's. */
static int give(const char *path, const struct life *l, struct error *err)
{
	scoped_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir == -1)
		return path[0] && errno != ENOENT
		           ? error_sys(err, "open %s", path)
		           : 0;
	if (fchown(dir, l->uid, l->gid) == -1)
		return error_sys(err, "chown volumes");
	return give_below(dir, l, err);
}

/* Started by root, go on as the build's user. */
static int drop_root(struct session *s, struct error *err)
{
	const struct life *l = &s->life;

	if (geteuid() != 0 || l->uid == 0)
		return 0;
	if ((s->in.phase != REBASER && s->in.phase != EXPORTER &&
	        give(s->in.value[IN_LAYERS], l, err) == -1) ||
	    give(s->in.value[IN_CACHE_DIR], l, err) == -1)
		return -1;
	if (setgroups(0, NULL) == -1 || setgid(l->gid) == -1 ||
	    setuid(l->uid) == -1)
		return error_sys(err, "exec as user %u:%u", (unsigned)l->uid,
		    (unsigned)l->gid);
	return 0;
}

static int prepare(
    struct session *s, const struct program *p, struct error *err)
{
	if (read_level(s, err) == -1 || check_args(s, p, err) == -1 ||
	    check_images(s, p, err) == -1)
		return -1;
	if (p->never_root && geteuid() == 0)
		return life_fail(&s->life, CODE_FAILED, err,
		    "%s: refusing to run as root",
		    s->in.phase == DETECTOR ? "detect" : "build");
	fill_life(s);
	if (drop_root(s, err) == -1)
		return -1;
	return runner_open(&s->runner, err);
}

static int run(struct session *s, int argc, char **argv)
{
	const struct program *p = &programs[s->in.phase];
	struct error err = {0};

	if (read_api(s, &err) == -1)
		return session_fail(s, CODE_FAILED, &err);
	if (inputs_read(&s->in, argc, argv, &err) == -1) {
		error_wrap(&err, "parse arguments");
		return session_fail(s, CODE_ARGUMENTS, &err);
	}
	if (s->in.help)
		return inputs_help(&s->in), 0;
	if (s->in.version)
		return puts(LIFE_VERSION), 0;
	if (prepare(s, p, &err) == -1)
		return session_fail(s, CODE_FAILED, &err);
	return p->run(s);
}

int phase_run(int argc, char **argv)
{
	int phase = find(argv[0]), code;
	static struct session s;

	s.in.phase = (enum phase)phase;
	s.in.name = programs[phase].name;
	s.life.level = LEVEL_INFO;
	s.all.life = &s.life;
	s.runner.signals = -1;
	code = run(&s, argc, argv);
	buildpacks_release(&s.all);
	inputs_release(&s.in);
	fd_close(&s.runner.signals);
	return code;
}
