/* super as a unit: which job systemd means. */
/* links: runtime/super/unit.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "../../runtime/super/unit.h"

static void a_stop_is_told_from_a_restart(void **state)
{
	static const struct {
		const char *jobs;
		bool want;
	} cases[] = {
	    {"", false},
	    {"  241 paas.service restart running\n", false},
	    {"  241 paas.service stop running\n", true},
	    {"241 paas.service stop waiting", true},
	    {"12 ssh.service stop running\n241 paas.service restart running\n",
	        false},
	    {"12 ssh.service restart running\n241 paas.service stop running\n",
	        true},
	    {"12 mypaas.service stop running\n", false},
	    {"12 paas.service.wants stop running\n", false},
	    {"12 paas.service\n", false},
	    {"No jobs running.\n", false},
	    {"\n\n   \n", false},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++)
		assert_int_equal(
		    unit_names_stop(str_z(cases[i].jobs), STR("paas.service")),
		    cases[i].want);
}

static void without_systemd_nothing_is_asked(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	setenv("PAAS_UNIT", "paas.service", 1);
	assert_false(unit_is_ours());
	assert_false(unit_is_stopped());
	unit_notify("READY=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_stop_is_told_from_a_restart),
	    cmocka_unit_test(without_systemd_nothing_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
