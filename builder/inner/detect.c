#include "detect.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "buildenv.h"
#include "convert.h"
#include "say.h"
#include "tree.h"

#define APP_DIR "/app"
#define OUTPUT_MAX (64 * 1024) /* of one bin/detect */
#define EXIT_DETECT_FAIL 100   /* "not my kind of app" */

enum verdict { UNASKED, PASS, FAIL, BROKEN };

struct answer {
	enum verdict verdict;
	char *reason;
	json_t *options;
};

struct asking {
	struct runner *runner;
	const struct buildpacks *all;
	const struct env *env;
	char tmp[32]; /* folder of the plan files */
	struct answer answers[BUILDPACKS_MAX];
	bool broken;
};

void detect_env(struct env *env, const struct buildpack *bp)
{
	env_set(env, STR("CNB_BUILDPACK_DIR"), str_z(bp->dir));
	env_set(env, STR("CNB_PLATFORM_DIR"), STR(PLATFORM_DIR));
	env_set(env, STR("CNB_APP_DIR"), STR(APP_DIR));
}

/* --- one buildpack -------------------------------------------------------- */

/* The first line with something in it, fit for a log. */
static char *first_line(const struct buf *output)
{
	struct str rest = buf_str(output), line;

	while (rest.len && str_split(&rest, '\n', &line)) {
		char *text;

		line = str_trim(str_sub(line, 0, 160));
		if (line.len == 0)
			continue;
		text = str_dup(line);
		for (char *c = text; *c; c++)
			*c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
		return text;
	}
	return xstrdup("");
}

static void say_output(const struct buf *output)
{
	struct str rest = buf_str(output), line;

	while (rest.len && str_split(&rest, '\n', &line))
		say_info(STR_FMT, STR_ARG(str_sub(line, 0, 500)));
}

/* What stands in the plan file that bin/detect wrote, if it did. */
static json_t *read_options(const char *path, struct error *err)
{
	struct error why = {0};
	json_t *file = convert_file(AT_FDCWD, path, &why), *options;

	if (!file && why.code == ERR_NOT_FOUND)
		file = json_object();
	if (!file) {
		*err = why;
		return NULL;
	}
	options = plan_options(file, err);
	json_decref(file);
	return options;
}

static int run_detect(struct asking *a, const struct buildpack *bp,
    const char *plan, struct buf *output, struct error *err)
{
	scoped_free char *program = xasprintf("%s/bin/detect", bp->dir);
	char *argv[] = {program, (char *)PLATFORM_DIR, (char *)plan, NULL};
	struct env *env = buildenv_copy(a->env);
	int code;

	if (!bp->clear_env)
		buildenv_add_platform(env);
	detect_env(env, bp);
	env_set(env, STR("CNB_BUILD_PLAN_PATH"), str_z(plan));
	code = run_wait(a->runner,
	    &(struct run){.argv = argv,
	        .env = env->items,
	        .dir = APP_DIR,
	        .output = output},
	    err);
	buildenv_free(env);
	return code;
}

static void ask(
    struct asking *a, const struct buildpack *bp, struct answer *answer)
{
	scoped_free char *plan = xasprintf("%s/%s.toml", a->tmp, bp->folder);
	scoped_buf struct buf output = BUF_INIT(OUTPUT_MAX);
	struct error err = {0};
	int fd = open(plan, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int code;

	fd_close(&fd);
	code = run_detect(a, bp, plan, &output, &err);
	if (code == 0)
		answer->options = read_options(plan + 1, &err);
	answer->verdict = code == EXIT_DETECT_FAIL ? FAIL
	                  : answer->options        ? PASS
	                                           : BROKEN;
	answer->reason = first_line(&output);
	if (answer->verdict != BROKEN)
		return;
	a->broken = true;
	say_wrong("%s %s: bin/detect failed (%s%d)", bp->id, bp->version,
	    err.msg[0] ? err.msg : "exit code ", code);
	say_output(&output);
}

static struct answer *answer_of(struct asking *a, const struct buildpack *bp)
{
	struct answer *answer = &a->answers[bp - a->all->v];

	if (answer->verdict == UNASKED)
		ask(a, bp, answer);
	return answer;
}

/* --- groups --------------------------------------------------------------- */

/* Does the group take the app? Fills *ret when it does. */
static bool try_group(
    struct asking *a, const struct group *g, struct detection *ret)
{
	struct plan_part parts[GROUP_MAX];
	const struct buildpack *members[GROUP_MAX];
	size_t n = 0;
	struct error unmet;

