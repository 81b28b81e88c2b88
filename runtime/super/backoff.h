/*
 * backoff - how long a program that ended waits until it is started again.
 *
 * 0, 100, 200 ... 5000 ms for one that ends by itself again and again: by an
 * exit, or by a signal for what it did (a crash). Who is killed from outside
 * did nothing wrong: it starts at once and its count stays. So does one whose
 * end nobody saw, since it was another super's child: the next end is seen.
 * Once it was up for BACKOFF_STEADY_MS, the next end counts as the first.
 */
#pragma once
#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS 5000
#define BACKOFF_STEADY_MS 10000

struct backoff {
	uint64_t next_ms; /* after the next end that counts */
};

/*
 * It ended with this status of waitpid, -1 when that is not known, and was up
 * for so long, 0 when it never was. How long to wait.
 */
uint64_t backoff_ended(struct backoff *b, int status, uint64_t up_ms);
