/* doctor: what is said of hosts that are not like this one. */
/* links: runtime/jail/ -lmnl */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../runtime/jail/doctor.h"
#include "../../runtime/jail/nft.h"
#include "base/fd.h"

/* A host of a test's own: a folder that stands for its /. */
static int host_setup(void **state)
{
	struct doctor *d = calloc(1, sizeof(*d));
	char path[] = "/tmp/doctor-XXXXXX";

	assert_non_null(mkdtemp(path));
	d->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = d;
	return d->root == -1 ? -1 : 0;
}

static int host_teardown(void **state)
{
	struct doctor *d = *state;
	char proc[40], path[64] = "";

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", d->root);
	assert_true(readlink(proc, path, sizeof(path) - 1) > 0);
	assert_int_equal(fd_remove_tree(AT_FDCWD, path, &(struct error){0}), 0);
	close(d->root);
	free(d);
	return 0;
}

static void put(struct doctor *d, const char *path, const char *text)
{
	struct error err;
	char part[200];

	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		(void)mkdirat(d->root, part, 0755);
	}
	assert_int_equal(
	    fd_write_file(d->root, path, str_z(text), 0644, &err), 0);
}

/* The worst level that check says of d. */
static enum finding_level worst(
    struct doctor *d, void (*check)(struct doctor *d))
{
	enum finding_level level = FINDING_OK;

	d->n = 0;
	check(d);
	assert_true(d->n > 0);
	for (size_t i = 0; i < d->n; i++) {
		if (d->items[i].level > level)
			level = d->items[i].level;
		assert_true(d->items[i].text[0] != '\0');
		assert_int_equal(d->items[i].todo[0] != '\0',
		    d->items[i].level != FINDING_OK);
	}
	return level;
}

static void swap_and_zram_are_seen(void **state)
{
	static const char head[] = "Filename\tType\tSize\tUsed\tPriority\n";
	struct doctor *d = *state;
	char text[200];

	assert_int_equal(worst(d, doctor_swap), FINDING_NOTE);
	put(d, "proc/swaps", head);
	assert_int_equal(worst(d, doctor_swap), FINDING_NOTE);
	snprintf(
	    text, sizeof(text), "%s/dev/zram0\tpartition\t1\t0\t5\n", head);
	put(d, "proc/swaps", text);
	assert_int_equal(worst(d, doctor_swap), FINDING_OK);
	assert_non_null(strstr(d->items[0].text, "zram"));
}

