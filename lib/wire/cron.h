/*
 * cron - schedules of five fields, and when they are next due. All in UTC.
 *
 * Pure; times are minutes since 1970. Called by web (what app.json says), by
 * plan (when to start) and by the fuzzer.
 *
 *   MINUTE HOUR DAY MONTH WEEKDAY, by spaces: each a list by commas of *, N,
 *   A-B, with a step behind a slash. Months and weekdays have names too (jan,
 *   mon); Sunday is 0 or 7. Where both day and weekday are given, either will
 *   do, as in every cron. @hourly @daily @weekly @monthly @yearly are known.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define CRON_TEXT_MAX 128 /* bytes of a schedule */

struct cron { /* a bit each */
	uint64_t minutes;
	uint32_t hours, days;
	uint16_t months;
	uint8_t weekdays;
	bool any_day, any_weekday; /* were given as a star */
};

/* Fails with what is wrong; also for a date that never comes. */
int cron_parse(struct str text, struct cron *ret, struct error *err);
/* The first time after this minute. */
uint64_t cron_next(const struct cron *c, uint64_t after);
