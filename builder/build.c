#include "build.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

#define CONFIG_MAX (4u << 20)

#define TO(state) (1u << (state))
static const struct {
	const char *name;
	unsigned next;
} states[] = {
    [QUEUED] = {"queued", TO(BUILDING) | TO(ENDED)},
    [BUILDING] = {"building", TO(EXPORTING) | TO(QUEUED) | TO(ENDED)},
    [EXPORTING] = {"exporting", TO(STORING) | TO(QUEUED) | TO(ENDED)},
    [STORING] = {"storing", TO(QUEUED) | TO(ENDED)},
    [ENDED] = {"ended", 0},
};

void build_move(struct build *bd, enum build_state to, const char *why)
{
	assert(states[bd->state].next & TO(to));
	log_info("build moved app=%s build=%" PRIu64 " from=%s to=%s why=%s",
	    bd->app_name, bd->id, states[bd->state].name, states[to].name,
	    log_quote(str_z(why)));
	bd->state = to;
	bd->step_ms = ev_now_ms(bd->b->ev);
	builder_next(bd->b);
}

/* --- what its log says ---------------------------------------------------- */

void build_say_waiting(struct build *bd, size_t before)
{
	if (!bd->said_waiting)
		blog_say(&bd->log,
		    "-----> Waiting for %zu build%s before this one", before,
		    before == 1 ? "" : "s");
	bd->said_waiting = true;
}

void build_say_bases(struct build *bd)
{
	if (!bd->said_bases) {
		blog_say(
		    &bd->log, "-----> Importing the base images, this once");
		bd->bases_ms = ev_now_ms(bd->b->ev);
	}
	bd->said_bases = true;
}

void build_say_imported(struct build *bd)
{
	if (bd->said_bases)
		blog_say(&bd->log, "       Imported in %.1f s",
		    (double)(ev_now_ms(bd->b->ev) - bd->bases_ms) / 1000);
}

/* --- its end -------------------------------------------------------------- */

/* All that is under way stops; a job that runs is waited for. */
static void stop_all(struct build *bd)
{
	ev_timer_stop(&bd->deadline);
	source_stop(take(bd->source));
	ask_forget(&bd->store);
	job_cancel(&bd->job);
}

static void drop_work(struct build *bd)
{
	if (bd->work)
		builder_drop_work(bd->b, bd->work);
	bd->work = 0;
}

bool build_at_work(const struct build *bd)
{
	return (bd->state != QUEUED && bd->state != ENDED) ||
	       job_runs(&bd->job);
}

bool build_over(struct build *bd)
{
	if (bd->state != ENDED || job_runs(&bd->job))
		return false;
	drop_work(bd);
	return bd->told;
}

void build_end(struct build *bd, const char *reason)
{
	stop_all(bd);
	blog_flush(&bd->log);
	snprintf(bd->reason, sizeof(bd->reason), "%s", reason);
	build_move(bd, ENDED, reason[0] ? reason : "image stored");
	tell_again(bd);
}

void build_cancel(struct build *bd)
{
	bd->told = true;
	if (bd->state != ENDED)
		build_end(bd, "cancelled");
	builder_next(bd->b);
}

void build_lost(struct build *bd)
{
	job_lost(&bd->job);
	drop_work(bd);
	if (bd->state == QUEUED || bd->state == ENDED)
		return;
	stop_all(bd);
	blog_flush(&bd->log);
	if (bd->attempts >= BUILD_ATTEMPTS) {
		build_end(bd,
		    "the platform's planner stopped three times during this "
		    "build; push again, or look into its log");
		return;
	}
	blog_say(&bd->log,
	    "-----> The platform's planner was restarted, the build starts "
	    "again (%u of %d)",
	    bd->attempts + 1, BUILD_ATTEMPTS);
	build_move(bd, QUEUED, "plan is gone");
}

/* --- from web ------------------------------------------------------------- */

struct build *build_find(struct builder *b, uint64_t id)
{
	struct build *bd;

	list_each(bd, &b->builds, of_builder)
	{
		if (bd->id == id)
			return bd;
	}
	return NULL;
}

static void read_previous(struct build *bd, const struct frame *f)
{
	struct str value;
	uint16_t tag;
	size_t pos = 0;

	bd->previous = xcalloc(RESULT_LAYERS_MAX, sizeof(*bd->previous));
	while (frame_next(f, &pos, &tag, &value))
		if (tag == F_LAYER && bd->nprevious < RESULT_LAYERS_MAX)
			str_copy(
			    value, bd->previous[bd->nprevious++], DIGEST_SIZE);
}

static void job_prints(struct job *j, struct str bytes)
{
	blog_copy(&container_of(j, struct build, job)->log, bytes);
}

static void deadline_fired(struct ev_timer *t)
{
	struct build *bd = container_of(t, struct build, deadline);
	char why[REASON_SIZE];

	reason_late(bd->b->settings, why);
	build_end(bd, why);
}

struct build *build_new(struct builder *b, struct frame *f, struct error *err)
{
	scoped_buf struct buf config = BUF_INIT(CONFIG_MAX);
	struct build *bd;

	if (fd_sealed_read(f->fds[1], &config, err) == -1) {
		error_wrap(err, "config vars");
		return NULL;
	}
	bd = xcalloc(1, sizeof(*bd));
	bd->b = b;
	bd->id = frame_u64(f, F_BUILD);
	bd->app = frame_u64(f, F_APP);
	bd->repo = frame_u64(f, F_REPO);
	str_copy(frame_str(f, F_APP_NAME), bd->app_name, sizeof(bd->app_name));
	str_copy(frame_str(f, F_COMMIT), bd->commit, sizeof(bd->commit));
	read_previous(bd, f);
	bd->queued_ms = bd->step_ms = ev_now_ms(b->ev);
	bd->deadline.fire = deadline_fired;
	job_init(&bd->job, b, job_prints, build_job_ended);
	blog_open(
	    &bd->log, b->ev, frame_take_fd(f, 0), buf_str(&config), tell_grown);
	bd->config = frame_take_fd(f, 1);
	list_add(&b->builds, &bd->of_builder);
	if (config.p)
		explicit_bzero(config.p, config.len);
	log_info("build queued app=%s build=%" PRIu64, bd->app_name, bd->id);
	return bd;
}

void build_free(struct build *bd)
{
	ev_timer_stop(&bd->deadline);
	source_stop(take(bd->source));
	ask_forget(&bd->store);
	ask_forget(&bd->tell);
	job_release(&bd->job);
	result_release(&bd->result);
	blog_close(&bd->log);
	fd_close(&bd->config);
	list_del(&bd->of_builder);
	free(bd->previous);
	free(bd);
}
