#include "push.h"

#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "deploy.h"
#include "policy.h"
#include "refs.h"
#include "report.h"

#define KEEPALIVE_MS 5000 /* as git receive-pack does */
#define OPTIONS_MAX 64    /* the worker's limit too */
#define RESULT_TYPE "application/x-git-receive-pack-result"

#define TO(stage) (1u << (stage))
static const struct {
	const char *name;
	unsigned next;
} stages[] = {
    [STAGE_GATHER] = {"gather", TO(STAGE_QUEUE) | TO(STAGE_BUILD)},
    [STAGE_QUEUE] = {"queue", TO(STAGE_RECEIVE)},
    [STAGE_RECEIVE] = {"receive", TO(STAGE_OPEN)},
    [STAGE_OPEN] = {"open", TO(STAGE_BUILD)},
    [STAGE_BUILD] = {"build", TO(STAGE_DRAIN)},
    [STAGE_DRAIN] = {"drain", 0},
};

/* The only function that writes in p->stage. */
void push_move(struct push *p, enum push_stage to)
{
	assert(stages[p->stage].next & TO(to));
	log_debug("push moved repo=%s from=%s to=%s", p->repo->name,
	    stages[p->stage].name, stages[to].name);
	p->stage = to;
}

/* Give back what receiving takes: the worker, the slot, the rest of a body. */
static void end_receive(struct push *p)
{
	ev_timer_stop(&p->deadline);
	worker_stop(take(p->worker));
	fd_close(&p->input);
	if (p->body)
		body_discard(p->body);
	p->body = NULL;
	if (p->quarantine[0])
		quarantine_drop(p->g->dir_fd, p->repo->name, p->quarantine);
	p->quarantine[0] = '\0';
	fd_close(&p->quarantine_fd);
	queue_leave(&p->slot);
}

static void push_free(struct push *p)
{
	list_del(&p->item);
	end_receive(p);
	ev_timer_stop(&p->keepalive);
	deploy_release(p);
	if (p->holder)
		*p->holder = NULL;
	stream_leave(p->out);
	commands_release(&p->cmds);
	for (size_t i = 0; i < p->noptions; i++)
		free(p->options[i]);
	free(p->options);
	repo_leave(p->repo);
	free(p);
	(void)malloc_trim(0); /* between pushes gitd is idle for long */
}

static void put(struct push *p, const struct buf *bytes)
{
	if (!p->out)
		return;
	stream_put(p->out, buf_str(bytes));
	ev_timer_set(p->g->ev, &p->keepalive, KEEPALIVE_MS);
}

void push_say(struct push *p, struct str text)
{
	scoped_buf struct buf out = BUF_INIT(2 * text.len + 64);

	report_say(&out, &p->caps, text);
	put(p, &out);
}

static void keep_alive(struct ev_timer *t)
{
	struct push *p = container_of(t, struct push, keepalive);
	scoped_buf struct buf out = BUF_INIT(64);

	report_keepalive(&out, &p->caps);
	put(p, &out);
}

static void log_end(const struct push *p)
{
	size_t refused = 0;

	for (size_t i = 0; i < p->cmds.n; i++)
		refused += p->cmds.list[i].why != NULL;
	if (p->failed.code)
		log_warn("push failed repo=%s user=%" PRIu64 ": %s",
		    p->repo->name, p->user, p->failed.msg);
	else if (p->cmds.n)
		log_info("push ended repo=%s user=%" PRIu64
		         " refs=%zu refused=%zu",
		    p->repo->name, p->user, p->cmds.n, refused);
}

void push_finish(struct push *p)
{
	scoped_buf struct buf out = BUF_INIT(16u << 20);

	log_end(p);
	if (p->out) {
		stream_begin(p->out, 200, RESULT_TYPE);
		if (p->cmds.n)
			report_end(&out, &p->caps,
			    p->failed.code ? p->failed.msg : NULL, &p->cmds);
		put(p, &out);
		stream_end(p->out, true);
	}
	push_free(p);
}

/*
 * Before the list of refs is known, there is nothing to report on. git shows
 * no text of an HTTP error, so what its user can do something about comes as
 * the last words of an answer.
 */
