/*
 * rate - how many lines an app may write: a bucket of credit.
 *
 * Pure. Credit is counted in time: a line costs what refills it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define RATE_LINES 5000  /* a second */
#define RATE_BURST 50000 /* lines at once after a quiet time */

struct rate {
	uint64_t credit_us, last_us;
};

void rate_init(struct rate *r, uint64_t now_us); /* full */
/* Is there room for one line more? Takes it. */
bool rate_take(struct rate *r, uint64_t now_us);
