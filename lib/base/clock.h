/* clock - the time, in units that the names say. */
#pragma once
#include <stdint.h>

uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
uint64_t clock_real_ms(void); /* since 1970 */
uint64_t clock_real_us(void);

/* "2026-01-31T12:00:00Z" of seconds since 1970 into out. */
void clock_rfc3339(int64_t real_s, char out[21]);