static void answer_unlisted(struct push *p)
{
	static const unsigned statuses[ERR_N] = {
	    [ERR_INVALID] = 400,
	    [ERR_NOT_FOUND] = 404,
	    [ERR_LIMIT] = 200,
	    [ERR_UNAVAILABLE] = 200,
	};
	unsigned status = statuses[p->failed.code];
	scoped_buf struct buf out = BUF_INIT(1024);

	log_end(p);
	if (status == 200)
		report_fatal(&out, p->failed.msg);
	else
		buf_addf(&out, "%s\n", p->failed.msg);
	if (p->out) {
		stream_begin(p->out, status ? status : 500,
		    status == 200 ? RESULT_TYPE : "text/plain");
		stream_put(p->out, buf_str(&out));
		stream_end(p->out, true);
	}
	push_free(p);
}

void push_fail(struct push *p, const struct error *why)
{
	scoped_buf struct buf text = BUF_INIT(512);

	p->failed = *why;
	end_receive(p);
	if (!p->listed || !p->cmds.n) {
		answer_unlisted(p);
		return;
	}
	commands_refuse(&p->cmds, "unpacker error");
	if (why->code == ERR_LIMIT || why->code == ERR_UNAVAILABLE) {
		buf_addf(&text, "Refused: %s.\n", why->msg);
		push_say(p, buf_str(&text));
	}
	push_finish(p);
}

static void upload_too_long(struct ev_timer *t)
{
	struct push *p = container_of(t, struct push, deadline);
	struct error err = {0};

	error_set(&err, ERR_LIMIT,
	    "the upload took more than %" PRIu64 " s (setting push_seconds)",
	    p->g->settings.push_seconds);
	if (p->body)
		body_expire(p->body);
	push_fail(p, &err);
}

/* Is this ref to move when the build of p is decided? */
static bool holds(const struct push *p, const char *ref)
{
	if (p->stage != STAGE_OPEN && p->stage != STAGE_BUILD)
		return false;
	for (size_t i = 0; i < p->cmds.n; i++) {
		const struct command *c = &p->cmds.list[i];

		if (!c->why && !c->moved && strcmp(c->name, ref) == 0)
			return true;
	}
	return false;
}

static bool has_option(const struct push *p, const char *option)
{
	for (size_t i = 0; i < p->noptions; i++) {
		if (strcmp(p->options[i], option) == 0)
			return true;
	}
	return false;
}

static void refuse_undecided(struct push *p)
{
	bool supersede = has_option(p, "supersede");
	const struct push *other;

	list_each(other, &p->g->pushes, item)
	{
		for (size_t i = 0; i < p->cmds.n && other->repo == p->repo;
		     i++) {
			struct command *c = &p->cmds.list[i];

			if ((supersede && policy_deploys(c->name)) ||
			    !holds(other, c->name))
				continue;
			command_refuse(c,
			    "build of %.7s is running, push again when it "
			    "ends, or -o supersede",
			    other->cmds.list[other->deploy].new);
		}
	}
}

/* Names that builds will make when they are done are taken already. */
static void add_undecided(const struct push *p, struct reflist *have)
{
	const struct push *other;

	list_each(other, &p->g->pushes, item)
	{
		for (size_t i = 0; i < other->cmds.n; i++) {
			const struct command *c = &other->cmds.list[i];

			if (other->repo == p->repo && command_creates(c) &&
			    holds(other, c->name))
				reflist_add(have, str_z(c->name), STR(ID_ZERO));
		}
	}
	reflist_sort(have);
}

/* Give every command that can't be carried out its reason. */
static int judge(struct push *p, struct error *err)
{
	scoped_reflist struct reflist have = {0};
	scoped_free char *head = p->g->open ? refs_head(p->repo->path) : NULL;
	struct policy policy = {.open = p->g->open,
	    .head = head,
	    .checked_out = strcmp(p->repo->name, ".git") == 0};

	if (p->caps.other_hash)
		return error_set(err, ERR_INVALID,
		    "this repository's object-format is sha1");
	if (refs_list(p->repo->path, &have, err) == -1)
		return -1;
	refuse_undecided(p);
	add_undecided(p, &have);
	policy_check(&policy, &have, &p->cmds);
	return 0;
}

/* Can nothing of it happen? One refused ref refuses all of an atomic push. */
static bool all_refused(struct push *p)
{
	if (p->caps.atomic && commands_refused(&p->cmds))
		commands_refuse(&p->cmds, "atomic push failure");
	return p->cmds.n && commands_hopeless(&p->cmds);
}

