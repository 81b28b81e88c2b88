/*
 * model - what plan knows: what should run, what runs, and what was done.
 *
 * Pure: no I/O, no clock. Facts come in by the functions below (from web, jail
 * and router), what was done by apply.h; step.h reads it and decides. Nothing
 * in it is kept on disk: web and jail tell it all again.
 *
 *   app -- live: the release that must serve
 *       -- next: a candidate, started beside it
 *       -- instances, of these, of one-offs and of the steps of builds
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "ipc/msg.h"
#include "wire/cron.h"
#include "wire/listens.h"

/* --- what should run ------------------------------------------------------ */

struct want_type { /* one process type of a formation */
	char name[64];
	char *command; /* NULL when web did not say it */
	uint64_t quantity;
	char size[33];       /* of proc/sizes.h */
	uint64_t memory;     /* bytes that one of that size may use */
	char *checks;        /* F_CHECKs, each with a form feed behind; NULL */
	uint64_t uptime_ms;  /* declared: at start up so long; 0 if not */
	uint64_t startup_ms; /* what its checks may take beyond the boot */
};

/* How far a candidate is; of no meaning for the live one. */
enum rollout { ROLLOUT_UNDER_WAY, ROLLOUT_LIVE, ROLLOUT_FAILED };

struct want {
	bool set;
	bool stale; /* not told again since web's BEGIN */
	uint64_t release, generation;
	char image[65];
	char *layers;   /* digests, base first, each with a newline behind */
	char *volumes;  /* see volumes_copy; NULL: none */
	bool exclusive; /* two releases of it never run at a time */
	int env;        /* sealed memfd, -1 when there is none */
	struct want_type *types;
	size_t ntypes;
	uint64_t freeze_ms, stop_ms; /* rest.c; 0: never */

	enum rollout rollout;
	bool told;         /* web knows how the rollout ended */
	uint64_t since_ms; /* when the candidate was asked for */
	char reason[240];  /* FAILED: why */
	char culprit[129]; /* FAILED: the instance whose lines tell more */
	uint64_t culprit_instance;
};

void want_init(struct want *w);
void want_release(struct want *w); /* frees, closes; w is not set then */
/* Is process num of a type (from 1) part of it? */
bool want_has(const struct want *w, const char *ptype, uint64_t num);
const struct want_type *want_type(const struct want *w, const char *ptype);
/* One more check of a type, as F_CHECK has it; a malformed one is skipped. */
void want_add_check(struct want_type *t, struct str text);

/* --- what runs ------------------------------------------------------------ */

enum inst_state {
	INST_WAITING, /* a one-off or job that jail was not yet asked for */
	INST_ASKED,   /* jail was asked, and has not said anything yet */
	INST_STARTING,
	INST_RUNNING,
	INST_EXITED
};

/*
 *   NO --> DRAIN --> TERM --> KILL, each with its time limit; NO --> KILL too.
 *
 * It never goes back: who is being stopped is not wanted any more.
 */
enum stop { STOP_NO, STOP_DRAIN, STOP_TERM, STOP_KILL };

#define TARGET_NONE (-1) /* the router does not know it */
#define FRONT_UNTOLD (-1)
#define DYNO_UNTOLD (-1)

struct pending; /* oneoff.h: what is kept to start it, and who waits for it */

struct inst {
	struct list of_app;
	struct app *app;
	uint64_t id;
	enum instance_kind kind;
	uint64_t release, generation, num, job, work, port;
	uint64_t of; /* the instance that it runs inside, or 0 */
	char ptype[64], name[129];
	char size[33];     /* "": found running, and nobody knows */
	uint64_t memory;   /* bytes it may use; 0: not known */
	uint64_t used;     /* when jail was last asked; 0: not known */
	char shown[257];   /* the command of a one-off, for people */
	char address[46];  /* in the network of instances; "": none */
	int endpoint;      /* what names knows: -1 nothing, 1 to be found */
	bool adopted_cron; /* a KIND_CRON that an earlier plan started */

