/*
 * rate - how many lines and bytes an app may write: two buckets of credit.
 *
 * Pure. Credit is counted in time: a line costs what refills it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_LINES 5000              /* a second */
#define RATE_BURST 50000             /* lines at once after a quiet time */
#define RATE_BYTES (2u << 20)        /* a second */
#define RATE_BYTES_BURST (16u << 20) /* bytes at once */

struct rate {
	uint64_t credit_us, bytes_us, last_us;
};

void rate_init(struct rate *r, uint64_t now_us); /* full */
/* Is there room for one more line of so many bytes? Takes it. */
bool rate_take(struct rate *r, size_t bytes, uint64_t now_us);
