/* super/backoff: whose end is counted, and how long it waits. */
/* links: runtime/super/backoff.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

#include "../../runtime/super/backoff.h"
#include "base/str.h"

#define EXITED(code) ((code) << 8)
#define KILLED(signo) (signo)
#define CORE 0x80

static void one_that_ends_by_itself_waits_longer_each_time(void **state)
{
	static const uint64_t waits[] = {
	    0, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
	struct backoff b = {0};

	(void)state;
	for (size_t i = 0; i < NELEM(waits); i++)
		assert_int_equal(
		    backoff_ended(&b, EXITED(i % 2), 50), waits[i]);
}

static void one_that_is_killed_starts_at_once_and_is_not_counted(void **state)
{
	static const int outside[] = {
	    SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGPIPE};
	struct backoff b = {0};

	(void)state;
	for (int n = 0; n < 100; n++)
		for (size_t i = 0; i < NELEM(outside); i++)
			assert_int_equal(
			    backoff_ended(&b, KILLED(outside[i]), 1), 0);
	assert_int_equal(backoff_ended(&b, EXITED(1), 1), 0);
	/* It takes nothing off what was counted before, either. */
	assert_int_equal(backoff_ended(&b, KILLED(SIGKILL), 1), 0);
	assert_int_equal(backoff_ended(&b, EXITED(1), 1), 100);
	/* Not our child: nobody knows, and the next end is seen. */
	assert_int_equal(backoff_ended(&b, -1, 1), 0);
	assert_int_equal(backoff_ended(&b, EXITED(1), 1), 200);
}

static void a_crash_counts_with_a_core_or_without(void **state)
{
	static const int faults[] = {
	    SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

	(void)state;
	for (size_t i = 0; i < NELEM(faults); i++) {
		struct backoff b = {0};

		assert_int_equal(backoff_ended(&b, KILLED(faults[i]), 1), 0);
		assert_int_equal(
		    backoff_ended(&b, KILLED(faults[i]) | CORE, 1), 100);
	}
}

static void after_a_steady_while_the_next_end_is_the_first(void **state)
{
	struct backoff b = {0};

	(void)state;
	assert_int_equal(backoff_ended(&b, EXITED(1), 1), 0);
	assert_int_equal(
	    backoff_ended(&b, EXITED(1), BACKOFF_STEADY_MS - 1), 100);
	assert_int_equal(backoff_ended(&b, EXITED(1), BACKOFF_STEADY_MS), 0);
	assert_int_equal(backoff_ended(&b, EXITED(1), 1), 100);
	assert_int_equal(
	    backoff_ended(&b, KILLED(SIGKILL), BACKOFF_STEADY_MS), 0);
	assert_int_equal(backoff_ended(&b, EXITED(1), 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_that_ends_by_itself_waits_longer_each_time),
	    cmocka_unit_test(
	        one_that_is_killed_starts_at_once_and_is_not_counted),
	    cmocka_unit_test(a_crash_counts_with_a_core_or_without),
	    cmocka_unit_test(after_a_steady_while_the_next_end_is_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
