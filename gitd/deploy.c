#include "deploy.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "ipc/msg.h"
#include "refs.h"

#define LOG_CHUNK 16384
#define REASON_MAX 100     /* of a ref's line in the report */
#define MOVE_AGAIN_MS 2000 /* after the disk said no */

static struct command *built(struct push *p)
{
	return &p->cmds.list[p->deploy];
}

void deploy_release(struct push *p)
{
	fd_close(&p->log);
	ev_timer_stop(&p->again);
}

static struct push *by_row(struct gitd *g, uint64_t row)
{
	struct push *p;

	list_each(p, &g->pushes, item)
	{
		if (p->row == row && p->stage == STAGE_BUILD)
			return p;
	}
	return NULL;
}

static struct push *by_question(struct gitd *g, uint32_t id)
{
	struct push *p;

	list_each(p, &g->pushes, item)
	{
		if (id && p->question == id)
			return p;
	}
	return NULL;
}

static void send_open(struct push *p)
{
	scoped_frame_out struct frame_out o = {0};
	const struct command *c = built(p);

	p->question = peer_next_id(p->g->web);
	o = frame_begin(MSG_PUSH_OPEN, p->question);
	frame_put_u64(&o, F_APP, p->app);
	frame_put_u64(&o, F_USER, p->user);
	frame_put_z(&o, F_REF, c->name);
	frame_put_z(&o, F_OLD, c->old);
	frame_put_z(&o, F_NEW, c->new);
	for (size_t i = 0; i < p->noptions; i++) {
		if (o.bytes.len + 2048 < FRAME_MAX)
			frame_put_z(&o, F_OPTION, p->options[i]);
	}
	(void)peer_send(p->g->web, &o); /* if it fails, web comes up again */
}

static void send_watch(struct push *p)
{
	scoped_frame_out struct frame_out o = {0};

	p->question = peer_next_id(p->g->web);
	o = frame_begin(MSG_PUSH_WATCH, p->question);
	frame_put_u64(&o, F_PUSH, p->row);
	(void)peer_send(p->g->web, &o);
}

static void send_settled(struct gitd *g, uint64_t row)
{
	scoped_frame_out struct frame_out o = frame_begin(MSG_PUSH_SETTLED, 0);

	frame_put_u64(&o, F_PUSH, row);
	if (peer_send(g->web, &o) == -1)
		log_info("web is away, push=%" PRIu64 " is settled later", row);
}

void deploy_start(struct push *p)
{
	push_move(p, STAGE_OPEN);
	if (p->g->synced)
		send_open(p);
}

/* Send what the log has and the client takes. */
void deploy_pump(struct push *p)
{
	scoped_free char *chunk = NULL;

	if (p->stage != STAGE_BUILD && p->stage != STAGE_DRAIN)
		return;
	while (p->log != -1 && p->out && !p->out->dropped) {
		scoped_buf struct buf text = BUF_INIT(LOG_CHUNK);
		ssize_t n;

		if (stream_full(p->out))
			return; /* and come again when there is room */
		chunk = chunk ? chunk : xmalloc(LOG_CHUNK);
		n = pread(p->log, chunk, LOG_CHUNK, p->log_at);
		if (n <= 0)
			break;
		p->log_at += n;
		clean_text(&p->clean, str_make(chunk, (size_t)n), &text);
		push_say(p, buf_str(&text));
	}
	if (p->stage == STAGE_DRAIN)
		push_finish(p);
}

static void room(void *ctx)
{
	deploy_pump(ctx);
}

/* The first line of why a build was refused, short. */
static void refuse(struct push *p, struct str why)
{
	struct str line;

	(void)str_split(&why, '\n', &line);
	line = str_sub(str_trim(line), 0, REASON_MAX);
	if (!line.len)
		line = STR("build failed");
	command_refuse(built(p), STR_FMT, STR_ARG(line));
	if (p->caps.atomic)
		commands_refuse(&p->cmds, "atomic push failure");
}

static void settle(struct push *p, bool accepted);

static void move_again(struct ev_timer *t)
{
	settle(container_of(t, struct push, again), true);
}

/*
 * Move the ref of a release that is live. What only the disk can refuse is
 * tried again: web keeps the row, so a restart does not forget it either.
 */
static int accept(struct push *p)
{
	struct error err = {0};

	built(p)->waits = false;
	if (refs_move(p->repo->path, &p->cmds, p->caps.atomic, p->row, &err) ==
	    -1) {
		log_error("ref of a live release not moved yet push=%" PRIu64
		          " repo=%s: %s",
		    p->row, p->repo->name, err.msg);
		built(p)->waits = true;
		p->again.fire = move_again;
		ev_timer_set(p->g->ev, &p->again, MOVE_AGAIN_MS);
		return -1;
	}
	if (built(p)->why)
		log_error("release is live but its ref did not move "
		          "push=%" PRIu64 " repo=%s: %s",
		    p->row, p->repo->name, built(p)->why);
	return 0;
}

static void unkeep(struct push *p)
{
	struct error err = {0};

	if (refs_unkeep(p->repo->path, p->row, &err) == -1)
		log_warn("push=%" PRIu64 ": %s", p->row, err.msg);
}

/* The refs follow what was decided. p may be gone afterwards. */
static void settle(struct push *p, bool accepted)
{
	if (accepted && accept(p) == -1)
		return;
	if (!accepted)
		unkeep(p);
	send_settled(p->g, p->row);
	log_info("push decided push=%" PRIu64 " repo=%s accepted=%d", p->row,
	    p->repo->name, accepted);
	push_move(p, STAGE_DRAIN);
	deploy_pump(p);
}

