#include "rate.h"

#define COST_US (1000000ull / RATE_LINES)
#define CREDIT_MAX (COST_US * RATE_BURST)

void rate_init(struct rate *r, uint64_t now_us)
{
	*r = (struct rate){.credit_us = CREDIT_MAX, .last_us = now_us};
}

bool rate_take(struct rate *r, uint64_t now_us)
{
	if (now_us > r->last_us) {
		r->credit_us += now_us - r->last_us;
		r->last_us = now_us;
	}
	if (r->credit_us > CREDIT_MAX)
		r->credit_us = CREDIT_MAX;
	if (r->credit_us < COST_US)
		return false;
	r->credit_us -= COST_US;
	return true;
}