static void a_missing_controller_is_a_problem(void **state)
{
	struct doctor *d = *state;

	put(d, "sys/fs/cgroup/cgroup.controllers",
	    "cpuset cpu io memory hugetlb pids\n");
	assert_int_equal(worst(d, doctor_cgroups), FINDING_OK);
	put(d, "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
	assert_int_equal(worst(d, doctor_cgroups), FINDING_WARN);
	put(d, "sys/fs/cgroup/cgroup.controllers", "cpu io pids\n");
	assert_int_equal(worst(d, doctor_cgroups), FINDING_BAD);
	assert_non_null(strstr(d->items[0].text, "memory"));
}

static void a_v1_host_is_told_what_it_misses(void **state)
{
	struct doctor *d = *state;

	put(d, "sys/fs/cgroup/memory/memory.limit_in_bytes", "1\n");
	assert_int_equal(worst(d, doctor_cgroups), FINDING_WARN);
	put(d, "sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", "1\n");
	put(d, "sys/fs/cgroup/blkio/blkio.throttle.read_bps_device", "\n");
	assert_int_equal(worst(d, doctor_cgroups), FINDING_NOTE);
}

/* On each kind of host, what a size's limits need is looked for by name. */
static void limits_of_sizes_that_are_not_kept_are_said(void **state)
{
	struct doctor *d = *state;
	struct jail j = {.cgroups = {.group = "paas7", .disk = "8:0"}};

	d->j = &j;
	assert_int_equal(worst(d, doctor_sizes), FINDING_WARN);
	assert_int_equal(d->n, 4); /* cpu_max, io, io_max, tools */
	put(d, "sys/fs/cgroup/paas7/cpu.max", "max 100000\n");
	put(d, "sys/fs/cgroup/unified/paas7/io.max", "\n");
	put(d, "usr/sbin/mke2fs", "");
	put(d, "usr/sbin/e2fsck", "");
	put(d, "sbin/resize2fs", "");
	assert_int_equal(worst(d, doctor_sizes), FINDING_NOTE);
	put(d, "sys/fs/cgroup/blkio/paas7/blkio.bfq.weight", "100\n");
	assert_int_equal(worst(d, doctor_sizes), FINDING_OK);
	j.cgroups.disk[0] = '\0';
	assert_int_equal(worst(d, doctor_sizes), FINDING_WARN);
}

static void user_namespaces_are_counted(void **state)
{
	struct doctor *d = *state;

	put(d, "proc/sys/user/max_user_namespaces", "63\n");
	assert_int_equal(worst(d, doctor_kernel), FINDING_BAD);
	put(d, "proc/sys/user/max_user_namespaces", "64\n");
	assert_true(worst(d, doctor_kernel) < FINDING_BAD);
}

static void small_limits_are_said_each(void **state)
{
	struct doctor *d = *state;

	assert_int_equal(worst(d, doctor_limits), FINDING_OK);
	put(d, "proc/sys/fs/inotify/max_user_watches", "8192\n");
	assert_int_equal(worst(d, doctor_limits), FINDING_OK);
	put(d, "proc/sys/fs/inotify/max_user_watches", "8191\n");
	put(d, "proc/sys/kernel/pid_max", "32767\n");
	assert_int_equal(worst(d, doctor_limits), FINDING_WARN);
	assert_int_equal(d->n, 2);
}

static void apparmor_without_our_profile_is_a_warning(void **state)
{
	struct doctor *d = *state;

	assert_int_equal(worst(d, doctor_apparmor), FINDING_NOTE);
	put(d, "sys/module/apparmor/parameters/enabled", "N\n");
	assert_int_equal(worst(d, doctor_apparmor), FINDING_NOTE);
	put(d, "sys/module/apparmor/parameters/enabled", "Y\n");
	assert_int_equal(worst(d, doctor_apparmor), FINDING_WARN);
	put(d, "sys/kernel/security/apparmor/profiles",
	    "lsb_release (enforce)\npaas-app (enforce)\n");
	assert_int_equal(worst(d, doctor_apparmor), FINDING_OK);
}

static void runtimes_with_known_holes_are_named(void **state)
{
	static const struct {
		const char *name, *text;
		enum finding_level want;
	} cases[] = {
	    {"crun", "crun version 1.8.1\ncommit: f8a09\n", FINDING_OK},
	    {"crun", "crun version 1.7.2\n", FINDING_WARN},
	    {"crun", "crun version 1.14.2\n", FINDING_OK},
	    {"crun", "no number at all\n", FINDING_WARN},
	    {"runc", "runc version 1.1.5+ds1\ncommit: 1.1.5\n", FINDING_WARN},
	    {"runc", "runc version 1.2.7\n", FINDING_WARN},
	    {"runc", "runc version 1.2.8\n", FINDING_OK},
	    {"runc", "runc version 1.3.0\n", FINDING_WARN},
	    {"runc", "runc version 1.3.3\n", FINDING_OK},
	    {"runc", "runc version 99999999999999.1\n", FINDING_OK},
	};
	struct doctor *d = *state;

	for (size_t i = 0; i < NELEM(cases); i++) {
		d->n = 0;
		doctor_say_runtime(d, cases[i].name, str_z(cases[i].text));
		assert_int_equal(d->n, 1);
		assert_int_equal(d->items[0].level, cases[i].want);
	}
}

static void firewalls_that_drop_are_named(void **state)
{
	static const struct {
		struct nft_chain chain;
		const char *says; /* NULL: nothing */
	} cases[] = {
	    {{NFPROTO_IPV4, "filter", "FORWARD", NF_INET_FORWARD, true},
	        "connections"},
	    {{NFPROTO_IPV4, "filter", "FORWARD", NF_INET_FORWARD, false}, NULL},
	    {{NFPROTO_IPV4, "filter", "INPUT", NF_INET_LOCAL_IN, true}, "DNS"},
	    {{NFPROTO_IPV4, "filter", "OUTPUT", NF_INET_LOCAL_OUT, true}, NULL},
	    {{NFPROTO_INET, "paas3", "x", NF_INET_FORWARD, true}, NULL},
	    {{NFPROTO_INET, "firewalld", "filter_FORWARD", NF_INET_FORWARD,
	         false},
	        "firewalld"},
	};
	struct doctor *d = *state;

	for (size_t i = 0; i < NELEM(cases); i++) {
		d->n = 0;
		doctor_say_chain(d, &cases[i].chain);
		assert_int_equal(d->n, cases[i].says != NULL);
		if (d->n == 0)
			continue;
		assert_int_equal(d->items[0].level, FINDING_WARN);
		assert_non_null(strstr(d->items[0].text, cases[i].says));
		/* Whole: an advice that is cut can't be typed. */
		assert_true(str_ends(str_z(d->items[0].todo), STR(".")));
	}
}

static void more_findings_than_fit_are_left_out(void **state)
{
	struct doctor *d = *state;

	for (int i = 0; i <= FINDINGS_MAX; i++)
		doctor_say(d, FINDING_OK, NULL, "number %d", i);
	assert_int_equal(d->n, FINDINGS_MAX);
	assert_string_equal(d->items[FINDINGS_MAX - 1].text, "number 63");
}

#define ON_A_HOST(f)                                                           \
	cmocka_unit_test_setup_teardown(f, host_setup, host_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    ON_A_HOST(swap_and_zram_are_seen),
	    ON_A_HOST(a_missing_controller_is_a_problem),
	    ON_A_HOST(a_v1_host_is_told_what_it_misses),
	    ON_A_HOST(limits_of_sizes_that_are_not_kept_are_said),
	    ON_A_HOST(user_namespaces_are_counted),
	    ON_A_HOST(small_limits_are_said_each),
	    ON_A_HOST(apparmor_without_our_profile_is_a_warning),
	    ON_A_HOST(runtimes_with_known_holes_are_named),
	    ON_A_HOST(firewalls_that_drop_are_named),
	    ON_A_HOST(more_findings_than_fit_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