	enum inst_state state;
	bool adopted;             /* found running: the router may know it */
	bool stale;               /* not told again since jail's BEGIN */
	uint32_t start_id;        /* of the frame that asked jail for it */
	uint64_t asked_ms, up_ms; /* up_ms: RUNNING since, 0 if never */
	uint64_t time_ms;         /* real time of its last change */

	uint64_t code, signal; /* EXITED */
	bool oom;
	bool oom_told;  /* the log knows that it had too little memory */
	bool lost;      /* EXITED: nobody knows how */
	char text[240]; /* EXITED: why it could not start, or was ended */
	bool exit_seen; /* counted, logged and reported */
	bool crashed;   /* EXITED: kept until its slot is filled again */

	int target;          /* enum target_state, or TARGET_NONE */
	bool acked;          /* every loop of the router has that state */
	uint32_t ack_id;     /* of the frame that told the router */
	uint64_t check_ms;   /* when its check began */
	bool checked;        /* $PORT accepts */
	unsigned status;     /* what `/` answered, 0 for nothing */
	char unhealthy[240]; /* which declared check has failed, and how */
	bool drained;

	uint64_t looked_ms; /* jail was asked where it listens; 0 */
	bool seen;          /* and has told */
	struct listens listens;

	enum stop stop;
	uint64_t stop_ms; /* of the current step; 0: its time is over */
	bool replace;     /* asked to stop: a new one takes its place first */
	bool discard;     /* of a failed candidate, or a one-off to be ended */
	bool was_live;    /* its release was live when we had it */
	bool late;        /* ended for its health: that is a crash */
	uint64_t most_ms, deadline_ms; /* of a job or one-off; 0: none */
	bool owned;                    /* a job whose builder is connected */

	bool frozen;        /* jail was asked to, or has said so */
	uint32_t freeze_id; /* of the frame that asked */

	int told; /* enum dyno_state that web and the log know */
	struct pending *pending;
};

/* Is there memory for a candidate beside what it replaces? See room.c. */
enum room_state {
	ROOM_UNKNOWN,
	ROOM_ASKED,
	ROOM_TOLD,
	ROOM_BESIDE, /* yes */
	ROOM_FIRST   /* no: the old ones are stopped first */
};

struct room {
	enum room_state state;
	uint64_t release;    /* that it is about */
	uint64_t free, need; /* bytes */
	bool crowded;        /* some were ending when it was told */
};

/* What is due at certain times; web says it. */
struct cron_job {
	struct list of_app;
	uint64_t num;
	struct cron when;
	char *command;
	uint64_t last; /* the minute up to which it is looked after */
	bool stale;    /* not told again since web's BEGIN, or list */
};

/* Crashes of one process of the formation, for the back-off. */
struct crash {
	struct list of_app;
	char ptype[64];
	uint64_t num, release, generation;
	unsigned count;
	uint64_t not_before_ms;
};

struct app {
	struct list all; /* in model->apps */
	uint64_t id;
	char name[31];
	struct want live, next;
	struct list insts, crashes, crons;
	unsigned live_status; /* what `/` of what serves answered; 0: unknown */
	int front;            /* enum app_front, or FRONT_UNTOLD */
	struct room room;
	enum app_rest rest;
	uint64_t rest_ms; /* since when */
	bool quiet;       /* nobody has asked for it for freeze_ms */
	bool resumes;     /* first told of: it may have been resting */
	bool gone;        /* destroyed: stop all, then drop what is kept */
	bool dropped;     /* jail was told so, by frame drop_id */
	uint32_t drop_id;
	uint64_t gone_peer; /* who waits for it to be done, by frame gone_id */
	uint32_t gone_id;
	uint64_t wake_ms; /* when step wants to see it again */
};

struct model {
	struct list apps;
	struct map *apps_by_id, *insts_by_id;
};

void model_init(struct model *m);
void model_release(struct model *m);