	for (int i = 0; i < g->n; i++) {
		struct answer *answer = answer_of(a, g->of[i].bp);

		if (answer->verdict != PASS && !g->of[i].optional)
			return false;
		if (answer->verdict != PASS)
			continue;
		parts[n] = (struct plan_part){
		    .options = answer->options, .optional = g->of[i].optional};
		members[n++] = g->of[i].bp;
	}
	if (plan_resolve(parts, n, &ret->entries, &unmet) == -1)
		return false;
	for (size_t i = 0; i < n; i++) {
		/* an entry names parts by number: none may be left out */
		ret->of[ret->n].bp = parts[i].keep ? members[i] : NULL;
		ret->of[ret->n++].reason =
		    xstrdup(answer_of(a, members[i])->reason);
	}
	return true;
}

static void say_chosen(const struct detection *d)
{
	for (int i = 0; i < d->n; i++) {
		const struct buildpack *bp = d->of[i].bp;

		if (bp)
			say_step("Detected: %s (%s %s)%s%s",
			    bp->name[0] ? bp->name : bp->id, bp->id,
			    bp->version, d->of[i].reason[0] ? ": " : "",
			    d->of[i].reason);
	}
}

/* --- nobody takes it ------------------------------------------------------ */

static void say_seen(void)
{
	scoped_fd int app = open(APP_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_names struct tree_names names = {0};
	scoped_buf struct buf list = BUF_INIT(400);
	struct error err;

	if (app == -1 || tree_names(app, &names, &err) == -1 || names.n == 0) {
		say_wrong("The commit has no files at its top.");
		return;
	}
	for (size_t i = 0; i < names.n && !list.bad; i++) {
		struct stat st;
		bool dir =
		    fstatat(app, names.v[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode);

		for (char *c = names.v[i]; *c; c++)
			*c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
		buf_addf(
		    &list, "%s%s%s", i ? ", " : "", names.v[i], dir ? "/" : "");
	}
	say_wrong("Files at the top of the commit: " STR_FMT "%s",
	    STR_ARG(buf_str(&list)), list.bad ? ", ..." : "");
}

/* "package.json" or "index.html, public/index.html" of what bp looks for. */
static void say_wanted(const struct buildpack *bp)
{
	scoped_buf struct buf list = BUF_INIT(400);
	json_t *file;
	size_t i;

	json_array_foreach(bp->files, i, file)
	{
		if (json_is_string(file))
			buf_addf(&list, "%s%s", i ? " or " : "",
			    json_string_value(file));
	}
	if (list.len)
		say_wrong("  %-14s %s", bp->name[0] ? bp->name : bp->id,
		    buf_z(&list));
	else
		say_wrong("  %s", bp->name[0] ? bp->name : bp->id);
}

static void say_none(const struct buildpacks *all)
{
	say_wrong("No buildpack takes this app.");
	say_seen();
	say_wrong("Add what one of these looks for at the top, commit, push "
	          "again:");
	for (int i = 0; i < all->n; i++)
		say_wanted(&all->v[i]);
}

/* -------------------------------------------------------------------------- */

static int choose(struct asking *a, struct detection *ret, struct error *err)
{
	for (int i = 0; i < a->all->ngroups; i++) {
		if (try_group(a, &a->all->groups[i], ret)) {
			say_chosen(ret);
			return 0;
		}
		if (a->runner->stop)
			return error_set(err, ERR_UNAVAILABLE, "cancelled");
	}
	say_none(a->all);
	if (a->broken)
		return error_set(err, ERR_INTERNAL,
		    "a buildpack's bin/detect failed and no other takes the "
		    "app");
	return error_set(err, ERR_NOT_FOUND,
	    "no buildpack takes this app: there is none of the files that "
	    "they look for");
}

int detect(struct runner *r, const struct buildpacks *all,
    const struct env *env, struct detection *ret, struct error *err)
{
	struct asking a = {.runner = r,
	    .all = all,
	    .env = env,
	    .tmp = "/tmp/lifecycle-XXXXXX"};
	struct error unused;
	int done;

	*ret = (struct detection){0};
	if (!mkdtemp(a.tmp))
		return error_sys(err, "make a folder in /tmp");
	done = choose(&a, ret, err);
	(void)tree_remove(AT_FDCWD, a.tmp, &unused);
	for (int i = 0; i < all->n; i++) {
		free(a.answers[i].reason);
		json_decref(a.answers[i].options);
	}
	return done;
}

void detection_release(struct detection *d)
{
	for (int i = 0; i < d->n; i++)
		free(d->of[i].reason);
	json_decref(d->entries);
	*d = (struct detection){0};
}
