#include "ask.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "buildenv.h"
#include "convert.h"
#include "detect.h"
#include "report.h"
#include "say.h"
#include "tree.h"

#define OUTPUT_MAX (64 * 1024) /* of one bin/detect */
#define EXIT_DETECT_FAIL 100   /* "not my kind of app" */

/* --- answers -------------------------------------------------------------- */

struct answer *ask_answer(struct asking *a, const struct buildpack *bp)
{
	for (int i = 0; i < a->n; i++)
		if (a->answers[i].bp == bp)
			return &a->answers[i];
	a->answers[a->n] =
	    (struct answer){.bp = bp, .output = BUF_INIT(OUTPUT_MAX)};
	return &a->answers[a->n++];
}

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

/* What stands in the plan file that bin/detect wrote, if it did. */
static json_t *read_options(const char *path, struct error *err)
{
	struct error why = {0};
	json_t *file = convert_path(path, &why), *options;

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

static void say_output(const struct buf *output)
{
	struct str rest = buf_str(output), line;

	while (rest.len && str_split(&rest, '\n', &line))
		say_info(STR_FMT, STR_ARG(str_sub(line, 0, 500)));
}

static void settle(struct asking *a, struct answer *answer, const char *plan)
{
	struct error err = {0};

	if (answer->code == 0)
		answer->options = read_options(plan, &err);
	answer->verdict = answer->code == EXIT_DETECT_FAIL ? FAIL
	                  : answer->options                ? PASS
	                                                   : BROKEN;
	answer->reason = first_line(&answer->output);
	if (answer->verdict != BROKEN)
		return;
	a->broken = true;
	if (err.code) {
		answer->code = -1;
		buf_addf(&answer->output, "%s\n", err.msg);
	}
	if (!a->life->heroku)
		return;
	say_wrong("%s %s: bin/detect failed (%s%d)", answer->bp->id,
	    answer->bp->version, err.msg[0] ? err.msg : "exit code ",
	    answer->code);
	say_output(&answer->output);
}

/* --- asking --------------------------------------------------------------- */

struct question {
	struct answer *answer;
	struct env *env;
	char *program, *plan;
	char *argv[4];
};

static void prepare(struct asking *a, struct answer *answer, struct question *q,
    struct run *run)
{
	const struct buildpack *bp = answer->bp;
	int fd;

	q->answer = answer;
	q->program = xasprintf("%s/bin/detect", bp->dir);
	q->plan = xasprintf("%s/%s%d.toml", a->tmp, bp->folder, bp->extension);
	fd = open(q->plan, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	fd_close(&fd);
	q->argv[0] = q->program;
	q->argv[1] = (char *)a->life->platform;
	q->argv[2] = q->plan;
	q->argv[3] = NULL;
	q->env = buildenv_copy(a->env);
	if (!bp->clear_env)
		buildenv_add_platform(a->life, q->env);
	buildenv_add_operator(a->life, q->env);
	detect_env(a->life, q->env, bp);
	env_set(q->env, STR("CNB_BUILD_PLAN_PATH"), str_z(q->plan));
	*run = (struct run){.argv = q->argv,
	    .env = q->env->items,
	    .dir = a->life->app,
	    .output = &answer->output};
}

/* An extension without bin/detect agrees. */
static bool needs_no_run(struct answer *answer)
{
	scoped_free char *program = xasprintf("%s/bin/detect", answer->bp->dir);

	if (!answer->bp->extension || access(program, F_OK) == 0)
		return false;
	answer->verdict = PASS;
	answer->reason = xstrdup("");
	answer->options = json_pack("[{s:[], s:[]}]", "provides", "requires");
	return true;
}

/* All members that were not asked yet, at once. */
void ask_all(struct asking *a, const struct members *m)
{
	struct question q[GROUP_MAX];
	struct run runs[GROUP_MAX];
	size_t n = 0;

	for (int i = 0; i < m->n; i++) {
		struct answer *answer = ask_answer(a, m->of[i].bp);

		if (answer->verdict != UNASKED || needs_no_run(answer))
			continue;
		prepare(a, answer, &q[n], &runs[n]);
		n++;
	}
	run_all(a->runner, runs, n);
	for (size_t i = 0; i < n; i++) {
		q[i].answer->code = runs[i].code;
		settle(a, q[i].answer, q[i].plan);
		buildenv_free(q[i].env);
		free(q[i].program);
		free(q[i].plan);
	}
}

/* --- what is told at the end ---------------------------------------------- */

void ask_note(struct asking *a, enum level level, const char *fmt, ...)
{
	char text[OUTPUT_MAX + 256];
	va_list args;

	if (a->life->heroku)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	json_array_append_new(
	    a->notes, json_pack("{s:i, s:o}", "level", (int)level, "text",
	                  report_text(text)));
}

void ask_tell(struct asking *a, bool all)
{
	json_t *note;
	size_t i;

	json_array_foreach(a->notes, i, note)
	{
		enum level level = (enum level)json_integer_value(
		    json_object_get(note, "level"));

		life_say_text(a->life, all ? LEVEL_INFO : level,
		    json_string_value(json_object_get(note, "text")));
	}
	json_array_clear(a->notes);
}

/* -------------------------------------------------------------------------- */

int ask_open(struct asking *a, struct error *err)
{
	str_copy(STR("/tmp/lifecycle-XXXXXX"), a->tmp, sizeof(a->tmp));
	if (!mkdtemp(a->tmp))
		return error_sys(err, "make a folder in /tmp");
	a->notes = json_array();
	return 0;
}

void ask_close(struct asking *a)
{
	struct error unused;

	(void)tree_remove(AT_FDCWD, a->tmp, &unused);
	for (int i = 0; i < a->n; i++) {
		free(a->answers[i].reason);
		buf_release(&a->answers[i].output);
		json_decref(a->answers[i].options);
	}
	json_decref(a->notes);
}
