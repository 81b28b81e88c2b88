/*
 * oneoff - a command in an instance of its own: `run`, the release phase.
 */
#pragma once
#include "ask.h"
#include "web.h"

struct oneoff {
	const struct app *app;
	const struct release *release;
	uint64_t job;              /* the caller's; asked again with the same */
	enum instance_kind kind;   /* KIND_RUN, KIND_RELEASE or KIND_EXEC */
	uint64_t cron;             /* KIND_CRON: the job's number */
	uint64_t inside;           /* KIND_EXEC: the instance it runs in */
	const char *name;          /* "run.1234" */
	struct str command, shown; /* shown: to people, if not the same */
	uint64_t most_ms;          /* it may take; 0: any */
	struct str env; /* "KEY=VALUE\0"...: wins over the config vars */
	bool attached, pty;
	uint64_t rows, cols; /* 0: not known */
	const char *size;    /* NULL: the default one */
};

/* A name that no process of the app has now: "TYPE.1234". */
void oneoff_name(
    const struct web *w, int64_t app, const char *type, char out[32]);
/* Start it: the answer OK carries F_INSTANCE. */
int oneoff_start(
    struct web *w, struct ask *a, const struct oneoff *o, struct error *err);
/* Its terminal has another size; a loss only costs the look. */
void oneoff_resize(
    struct web *w, uint64_t instance, uint64_t rows, uint64_t cols);
/* Stop a process; one of the formation comes back. */
int oneoff_stop(
    struct web *w, int64_t app, const char *name, struct error *err);
