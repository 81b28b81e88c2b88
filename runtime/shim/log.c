#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define PAUSE_US 100000 /* an unfinished line is written after so long */
#define TELL_US 1000000 /* dropped lines are told of so often at most */
#define TRIM_US 1000000 /* memory of long lines is kept for so long */

#define STDERR_STREAM 2 /* in wire/logrec.h */

void log_init(struct log *l, uint64_t now_us)
{
	rate_init(&l->rate, now_us);
}

/* --- what was dropped ---------------------------------------------------- */

/* The text is written before it goes out of scope. */
static void tell(struct log *l, uint64_t lines, const char *why)
{
	char text[160];
	int n = snprintf(text, sizeof(text),
	    "%" PRIu64 " line%s of output dropped: %s", lines,
	    lines == 1 ? "" : "s", why);
	struct logrec rec = {.time_us = clock_real_us(),
	    .stream = STDERR_STREAM,
	    .text = {text, (size_t)n}};

	segment_add(&l->out, &rec);
	segment_flush(&l->out);
}

static void tell_dropped(struct log *l)
{
	uint64_t lines = l->dropped;
	char why[64];

	if (lines == 0)
		return;
	l->dropped = 0;
	(void)snprintf(why, sizeof(why),
	    "more than %d lines or %u MiB a second", RATE_LINES,
	    RATE_BYTES >> 20);
	tell(l, lines, why);
}

/* What the disk refused is told when it takes records again. */
static void tell_lost(struct log *l, uint64_t now_us)
{
	uint64_t lines = l->out.lost;

	if (lines == 0 || now_us < l->lost_us)
		return;
	l->lost_us = now_us + TELL_US;
	tell(l, lines, strerror(l->out.lost_sys));
	/* One more means that the telling was refused, too. */
	l->out.lost = l->out.lost == lines ? 0 : lines;
}

/* --- lines --------------------------------------------------------------- */

static void take_piece(struct log *l, int stream, struct str text, bool partial,
    uint64_t real_us, uint64_t now_us)
{
	struct logrec rec = {.time_us = real_us,
	    .stream = (uint8_t)(stream + 1),
	    .partial = partial,
	    .text = text};

	if (rate_take(&l->rate, text.len, now_us)) {
		segment_add(&l->out, &rec);
	} else if (l->dropped++ == 0) {
		l->dropped_us = now_us;
	}
}

size_t log_read(struct log *l, int stream, int fd, uint64_t now_us)
{
	struct split *in = &l->in[stream];
	uint64_t real_us;
	struct str text;
	bool partial;
	size_t room;
	char *to = split_room(in, &room);
	ssize_t n = read(fd, to, room);

	if (n <= 0)
		return 0;
	real_us = clock_real_us();
	split_added(in, (size_t)n);
	while (split_next(in, &text, &partial))
		take_piece(l, stream, text, partial, real_us, now_us);
	segment_flush(&l->out); /* before its bytes are read over */
	tell_lost(l, now_us);
	l->last_us[stream] = now_us;
	if (in->touched > SPLIT_SMALL)
		l->trim_us = now_us + TRIM_US;
	return (size_t)n;
}

static void take_rest(struct log *l, int stream, bool partial, uint64_t now_us)
{
	struct str text;

	if (!split_rest(&l->in[stream], &text))
		return;
	take_piece(l, stream, text, partial, clock_real_us(), now_us);
	segment_flush(&l->out);
}

/* --- time ---------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t log_due(const struct log *l)
{
	uint64_t due = UINT64_MAX;

	for (int i = 0; i < LOG_STREAMS; i++)
		if (split_waits(&l->in[i]))
			due = earlier(due, l->last_us[i] + PAUSE_US);
	if (l->dropped > 0)
		due = earlier(due, l->dropped_us + TELL_US);
	if (l->trim_us > 0)
		due = earlier(due, l->trim_us);
	return due;
}

void log_tick(struct log *l, uint64_t now_us)
{
	for (int i = 0; i < LOG_STREAMS; i++)
		if (now_us >= l->last_us[i] + PAUSE_US)
			take_rest(l, i, true, now_us);
	if (l->dropped > 0 && now_us >= l->dropped_us + TELL_US)
		tell_dropped(l);
	if (l->trim_us > 0 && now_us >= l->trim_us) {
		l->trim_us = 0;
		for (int i = 0; i < LOG_STREAMS; i++)
			split_trim(&l->in[i]);
	}
}

void log_end(struct log *l)
{
	for (int i = 0; i < LOG_STREAMS; i++)
		take_rest(l, i, false, l->rate.last_us);
	tell_dropped(l);
	tell_lost(l, UINT64_MAX);
	segment_close(&l->out);
}
