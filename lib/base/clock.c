#include "base/clock.h"

#include <string.h>
#include <time.h>

static uint64_t now_us(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts); /* can't fail for these clocks */
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void)
{
	return now_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

uint64_t clock_real_ms(void)
{
	return now_us(CLOCK_REALTIME) / 1000;
}

uint64_t clock_real_us(void)
{
	return now_us(CLOCK_REALTIME);
}

static void put_digits(char *at, int n, int value)
{
	while (n-- > 0) {
		at[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

void clock_rfc3339(int64_t real_s, char out[21])
{
	time_t t = (time_t)real_s;
	struct tm tm = {0};

	memcpy(out, "0000-00-00T00:00:00Z", 21);
	/* A year of other than four digits has no form in RFC 3339. */
	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
		return;
	put_digits(out, 4, tm.tm_year + 1900);
	put_digits(out + 5, 2, tm.tm_mon + 1);
	put_digits(out + 8, 2, tm.tm_mday);
	put_digits(out + 11, 2, tm.tm_hour);
	put_digits(out + 14, 2, tm.tm_min);
	put_digits(out + 17, 2, tm.tm_sec);
}
