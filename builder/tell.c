/* What web is told about a build: its log grows, its stages, its end. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "build.h"

/* --- log and stages ------------------------------------------------------- */

void tell_grown(struct blog *l)
{
	struct build *bd = container_of(l, struct build, log);
	struct frame_out o = frame_begin(MSG_BUILD_TICK, 0);

	frame_put_u64(&o, F_BUILD, bd->id);
	frame_put_u64(&o, F_OFFSET, blog_size(l));
	(void)peer_send(
	    bd->b->web, &o); /* it looks by itself when it is back */
}

static void send_stages(struct build *bd)
{
	for (size_t i = 0; i < bd->nstages; i++) {
		const struct stage *s = &bd->stages[i];
		struct frame_out o = frame_begin(MSG_BUILD_STAGE, 0);

		frame_put_u64(&o, F_BUILD, bd->id);
		frame_put_z(&o, F_STAGE, s->name);
		frame_put_u64(&o, F_MS, s->ms);
		frame_put_u64(&o, F_CACHED, s->cached);
		if (bd->stage_told[i])
			frame_out_release(&o);
		else if (peer_send(bd->b->web, &o) == 0)
			bd->stage_told[i] = true;
	}
}

void tell_stage(struct build *bd, const char *name, uint64_t ms, bool cached)
{
	size_t i = 0;

	while (i < bd->nstages && strcmp(bd->stages[i].name, name) != 0)
		i++;
	if (i == RESULT_STAGES_MAX)
		return;
	if (i == bd->nstages)
		bd->nstages++;
	str_copy(str_z(name), bd->stages[i].name, sizeof(bd->stages[i].name));
	bd->stages[i].ms = ms;
	bd->stages[i].cached = cached;
	bd->stage_told[i] = false;
	send_stages(bd);
}

/* --- the end -------------------------------------------------------------- */

static void answered(struct ask *a, const struct error *err)
{
	struct build *bd = container_of(a, struct build, tell);

	if (err)
		log_error("web did not take the end of build=%" PRIu64 ": %s",
		    bd->id, err->msg);
	bd->told = true;
	builder_next(bd->b);
}

static void put_image(const struct build *bd, struct frame_out *o)
{
	const struct result *r = &bd->result;

	frame_put_z(o, F_IMAGE, r->image);
	if (r->app_json)
		frame_put_z(o, F_APP_JSON, r->app_json);
	for (size_t i = 0; i < r->nlayers; i++)
		frame_put_z(o, F_LAYER, r->layers[i]);
	for (size_t i = 0; i < r->nbuildpacks; i++)
		frame_put_z(o, F_BUILDPACK, r->buildpacks[i]);
	for (size_t i = 0; i < r->nprocesses; i++) {
		frame_put_z(o, F_PTYPE, r->processes[i].type);
		frame_put_z(o, F_COMMAND, r->processes[i].command);
	}
}

static int send_end(struct build *bd, bool image, struct error *err)
{
	struct frame_out o = ask_begin(
	    &bd->tell, bd->b->web, image ? MSG_BUILD_DONE : MSG_BUILD_FAILED);

	bd->tell.answered = answered;
	frame_put_u64(&o, F_BUILD, bd->id);
	if (image)
		put_image(bd, &o);
	else
		frame_put_z(&o, F_TEXT, bd->reason);
	return ask_send(&bd->b->asks, &bd->tell, &o, err);
}

void tell_again(struct build *bd)
{
	struct error err = {0};

	if (!peer_is_up(bd->b->web))
		return;
	send_stages(bd);
	if (bd->state != ENDED || bd->told || bd->tell.id)
		return;
	if (send_end(bd, !bd->reason[0], &err) == -1) {
		str_copy(STR("the image's description does not fit into a "
		             "message"),
		    bd->reason, sizeof(bd->reason));
		(void)send_end(bd, false, &err);
	}
}
