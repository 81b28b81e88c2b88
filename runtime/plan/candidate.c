/* candidate - a release on its way: beside the live one until it is healthy. */
#include <inttypes.h>
#include <stdio.h>

#include "step_int.h"

#define LOOK_MS 2000 /* for jail to say where one listens */

/* Until its port accepts and what it declares has passed. */
static uint64_t boot_ms(const struct step *s, const struct inst *in)
{
	const struct want_type *t = inst_type(in);

	return s->env->boot_ms + (t ? t->startup_ms : 0);
}

/* What it listens on instead of its port, as " (it ...)". */
static void listens_text(const struct inst *in, char *out, size_t size)
{
	static const char *const where[] = {[LISTENS_V4] = "",
	    [LISTENS_V4_ONE] = " of one address",
	    [LISTENS_V6] = " of IPv6"};
	const struct listens *l = &in->listens;
	size_t at = 0;

	out[0] = '\0';
	if (!in->seen)
		return;
	if (l->n == 0) {
		snprintf(out, size, " (it listens on no port at all)");
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		if (l->of[i].port != in->port)
			continue;
		snprintf(out, size,
		    l->of[i].where == LISTENS_V6
		        ? " (it listens on $PORT by IPv6 alone: it has to be "
		          "0.0.0.0, 127.0.0.1, or :: for both)"
		        : " (it listens on $PORT of another address than "
		          "0.0.0.0 and 127.0.0.1)");
		return;
	}
	for (size_t i = 0; i < l->n && i < 3 && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%" PRIu64 "%s",
		    i ? ", " : " (it listens on ", l->of[i].port,
		    where[l->of[i].where]);
	if (at < size)
		(void)snprintf(
		    out + at, size - at, " instead of %" PRIu64 ")", in->port);
}

void step_boot_text(
    const struct step *s, const struct inst *in, char *out, size_t size)
{
	char listens[140];

	listens_text(in, listens, sizeof(listens));
	snprintf(out, size,
	    "Error R10 (Boot timeout) -> Web process failed to bind to $PORT "
	    "within %" PRIu64 " seconds of launch%s",
	    boot_ms(s, in) / 1000, listens);
}

static bool is_late(struct step *s, const struct inst *in)
{
	return in->target == TARGET_CHECK && !in->checked && s->env->router &&
	       step_due(s, in->check_ms + boot_ms(s, in));
}

/* It is over when jail has said what it listens on, or does not say it. */
bool step_boot_is_over(struct step *s, const struct inst *in)
{
	if (!is_late(s, in))
		return false;
	if (in->looked_ms == 0 && s->env->jail)
		step_add(s, ACT_LOOK, in);
	return !s->env->jail || in->seen ||
	       (in->looked_ms && step_due(s, in->looked_ms + LOOK_MS));
}

static void fail(
    struct step *s, const struct inst *in, const char *fmt, const char *arg)
{
	struct action *a = step_add(s, ACT_FAILED, NULL);

	a->release = s->candidate->release;
	snprintf(a->text, sizeof(a->text), fmt, arg);
	if (!in)
		return;
	a->instance = in->id;
	memcpy(a->name, in->name, sizeof(a->name));
}

/* An answer of 500 or more counts if what serves now answered better. */
static bool is_worse(const struct step *s, const struct inst *in)
{
	return in->checked && in->status >= 500 && s->app->live_status > 0 &&
	       s->app->live_status < 500;
}

static bool has_failed(struct step *s, const struct inst *in)
{
	char text[240];

	if (in->state == INST_EXITED) {
		step_exit_text(in, s->env, text, sizeof(text));
		fail(s, in, "%s", text);
	} else if (step_boot_is_over(s, in)) {
		step_boot_text(s, in, text, sizeof(text));
		fail(s, in, "%s", text);
	} else if (in->unhealthy[0] != '\0') {
		fail(s, in, "%s", in->unhealthy);
	} else if (is_worse(s, in)) {
		snprintf(text, sizeof(text), "%u, the release before with %u",
		    in->status, s->app->live_status);
		fail(s, in, "the health check of / was answered with %s", text);
	} else if (in->state < INST_RUNNING && s->env->jail &&
	           step_due(s, in->asked_ms + s->env->boot_ms)) {
		fail(s, in, "%s", "Process did not start in time");
	} else {
		return false;
	}
	return true;
}