static void on_ref(struct push *p, struct frame *f)
{
	struct error err = {0};

	if (p->listed || p->cmds.n >= p->g->settings.push_refs) {
		error_set(&err, ERR_INTERNAL, "the worker sends too much");
		push_fail(p, &err);
		return;
	}
	commands_add(&p->cmds, frame_str(f, F_ARG), frame_str(f, F_OLD),
	    frame_str(f, F_NEW));
}

static void on_option(struct push *p, struct frame *f)
{
	if (p->listed || p->noptions >= OPTIONS_MAX)
		return;
	p->options =
	    xrealloc(p->options, (p->noptions + 1) * sizeof(*p->options));
	p->options[p->noptions++] = str_dup(frame_str(f, F_OPTION));
}

static void on_commands(struct push *p, struct frame *f)
{
	struct error err = {0};

	if (p->listed)
		return;
	caps_parse(frame_str(f, F_CAPS), &p->caps);
	p->listed = true;
	p->deploy = p->cmds.n;
	if (p->cmds.n && judge(p, &err) == -1) {
		push_fail(p, &err);
		return;
	}
	if (all_refused(p)) {
		end_receive(p);
		push_finish(p);
		return;
	}
	if (!p->cmds.n)
		return; /* no report: a failure needs the status */
	if (p->out)
		stream_begin(p->out, 200, RESULT_TYPE);
	ev_timer_set(p->g->ev, &p->keepalive, KEEPALIVE_MS);
}

static void on_bad_ref(struct push *p, struct frame *f)
{
	uint64_t i = frame_u64(f, F_NUM);
	scoped_free char *why = str_dup(frame_str(f, F_TEXT));

	if (p->listed && i < p->cmds.n)
		command_refuse(&p->cmds.list[i], "%s", why);
}

static void note_branches(struct push *p)
{
	static const struct str branch = STR("refs/heads/");

	for (size_t i = 0; i < p->cmds.n; i++) {
		const struct command *c = &p->cmds.list[i];
		scoped_buf struct buf text = BUF_INIT(512);

		if (c->why || policy_deploys(c->name) || command_deletes(c) ||
		    !str_starts(str_z(c->name), branch))
			continue;
		buf_addf(&text,
		    "Pushed to non-deploy branch %s: skipping build (push to "
		    "main to deploy)\n",
		    c->name + branch.len);
		push_say(p, buf_str(&text));
	}
}

/* The first command that is to be built; cmds.n for none. */
static size_t find_deploy(const struct push *p)
{
	size_t i = 0;

	for (; i < p->cmds.n && !p->g->open; i++) {
		const struct command *c = &p->cmds.list[i];

		if (!c->why && policy_deploys(c->name) && !command_deletes(c) &&
		    strcmp(c->old, c->new) != 0)
			return i;
	}
	return p->cmds.n;
}

/* The objects are there: move the refs, or build first. */
static void carry_out(struct push *p)
{
	struct error err = {0};

	if (all_refused(p)) {
		push_finish(p);
		return;
	}
	p->deploy = find_deploy(p);
	if (!p->g->open)
		note_branches(p);
	if (p->deploy < p->cmds.n)
		p->cmds.list[p->deploy].waits = true;
	if ((p->deploy == p->cmds.n || !p->caps.atomic) &&
	    refs_move(p->repo->path, &p->cmds, p->caps.atomic, 0, &err) == -1) {
		log_error("refs not moved repo=%s: %s", p->repo->name, err.msg);
		commands_refuse(&p->cmds, "failed to update ref");
		push_finish(p);
		return;
	}
	if (p->deploy < p->cmds.n)
		deploy_start(p);
	else
		push_finish(p);
}

static void on_done(struct push *p, struct frame *f)
{
	scoped_free char *pack = str_dup(frame_str(f, F_PACK));
	struct error err = {0};
	int r = 0;

	if (!p->listed) {
		error_set(&err, ERR_INTERNAL, "the worker forgot the refs");
		push_fail(p, &err);
		return;
	}
	if (pack[0] && !all_refused(p))
		r = quarantine_adopt(
		    p->g->dir_fd, p->repo->name, p->quarantine, pack, &err);
	if (r == -1) {
		error_wrap(&err, "keep the pack");
		push_fail(p, &err);
		return;
	}
	end_receive(p);
	carry_out(p);
}

