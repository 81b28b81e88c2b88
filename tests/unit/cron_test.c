/* cron: schedules, what is refused, and when they are next due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wire/cron.h"

/* "2026-02-28 23:59" as minutes since 1970. */
static uint64_t minute_of(const char *text)
{
	struct tm tm = {0};

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return (uint64_t)timegm(&tm) / 60;
}

static void each_schedule_is_due_when_it_says(void **state)
{
	static const struct {
		const char *text, *after, *want;
	} cases[] = {
	    {"* * * * *", "2026-01-31 23:59", "2026-02-01 00:00"},
	    {"0 * * * *", "2026-01-01 10:00", "2026-01-01 11:00"},
	    {"*/15 * * * *", "2026-01-01 10:46", "2026-01-01 11:00"},
	    {"5/20 * * * *", "2026-01-01 10:26", "2026-01-01 10:45"},
	    {"30 3 * * *", "2026-01-01 03:30", "2026-01-02 03:30"},
	    {"0 9-17/4 * * *", "2026-01-01 09:00", "2026-01-01 13:00"},
	    {"0 0 1 jan *", "2026-01-01 00:00", "2027-01-01 00:00"},
	    {"0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"},
	    {"0 0 * * mon", "2026-11-25 12:00", "2026-11-30 00:00"},
	    {"0 0 * * SUN", "2026-11-25 12:00", "2026-11-29 00:00"},
	    {"0 0 * * 7", "2026-11-25 12:00", "2026-11-29 00:00"},
	    {"0 0 * * 5-7", "2026-11-28 12:00", "2026-11-29 00:00"},
	    /* A day or a weekday; with a star in one both must hold. */
	    {"0 0 13 * fri", "2026-11-25 12:00", "2026-11-27 00:00"},
	    {"0 0 */2 * fri", "2026-11-25 12:00", "2026-11-27 00:00"},
	    {"0 0 13 * *", "2026-11-25 12:00", "2026-12-13 00:00"},
	    {"1,31 0,12 * 2,4 *", "2026-02-28 12:31", "2026-04-01 00:01"},
	    {" 0\t0  1 1 * ", "2026-01-01 00:00", "2027-01-01 00:00"},
	    {"@hourly", "2026-01-01 10:59", "2026-01-01 11:00"},
	    {"@weekly", "2026-11-25 12:00", "2026-11-29 00:00"},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct cron c;

		assert_int_equal(cron_parse(str_z(cases[i].text), &c, &err), 0);
		assert_int_equal(cron_next(&c, minute_of(cases[i].after)),
		    minute_of(cases[i].want));
	}
}

static void what_is_no_schedule_is_refused(void **state)
{
	static const struct {
		const char *text, *say;
	} cases[] = {
	    {"", "minute is missing"},
	    {"* * * *", "weekday is missing"},
	    {"* * * * * *", "five fields"},
	    {"60 * * * *", "no minute (0 to 59)"},
	    {"* 24 * * *", "no hour"},
	    {"* * 0 * *", "no day"},
	    {"* * 32 * *", "no day"},
	    {"* * * 13 *", "no month"},
	    {"* * * * 8", "no weekday"},
	    {"* * * jam *", "no month"},
	    {"mon * * * *", "no minute"},
	    {"5-1 * * * *", "goes backwards"},
	    {"*/0 * * * *", "no step"},
	    {"*/60 * * * *", "no step"},
	    {"1,,2 * * * *", "no minute"},
	    {"1, * * * *", "ends in a comma"},
	    {"-1 * * * *", "no minute"},
	    {"+1 * * * *", "no minute"},
	    {"0 0 30 2 *", "never comes"},
	    {"@reboot", "no minute"},
	};
	char text[CRON_TEXT_MAX + 2];
	struct cron c;

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};

		assert_int_equal(
		    cron_parse(str_z(cases[i].text), &c, &err), -1);
		assert_non_null(strstr(err.msg, cases[i].say));
	}
	memset(text, ' ', sizeof(text));
	memcpy(text, "* * * * *", 9);
	assert_int_equal(
	    cron_parse(str_make(text, CRON_TEXT_MAX), &c, NULL), 0);
	assert_int_equal(
	    cron_parse(str_make(text, CRON_TEXT_MAX + 1), &c, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_schedule_is_due_when_it_says),
	    cmocka_unit_test(what_is_no_schedule_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