/* web's last word. p may be gone afterwards. */
static void decide(struct push *p, enum push_state state, struct str why)
{
	if (state != PUSH_ACCEPTED)
		refuse(p, why);
	settle(p, state == PUSH_ACCEPTED);
}

void deploy_opened(struct gitd *g, struct frame *f)
{
	struct push *p = by_question(g, f->id);
	struct error err = {0};

	if (!p)
		p = by_row(g, frame_u64(f, F_PUSH));
	if (!p || (p->stage != STAGE_OPEN && p->stage != STAGE_BUILD))
		return;
	p->question = 0;
	p->row = frame_u64(f, F_PUSH);
	fd_close(&p->log);
	p->log = frame_take_fd(f, 0);
	if (p->stage == STAGE_OPEN)
		push_move(p, STAGE_BUILD);
	if (refs_keep(p->repo->path, p->row, built(p)->new, &err) == -1)
		log_warn("push=%" PRIu64 ": %s", p->row, err.msg);
	if (p->out) {
		p->out->room = room;
		p->out->room_ctx = p;
	}
	deploy_pump(p);
}

void deploy_tick(struct gitd *g, struct frame *f)
{
	struct push *p = by_row(g, frame_u64(f, F_PUSH));

	if (p)
		deploy_pump(p);
}

void deploy_decided(struct gitd *g, struct frame *f)
{
	struct push *p = by_row(g, frame_u64(f, F_PUSH));
	enum push_state state = (enum push_state)frame_u64(f, F_STATE);

	if (p && !p->again.at_ms && state != PUSH_BUILDING)
		decide(p, state, frame_str(f, F_TEXT));
}

/*
 * ERROR to an OPEN: there is no build. To a WATCH: the row is lost, or only
 * the log can't be read and the decision is still to come.
 */
bool deploy_answer(struct gitd *g, struct frame *f)
{
	struct push *p = by_question(g, f->id);
	struct error err = {0};

	if (!p || f->type != MSG_ERROR)
		return false;
	frame_error(f, &err);
	p->question = 0;
	if (p->stage == STAGE_BUILD && err.code != ERR_NOT_FOUND) {
		log_warn(
		    "push not watched push=%" PRIu64 ": %s", p->row, err.msg);
		return true;
	}
	refuse(p, str_z(err.msg));
	if (p->stage == STAGE_BUILD)
		unkeep(p);
	if (p->stage == STAGE_OPEN) {
		scoped_buf struct buf text = BUF_INIT(512);

		buf_addf(&text, "%s\n", err.msg);
		push_say(p, buf_str(&text));
	}
	push_finish(p);
	return true;
}

static bool is_about(struct push *p, uint64_t repo, const struct frame *f)
{
	const struct command *c = built(p);

	return p->repo->id == repo && str_eqz(frame_str(f, F_REF), c->name) &&
	       str_eqz(frame_str(f, F_OLD), c->old) &&
	       str_eqz(frame_str(f, F_NEW), c->new);
}

/* Whose row is this: of a push that we know, or of one before our start? */
static struct push *owner_of(struct gitd *g, const struct frame *f)
{
	uint64_t repo_id = frame_u64(f, F_REPO);
	struct error err = {0};
	struct repo *repo;
	struct push *p;

	list_each(p, &g->pushes, item)
	{
		if (p->stage == STAGE_OPEN && is_about(p, repo_id, f)) {
			push_move(p, STAGE_BUILD);
			return p;
		}
	}
	repo = repo_of_app(g, repo_id, &err);
	if (!repo) {
		log_error("push=%" PRIu64 " not followed: %s",
		    frame_u64(f, F_PUSH), err.msg);
		return NULL;
	}
	p = push_found(repo, frame_str(f, F_REF), frame_str(f, F_OLD),
	    frame_str(f, F_NEW));
	p->app = frame_u64(f, F_APP);
	repo_leave(repo);
	return p;
}

void deploy_row(struct gitd *g, struct frame *f)
{
	enum push_state state = (enum push_state)frame_u64(f, F_STATE);
	uint64_t row = frame_u64(f, F_PUSH);
	struct push *p;

	if (by_row(g, row))
		return; /* it is watched since web came up */
	p = owner_of(g, f);
	if (!p)
		return;
	p->row = row;
	if (state == PUSH_BUILDING)
		send_watch(p);
	else
		decide(p, state, frame_str(f, F_TEXT));
}

/* A push of this repository that is not over yet. */
static struct push *of_repo(struct gitd *g, uint64_t repo)
{
	struct push *p;

	list_each(p, &g->pushes, item)
	{
		if (p->repo->id == repo && p->stage != STAGE_DRAIN)
			return p;
	}
	return NULL;
}

void deploy_dropped(struct gitd *g, uint64_t repo)
{
	struct error err = {0};
	struct push *p;

	error_set(&err, ERR_NOT_FOUND, "the app was destroyed");
	/* The end of one may begin, and end, another: look from the start. */
	while ((p = of_repo(g, repo)) != NULL) {
		if (p->stage != STAGE_OPEN && p->stage != STAGE_BUILD) {
			push_fail(p, &err);
			continue;
		}
		refuse(p, str_z(err.msg));
		push_finish(p);
	}
}

void deploy_web_up(struct gitd *g)
{
	struct push *p;

	list_each(p, &g->pushes, item)
	{
		p->question = 0;
		if (p->stage == STAGE_BUILD)
			send_watch(p);
	}
}

void deploy_web_listed(struct gitd *g)
{
	struct push *p;

	list_each(p, &g->pushes, item)
	{
		if (p->stage == STAGE_OPEN)
			send_open(p);
	}
}