static void on_error(struct push *p, struct frame *f)
{
	struct error err = {0};

	frame_error(f, &err);
	push_fail(p, &err);
}

static const struct {
	enum msg type;
	void (*fn)(struct push *p, struct frame *f);
} frames[] = {
    {MSG_RECEIVE_REF, on_ref},
    {MSG_RECEIVE_OPTION, on_option},
    {MSG_RECEIVE_CMDS, on_commands},
    {MSG_RECEIVE_BAD_REF, on_bad_ref},
    {MSG_RECEIVE_DONE, on_done},
    {MSG_ERROR, on_error},
};

static void worker_frame(struct frame *f, void *ctx)
{
	for (size_t i = 0; i < NELEM(frames); i++) {
		if (frames[i].type == f->type) {
			frames[i].fn(ctx, f);
			return;
		}
	}
}

static void worker_gone(void *ctx)
{
	struct push *p = ctx;
	struct error err = {0};

	p->worker = NULL;
	error_set(&err, ERR_UNAVAILABLE,
	    "the program that takes packs ended early, push again");
	push_fail(p, &err);
}

static const struct worker_ops worker_ops = {
    .frame = worker_frame, .gone = worker_gone};

static int receive(struct push *p, struct error *err)
{
	struct worker_job job = {.op = RECEIVE_PUSH, .out = -1};

	p->quarantine_fd =
	    quarantine_make(p->g->dir_fd, p->repo->name, p->quarantine, err);
	if (p->quarantine_fd == -1)
		return -1;
	job.quarantine = p->quarantine;
	job.body = p->body ? body_connect(p->body, err) : take_fd(&p->input);
	if (job.body == -1)
		return -1;
	p->worker = worker_start(p->repo, &job, &worker_ops, p, err);
	return p->worker ? 0 : -1;
}

static void start(struct slot *s)
{
	struct push *p = container_of(s, struct push, slot);
	struct error err = {0};

	push_move(p, STAGE_RECEIVE);
	if (receive(p, &err) == -1)
		push_fail(p, &err);
}

static struct push *make(struct repo *repo)
{
	struct push *p = xcalloc(1, sizeof(*p));

	*p = (struct push){.g = repo->g,
	    .repo = repo_hold(repo),
	    .input = -1,
	    .quarantine_fd = -1,
	    .log = -1,
	    .slot = {.lane = &repo->lane, .go = start},
	    .deadline = {.fire = upload_too_long},
	    .keepalive = {.fire = keep_alive}};
	list_add(&p->g->pushes, &p->item);
	return p;
}

struct push *push_new(struct repo *repo, uint64_t app, uint64_t user,
    struct stream *out, struct push **holder)
{
	struct push *p = make(repo);

	p->app = app;
	p->user = user;
	p->out = out;
	p->holder = holder;
	ev_timer_set(
	    p->g->ev, &p->deadline, p->g->settings.push_seconds * 1000);
	return p;
}

static void enter_queue(struct push *p)
{
	struct error err = {0};

	if (queue_open(&p->repo->lane)) {
		push_move(p, STAGE_QUEUE);
		queue_enter(&p->g->push_queue, &p->slot);
		return;
	}
	error_set(&err, ERR_UNAVAILABLE,
	    "%d pushes of this app wait already, try again later",
	    LANE_WAITING_MAX);
	push_fail(p, &err);
}

void push_ready(struct push *p, struct body *body)
{
	p->body = body;
	enter_queue(p);
}

void push_ready_fd(struct push *p, int input)
{
	p->input = input;
	enter_queue(p);
}

void push_alone(struct push *p)
{
	p->body = NULL;
	p->holder = NULL;
	if (p->stage == STAGE_GATHER || p->stage == STAGE_QUEUE)
		push_free(p);
}

struct push *push_found(
    struct repo *repo, struct str ref, struct str old, struct str new)
{
	struct push *p = make(repo);

	commands_add(&p->cmds, ref, old, new);
	p->cmds.list[0].waits = true;
	p->listed = true;
	push_move(p, STAGE_BUILD);
	return p;
}
