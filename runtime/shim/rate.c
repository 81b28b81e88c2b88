#include "rate.h"

#define COST_US (1000000ull / RATE_LINES)
#define CREDIT_MAX (COST_US * RATE_BURST)
#define BYTES_MAX (1000000ull * (RATE_BYTES_BURST / RATE_BYTES))

void rate_init(struct rate *r, uint64_t now_us)
{
	*r = (struct rate){
	    .credit_us = CREDIT_MAX, .bytes_us = BYTES_MAX, .last_us = now_us};
}

bool rate_take(struct rate *r, size_t bytes, uint64_t now_us)
{
	uint64_t bytes_us = bytes * 1000000ull / RATE_BYTES;

	if (now_us > r->last_us) {
		r->credit_us += now_us - r->last_us;
		r->bytes_us += now_us - r->last_us;
		r->last_us = now_us;
	}
	if (r->credit_us > CREDIT_MAX)
		r->credit_us = CREDIT_MAX;
	if (r->bytes_us > BYTES_MAX)
		r->bytes_us = BYTES_MAX;
	if (r->credit_us < COST_US || r->bytes_us < bytes_us)
		return false;
	r->credit_us -= COST_US;
	r->bytes_us -= bytes_us;
	return true;
}