struct app *model_app(struct model *m, uint64_t id); /* made when new */
struct app *model_find_app(const struct model *m, uint64_t id); /* or NULL */
/* Frees it if nothing is wanted of it and nothing runs. True: it is gone. */
bool model_forget_app(struct model *m, struct app *a);

/* A new instance: id, kind and state are set, the labels are the caller's. */
struct inst *model_add(struct model *m, struct app *a, uint64_t id,
    enum instance_kind kind, enum inst_state state);
struct inst *model_inst(const struct model *m, uint64_t id); /* or NULL */
/* Its pending is the caller's. */
void model_remove(struct model *m, struct inst *in);
/* The one that works on this job; NULL when there is none. */
struct inst *model_job(const struct model *m, uint64_t job);
bool model_is_empty(const struct model *m); /* no instance at all */

bool inst_is_job(const struct inst *in); /* a step of a build */
/* Of the formation, there yet, and told to go. */
bool inst_is_ending(const struct inst *in);
bool inst_is_web(const struct inst *in); /* takes requests */
/* Its row in the formation of its release; NULL when that is not known. */
const struct want_type *inst_type(const struct inst *in);
/* Something may come from its address. */
bool inst_has_address(const struct inst *in);
/* Its app's name leads to it: it serves, or works, and is to go on. */
bool inst_is_found(const struct inst *in);

/* The release that must serve now: the live one, or a candidate that made it.
 * NULL when there is none. */
const struct want *app_wanted(const struct app *a);
/* The candidate that is under way, or NULL. */
const struct want *app_candidate(const struct app *a);
const struct crash *app_crash(
    const struct app *a, const char *ptype, uint64_t num);

/* --- facts ---------------------------------------------------------------- */

/* web: a slot's new content (emptied), or that it is empty. */
void app_want(
    struct app *a, enum want_slot slot, struct want *from, uint64_t now_ms);
void app_want_drop(struct app *a, enum want_slot slot);
/*
 * web: what is due when. Mark, then tell each, then sweep what was not told.
 * A job that is known keeps the later of its two last minutes.
 */
void app_crons_mark(struct app *a);
void app_cron(struct app *a, uint64_t num, const struct cron *when,
    struct str command, uint64_t last);
void app_crons_sweep(struct app *a);
struct cron_job *app_cron_find(const struct app *a, uint64_t num); /* NULL */
/* web: the app is destroyed. */
void app_gone(struct app *a);
/* web: stop what has this name; what is wanted comes back, at once. */
void app_stop(struct app *a, struct str name);
/* router: nobody has asked for it for freeze_ms. */
void app_quiet(struct app *a);
/* A request waits, or it can't be frozen: it rests no more, and is watched. */
void app_awake(struct app *a);
/* jail: so many bytes are free; what its instances use is set. */
void app_room(struct model *m, struct app *a, uint64_t free);
/* The builder is gone: nobody waits for the steps of its builds. */
void model_disown_jobs(struct model *m);

/* How an instance ended. */
struct ending {
	uint64_t code, signal;
	bool oom, lost;
	struct str text;
};
void inst_exited(struct inst *in, const struct ending *e, uint64_t real_ms);
void inst_state(struct inst *in, enum inst_state state, uint64_t now_ms,
    uint64_t real_ms, uint64_t ago_ms);

/*
 * jail is back: after mark, each instance it names is marked fresh by the
 * caller. Sweep treats what is stale: what was only asked for is asked for
 * again, what ran is lost. What was told to stop is told so once more, and so
 * is that an app is gone.
 */
void model_jail_mark(struct model *m);
void model_jail_sweep(struct model *m, uint64_t real_ms);
/* The router is back and knows nothing: no state is acknowledged. */
void model_router_lost(struct model *m, uint64_t now_ms);
/* web begins to tell all wants; at the end the stale ones are dropped. */
void model_want_mark(struct model *m);
void model_want_sweep(struct model *m);