/*
 * The newest of a place, dead or alive. One that is being ended is of another
 * life of this release: it was wanted, was not any more, and is once again.
 */
static const struct inst *in_place(
    const struct step *s, const char *ptype, uint64_t num)
{
	const struct inst *newest = NULL;
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (step_is_candidate(s, in) && in->stop == STOP_NO &&
		    in->num == num && strcmp(in->ptype, ptype) == 0 &&
		    (!newest || in->id > newest->id))
			newest = in;
	}
	return newest;
}

struct tally {
	uint64_t wanted, healthy, serving;
	bool failed;
	unsigned bad_status;
};

/* A port that accepts, or so long a life; and what is declared. */
static bool is_healthy(struct step *s, const struct inst *in)
{
	const struct want_type *t = inst_type(in);
	uint64_t uptime = t && t->uptime_ms ? t->uptime_ms
	                  : inst_is_web(in) ? 0
	                                    : s->env->uptime_ms;

	if (in->state != INST_RUNNING || (inst_is_web(in) && !in->checked))
		return false;
	return step_due(s, in->up_ms + uptime);
}

static void step_place(
    struct step *s, const char *ptype, uint64_t num, struct tally *t)
{
	const struct inst *in = in_place(s, ptype, num);

	t->wanted++;
	if (!in) {
		if (s->env->jail && step_has_room(s) && !step_must_wait(s))
			step_start(s, s->candidate, ptype, num);
		return;
	}
	if (has_failed(s, in)) {
		t->failed = true;
		return;
	}
	if (in->state == INST_RUNNING && inst_is_web(in) &&
	    in->target == TARGET_NONE)
		step_add(s, ACT_TARGET, in)->state = TARGET_CHECK;
	t->healthy += is_healthy(s, in);
	t->serving += step_serves(in);
	if (in->checked && (in->status >= 500 || in->status == 0))
		t->bad_status = in->status ? in->status : 1;
}

static void switch_over(struct step *s)
{
	struct inst *in;

	list_each(in, &s->app->insts, of_app)
	{
		if (step_is_candidate(s, in) && in->target == TARGET_CHECK)
			step_add(s, ACT_TARGET, in)->state = TARGET_SERVE;
	}
}

static void go_live(struct step *s, const struct tally *t)
{
	struct action *a = step_add(s, ACT_LIVE, NULL);

	a->release = s->candidate->release;
	if (t->bad_status == 1)
		snprintf(a->text, sizeof(a->text),
		    "Warning: / gave no answer to the health check");
	else if (t->bad_status)
		snprintf(a->text, sizeof(a->text),
		    "Warning: / answered the health check with %u",
		    t->bad_status);
}

void step_candidate(struct step *s)
{
	const struct want *w = s->candidate;
	struct tally t = {0};

	for (size_t i = 0; i < w->ntypes && !t.failed; i++) {
		for (uint64_t n = 1; n <= w->types[i].quantity && !t.failed;
		     n++)
			step_place(s, w->types[i].name, n, &t);
	}
	if (t.failed || t.healthy < t.wanted)
		return;
	if (t.serving == t.wanted)
		go_live(s, &t);
	else
		switch_over(s);
}

void step_report(struct step *s)
{
	const struct want *w = &s->app->next;
	struct action *a;

	if (!w->set || w->told || w->rollout == ROLLOUT_UNDER_WAY ||
	    !s->env->web)
		return;
	a = step_add(
	    s, w->rollout == ROLLOUT_LIVE ? ACT_LIVE : ACT_FAILED, NULL);
	a->release = w->release;
	memcpy(a->text, w->reason, sizeof(a->text));
	memcpy(a->name, w->culprit, sizeof(a->name));
	a->instance = w->culprit_instance;
}
