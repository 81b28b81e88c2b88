/* The steps of a build: source and buildpacks, export, store. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/rand.h"
#include "bases.h"
#include "build.h"

#define INNER "/cnb/lifecycle/inner"
#define PIPE_BYTES (1 << 20) /* of the source: fewer turns for two programs */
#define EXPORT_MS 600000     /* hashing and copying, no strangers at work */
#define CONFIG_BLOB "config.json"
#define SOURCE_KIND "source" /* inner's word for a stream that was cut off */

/* --- jobs ----------------------------------------------------------------- */

/* The build image, below what the last build left for this one. */
static size_t put_layers(
    const struct build *bd, const char *layers[RESULT_LAYERS_MAX])
{
	size_t n = 0;

	layers[n++] = bases_digest(bd->b->bases, BASE_BUILD);
	/* neither the run image, which is the first, nor the app, the last */
	for (size_t i = 1; i + 1 < bd->nprevious; i++)
		layers[n++] = bd->previous[i];
	return n;
}

static int start_job(struct build *bd, struct job_order *o, struct error *err)
{
	const char *layers[RESULT_LAYERS_MAX];

	o->app = bd->app;
	o->app_name = bd->app_name;
	o->work = bd->work;
	o->layers = layers;
	o->nlayers = put_layers(bd, layers);
	return job_start(&bd->job, o, err);
}

static int start_build(struct build *bd, int source, struct error *err)
{
	const struct settings *s = bd->b->settings;
	char files[32], bytes[32];
	const char *const args[] = {INNER, "build", files, bytes, NULL};
	struct job_order o = {.kind = KIND_BUILD,
	    .ms = s->build_seconds * 1000 + BUILD_SPARE_MS,
	    .args = args,
	    .env = (const char *const *)bd->b->proxy->env,
	    .input = source,
	    .config = bd->config};

	snprintf(files, sizeof(files), "files=%" PRIu64, s->source_files);
	snprintf(bytes, sizeof(bytes), "bytes=%" PRIu64, s->source_bytes);
	return start_job(bd, &o, err);
}

static int start_export(struct build *bd, struct error *err)
{
	const struct settings *s = bd->b->settings;
	char base[80], files[32], bytes[32];
	const char *const args[] = {INNER, "export", base, files, bytes, NULL};
	struct job_order o = {.kind = KIND_EXPORT,
	    .ms = EXPORT_MS,
	    .args = args,
	    .input = -1,
	    .config = -1};

	snprintf(base, sizeof(base), "base=%s",
	    bases_digest(bd->b->bases, BASE_RUN));
	snprintf(files, sizeof(files), "files=%" PRIu64, s->build_inodes);
	snprintf(bytes, sizeof(bytes), "bytes=%" PRIu64, s->build_disk_bytes);
	return start_job(bd, &o, err);
}

/* --- begin ---------------------------------------------------------------- */

static void decide_build(struct build *bd);

/*
 * What a job says of a source that was cut off is not the reason, nor is
 * what a worker says whose reader has died: both ends are waited for.
 */
static void source_ended(void *ctx, const struct error *err)
{
	struct build *bd = ctx;

	bd->source = NULL;
	if (err)
		bd->source_err = *err;
	if (!job_runs(&bd->job))
		decide_build(bd);
}

static int begin(struct build *bd, struct error *err)
{
	scoped_fd int in = -1, out = -1;
	struct source_job job = {.repo = bd->repo,
	    .commit = bd->commit,
	    .ctx = bd,
	    .ended = source_ended};
	int fds[2];

	if (fd_pipe(fds, err) == -1)
		return -1;
	in = fds[0];
	job.out = out = fds[1];
	(void)fcntl(out, F_SETPIPE_SZ, PIPE_BYTES);
	bd->source = source_start(bd->b, &job, err);
	return bd->source ? start_build(bd, in, err) : -1;
}

void build_begin(struct build *bd)
{
	struct error err = {0};

	if (bd->attempts == 0)
		tell_stage(
		    bd, "queue", ev_now_ms(bd->b->ev) - bd->queued_ms, false);
	bd->attempts++;
	bd->work = rand_u64() | 1;
	bd->begun_ms = ev_now_ms(bd->b->ev);
	bd->sandbox_ms = 0;
	bd->source_err = (struct error){0};
	ev_timer_set(
	    bd->b->ev, &bd->deadline, bd->b->settings->build_seconds * 1000);
	blog_say(&bd->log, "-----> Building %.7s on Debian 13", bd->commit);
	build_move(bd, BUILDING, "its turn");
	if (begin(bd, &err) == -1)
		build_end(bd, err.msg);
}

/* --- what jobs leave ------------------------------------------------------ */

/* Tell the stages; what is no part of them is the container's making. */
static void take_stages(struct build *bd)
{
	const struct result *r = &bd->result;
	uint64_t inside = 0, all = ev_now_ms(bd->b->ev) - bd->job.asked_ms;

	for (size_t i = 0; i < r->nstages; i++) {
		tell_stage(bd, r->stages[i].name, r->stages[i].ms,
		    r->stages[i].cached);
		inside += r->stages[i].ms;
	}
	bd->sandbox_ms += all > inside ? all - inside : 0;
}

/* Read the report. False when the job failed, which is told. */
static bool take_result(struct build *bd)
{
	char why[REASON_SIZE];
	struct error err = {0};

	result_release(&bd->result);
	if (result_parse(buf_str(&bd->job.report_text), &bd->result, &err) ==
	    -1)
		log_info("build=%" PRIu64 ": %s", bd->id, err.msg);
	take_stages(bd);
	if (!bd->job.refused && reason_none(&bd->job.ending, &bd->result))
		return true;
	reason_of(bd->b->settings, &bd->job.ending, &bd->result, why);
	if (bd->job.refused)
		build_end(bd, bd->job.ending.text);
	else if (strcmp(bd->result.kind, SOURCE_KIND) == 0 &&
	         bd->source_err.code)
		build_end(bd, bd->source_err.msg);
	else
		build_end(bd, why);
	return false;
}

/*
 * A layer of the last image may be missing in the store: then this build
 * starts with none of them.
 */
static bool try_without_previous(struct build *bd)
{
	struct error err = {0};

	if (!bd->job.refused || bd->nprevious == 0)
		return false;
	log_warn("build tried without its last image build=%" PRIu64 ": %s",
	    bd->id, bd->job.ending.text);
	bd->nprevious = 0;
	bd->source_err = (struct error){0};
	if (begin(bd, &err) == -1)
		build_end(bd, err.msg);
	return true;
}

/* The build's job and its source are both at their end. */
static void decide_build(struct build *bd)
{
	struct error err = {0};

	if (try_without_previous(bd) || !take_result(bd))
		return;
	build_move(bd, EXPORTING, "built");
	if (start_export(bd, &err) == -1)
		build_end(bd, err.msg);
}

/* --- store ---------------------------------------------------------------- */

static bool is_new(const struct build *bd, const char *digest)
{
	for (size_t i = 0; i < bd->result.nputs; i++)
		if (strcmp(bd->result.puts[i].digest, digest) == 0)
			return true;
	return false;
}

static bool is_old(const struct build *bd, const char *digest)
{
	for (size_t i = 0; i < bd->nprevious; i++)
		if (strcmp(bd->previous[i], digest) == 0)
			return true;
	return strcmp(bases_digest(bd->b->bases, BASE_RUN), digest) == 0;
}

/* Every layer is new, or of the app's last image: a build names no other. */
static bool is_sound(const struct build *bd)
{
	const struct result *r = &bd->result;

	for (size_t i = 0; i < r->nlayers; i++)
		if (!is_new(bd, r->layers[i]) && !is_old(bd, r->layers[i]))
			return false;
	return r->image[0] && r->nlayers >= 3;
}

static void say_timings(struct build *bd)
{
	scoped_buf struct buf text = BUF_INIT(900);
	uint64_t all = ev_now_ms(bd->b->ev) - bd->begun_ms;

	/* the first one is the wait before it */
	for (size_t i = 1; i < bd->nstages; i++)
		buf_addf(&text, "%s%s %" PRIu64 " ms", i > 1 ? ", " : "",
		    bd->stages[i].name, bd->stages[i].ms);
	blog_say(&bd->log, "-----> Built in %" PRIu64 ".%" PRIu64 " s",
	    all / 1000, all % 1000 / 100);
	blog_say(&bd->log, "       %s", buf_z(&text));
}

static void store_next(struct build *bd);

static void stored(struct ask *a, const struct error *err)
{
	struct build *bd = container_of(a, struct build, store);

	if (err) {
		build_end(bd, err->msg);
		return;
	}
	bd->nstored++;
	store_next(bd);
}

/* The layers one after the other, then the config, then it is an image. */
static void store_next(struct build *bd)
{
	const struct result *r = &bd->result;
	bool blob = bd->nstored == r->nputs;
	struct error err = {0};
	struct frame_out o;

	if (bd->nstored > r->nputs) {
		tell_stage(
		    bd, "store", ev_now_ms(bd->b->ev) - bd->step_ms, false);
		tell_stage(bd, "sandbox", bd->sandbox_ms, false);
		say_timings(bd);
		build_end(bd, "");
		return;
	}
	o = ask_begin(&bd->store, bd->b->plan, MSG_STORE_PUT);
	bd->store.answered = stored;
	frame_put_u64(&o, F_WORK, bd->work);
	frame_put_z(&o, F_NAME, blob ? CONFIG_BLOB : r->puts[bd->nstored].name);
	frame_put_z(
	    &o, F_DIGEST, blob ? r->image : r->puts[bd->nstored].digest);
	frame_put_u64(&o, F_OP, blob);
	if (ask_send(&bd->b->asks, &bd->store, &o, &err) == -1)
		build_end(bd, err.msg);
}

static void decide_export(struct build *bd)
{
	if (!take_result(bd))
		return;
	if (!is_sound(bd)) {
		build_end(bd, "the image names layers that are not its own");
		return;
	}
	build_move(bd, STORING, "exported");
	bd->nstored = 0;
	store_next(bd);
}

void build_job_ended(struct job *j)
{
	struct build *bd = container_of(j, struct build, job);

	builder_next(bd->b);
	if (bd->state == BUILDING && !bd->source)
		decide_build(bd);
	else if (bd->state == EXPORTING)
		decide_export(bd);
}
