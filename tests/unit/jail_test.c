/*
 * jail: what it writes down, lends, and tells the OCI runtime; mounts and
 * groups for real, which needs root.
 */
/* links: runtime/jail/ -lmnl -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../runtime/jail/cgroup.h"
#include "../../runtime/jail/json.h"
#include "../../runtime/jail/lease.h"
#include "../../runtime/jail/memory.h"
#include "../../runtime/jail/oci.h"
#include "../../runtime/jail/record.h"
#include "../../runtime/jail/room.h"
#include "../../runtime/jail/root.h"
#include "base/fd.h"

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* --- records -------------------------------------------------------------- */

static void a_record_is_read_as_it_was_written(void **state)
{
	scoped_buf struct buf text = BUF_INIT(RECORD_MAX);
	struct record r = {.instance = UINT64_MAX,
	    .app = 7,
	    .kind = 3,
	    .release = 12,
	    .num = 2,
	    .port = 31999,
	    .range = 5,
	    .net = 9,
	    .attached = 1,
	    .pty = 1,
	    .time = 1769860800000,
	    .ptype = "web",
	    .name = "web.2"};
	struct record got;
	struct error err = {0};

	record_print(&r, &text);
	assert_int_equal(record_parse(buf_str(&text), &got, &err), 0);
	assert_memory_equal(&r, &got, sizeof(r));
}

static void a_record_that_is_not_whole_is_refused(void **state)
{
	static const char *const cases[] = {"", "instance 1\n",
	    "instance 1\nptype web\nname web.1\n", /* no end */
	    "instance x\nptype web\nname web.1\nend 1\n",
	    "instance 0\nptype web\nname web.1\nend 1\n",
	    "instance 1\nptype we b\nname web.1\nend 1\n",
	    "instance 1\nptype web\nname ../x\nend 1\n",
	    "instance 99999999999999999999\nptype web\nname web.1\nend 1\n"};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		struct record r;

		assert_int_equal(record_parse(str_z(cases[i]), &r, &err), -1);
	}
}

static void names_of_a_newer_record_are_skipped(void **state)
{
	struct record r;
	struct error err = {0};

	assert_int_equal(
	    record_parse(STR("colour red\ninstance 3\nptype web\nname web.1\n"
	                     "end 1\n"),
	        &r, &err),
	    0);
	assert_int_equal(r.instance, 3);
}

static void an_ending_is_read_as_it_was_written(void **state)
{
	scoped_buf struct buf text = BUF_INIT(RECORD_MAX);
	struct ending e = {.code = 137, .signal = 9, .oom = 1, .time = 42};
	struct ending got;
	struct error err = {0};

	snprintf(e.text, sizeof(e.text), "two\nlines");
	ending_print(&e, &text);
	assert_int_equal(ending_parse(buf_str(&text), &got, &err), 0);
	assert_int_equal(got.code, 137);
	assert_string_equal(got.text, "two lines");
	assert_int_equal(ending_parse(STR("code 1\n"), &got, &err), -1);
}

/* --- leases --------------------------------------------------------------- */

static void numbers_go_round_and_are_shared_by_key(void **state)
{
	struct lease_pool *p = lease_new("things", 10, 3);
	struct error err = {0};
	uint32_t n;

	assert_int_equal(lease_take(p, 1, &n, &err), 0);
	assert_int_equal(n, 10);
	assert_int_equal(lease_take(p, 1, &n, &err), 0);
	assert_int_equal(n, 10);
	assert_int_equal(lease_take(p, 2, &n, &err), 0);
	assert_int_equal(n, 11);
	assert_false(lease_drop(p, 1, NULL));
	assert_true(lease_drop(p, 1, &n));
	assert_int_equal(n, 10);
	assert_false(lease_drop(p, 1, &n));
	assert_int_equal(lease_take(p, 3, &n, &err), 0);
	assert_int_equal(n, 12); /* the one just returned comes last */
	assert_int_equal(lease_take(p, 4, &n, &err), 0);
	assert_int_equal(n, 10);
	assert_int_equal(lease_take(p, 5, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(lease_keep(p, 6, 11, &err), -1);
	assert_int_equal(lease_keep(p, 2, 11, &err), 0);
	assert_int_equal(lease_keep(p, 2, 13, &err), -1);
	lease_free(p);
}

static void slots_have_ranges_of_their_own(void **state)
{
	struct error err = {0};
	uint64_t end = 1;

	for (uint64_t slot = 0; slot < SLOTS_MAX; slot++) {
		uint32_t first, count;

		assert_int_equal(lease_slot(slot, &first, &count, &err), 0);
		assert_int_equal(first, end);
		end = (uint64_t)first + count;
	}
	assert_true(ID_FIRST + end * ID_RANGE <= 2147418112u + ID_RANGE);
	assert_int_equal(
	    lease_slot(SLOTS_MAX, &(uint32_t){0}, &(uint32_t){0}, &err), -1);
}

/* --- config.json ---------------------------------------------------------- */

static json_t *print(const struct oci *o)
{
	scoped_buf struct buf text = BUF_INIT(OCI_MAX);
	json_t *json;

	oci_print(o, &text);
	assert_false(text.bad);
	json = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	return json;
}

static const struct str args[] = {
    {"sh", 2}, {"-c", 2}, {"echo \"\\\n\x7f\"", 10}};
static const struct str env[] = {{"PORT=5000", 9}, {"A=\xc3\xa4", 4}};

static struct oci sample(void)
{
	return (struct oci){.root = "/r",
	    .cwd = "/app",
	    .hostname = "web-1",
	    .args = args,
	    .nargs = NELEM(args),
	    .env = env,
	    .nenv = NELEM(env),
	    .id_base = lease_base(3)};
}

static void a_process_has_no_capability_and_ids_of_its_own(void **state)
{
	struct oci o = sample();
	json_t *json = print(&o), *map, *caps, *set;
	const char *name, *arg;
	json_int_t uid, from, size;

	assert_int_equal(
	    json_unpack(json, "{s:{s:{s:I},s:o,s:[s,s,s]},s:{s:[o]}}",
	        "process", "user", "uid", &uid, "capabilities", &caps, "args",
	        &arg, &arg, &arg, "linux", "uidMappings", &map),
	    0);
	assert_int_equal(uid, OCI_UID);
	assert_string_equal(arg, "echo \"\\\n\x7f\"");
	json_object_foreach(caps, name, set)
	    assert_int_equal(json_array_size(set), 0);
	assert_int_equal(
	    json_unpack(map, "{s:I,s:I}", "hostID", &from, "size", &size), 0);
	assert_int_equal(from, ID_FIRST + 3 * ID_RANGE);
	assert_int_equal(size, ID_RANGE);
	json_decref(json);
}

static void its_owner_may_keep_files_and_no_more(void **state)
{
	struct oci o = sample();
	json_t *json, *set;

	o.owner = true;
	json = print(&o);
	assert_int_equal(json_unpack(json, "{s:{s:{s:o}}}", "process",
	                     "capabilities", "bounding", &set),
	    0);
	assert_int_equal(json_array_size(set), 4);
	json_decref(json);
}

static void the_profile_is_named_where_the_host_has_it(void **state)
{
	struct oci o = sample();
	json_t *json = print(&o);

	assert_null(json_object_get(
	    json_object_get(json, "process"), "apparmorProfile"));
	json_decref(json);
	o.apparmor = "paas-app";
	json = print(&o);
	assert_string_equal(
	    json_string_value(json_object_get(
	        json_object_get(json, "process"), "apparmorProfile")),
	    "paas-app");
	json_decref(json);
}

static void what_is_no_utf8_is_not_said(void **state)
{
	static const char *const bad[] = {"\x80", "\xc0\xaf", "\xed\xa0\x80",
	    "\xf4\x90\x80\x80", "\xe2\x82", "\xff"};
	scoped_buf struct buf text = BUF_INIT(OCI_MAX);
	struct oci o = sample();
	struct str arg;

	for (size_t i = 0; i < NELEM(bad); i++)
		assert_false(json_utf8(str_z(bad[i])));
	assert_true(json_utf8(STR("\xf0\x9f\x98\x80")));
	arg = STR("a\xff");
	o.args = &arg;
	o.nargs = 1;
	oci_print(&o, &text);
	assert_true(text.bad);
}

/* --- for real ------------------------------------------------------------- */

static int folder_in(const char *path, const char *name)
{
	char full[128];

	snprintf(full, sizeof(full), "%s/%s", path, name);
	assert_int_equal(mkdir(full, 0755), 0);
	return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put(int dir, const char *name, uint32_t owner, mode_t mode)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, name, strlen(name)), strlen(name));
	assert_int_equal(fchown(fd, owner, owner), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static struct stat look(int dir, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void layers_are_mapped_and_the_upper_is_bounded(void **state)
{
	char top[] = "/tmp/paas-jail-test-XXXXXX";
	static const struct str digests[] = {{"aaaa", 4}, {"bbbb", 4}};
	uint32_t base = lease_base(40);
	struct error err = {0};
	int store, a, b, in, fd, users;
	char block[65536] = {0};
	ssize_t written = 0, n;

	assert_non_null(mkdtemp(top));
	store = folder_in(top, "store");
	a = folder_in(top, "store/aaaa");
	b = folder_in(top, "store/bbbb");
	in = folder_in(top, "in");
	put(a, "root", ID_STORE, 0644);
	put(a, "both", ID_STORE, 0644);
	put(b, "both", ID_STORE + OCI_UID, 04755);

	users = root_userns(base, &err);
	assert_true(users != -1);
	assert_int_equal(root_upper(in, "u", 1 << 20, 100, base, &err), 0);
	assert_int_equal(
	    root_overlay(
	        in, &(struct root_layers){store, users, digests, 2}, "u", &err),
	    0);
	assert_int_equal(look(in, "root").st_uid, base);
	assert_int_equal(look(in, "root/root").st_uid, base);
	assert_int_equal(look(in, "root/both").st_uid, base + OCI_UID);
	fd = openat(in, "root/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	while ((n = write(fd, block, sizeof(block))) > 0)
		written += n;
	assert_in_range(written, 512 << 10, 1 << 20);
	close(fd);
	/* The layers themselves are as they were. */
	assert_int_equal(faccessat(a, "new", F_OK, 0), -1);
	root_undo(in);
	assert_int_equal(faccessat(in, "root/root", F_OK, 0), -1);

	assert_int_equal(root_overlay(in,
	                     &(struct root_layers){
	                         store, users, (struct str[]){{"cccc", 4}}, 1},
	                     "u", &err),
	    -1);
	root_undo(in);
	close(store);
	close(a);
	close(b);
	close(in);
	close(users);
	assert_int_equal(fd_remove_tree(AT_FDCWD, top, &err), 0);
}

/* As a jail leaves it that is killed while it makes the overlay. */
static void layers_that_were_left_mounted_are_taken_back(void **state)
{
	char top[] = "/tmp/paas-jail-test-XXXXXX";
	struct error err = {0};
	int layer, in, places;

	assert_non_null(mkdtemp(top));
	layer = folder_in(top, "layer");
	in = folder_in(top, "in");
	put(layer, "kept", 0, 0644);
	places = folder_in(top, "in/l");
	assert_int_equal(root_bind(places, "0", layer, true, &err), 0);
	assert_int_equal(root_bind(places, "1", layer, true, &err), 0);
	assert_int_equal(faccessat(in, "l/1/kept", F_OK, 0), 0);
	root_undo(in);
	assert_int_equal(faccessat(in, "l/0/kept", F_OK, 0), -1);
	assert_int_equal(faccessat(in, "l/1/kept", F_OK, 0), -1);
	assert_int_equal(faccessat(layer, "kept", F_OK, 0), 0);
	close(places);
	close(layer);
	close(in);
	assert_int_equal(fd_remove_tree(AT_FDCWD, top, &err), 0);
}

static void a_group_holds_and_is_killed(void **state)
{
	const struct cgroup_limits limits = {
	    .memory = 64 << 20, .weight = 100, .pids = 20};
	struct cgroups c;
	struct error err = {0};
	int status, ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(cgroups_open(&c, 9999, &err), 0);
	assert_int_equal(cgroup_make(&c, "x", &limits, &err), 0);
	assert_int_equal(cgroup_make(&c, "x", &limits, &err), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (cgroup_enter(&c, "x", &err) == 0)
			(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(cgroup_remove(&c, "x", &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_true(cgroup_kill(&c, "x"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_false(cgroup_oom(&c, "x"));
	while (cgroup_remove(&c, "x", &err) == -1)
		assert_int_equal(err.code, ERR_UNAVAILABLE);
	cgroups_remove(&c);
	cgroups_close(&c);
	close(ready[0]);
	close(ready[1]);
}

/* --- memory --------------------------------------------------------------- */

static void used_memory_is_what_cannot_be_reclaimed(void **state)
{
	assert_int_equal(memory_used(STR("cache 500\nrss 100\nrss_huge 7\n"
	                                 "shmem 20\ntotal_rss 900\n")),
	    120);
	assert_int_equal(
	    memory_used(STR("anon 100\nfile 500\nshmem 20\n")), 120);
	assert_int_equal(memory_used(STR("rss x\nshmem\n\n")), 0);
}

static void available_memory_is_what_the_kernel_calls_so(void **state)
{
	assert_int_equal(
	    room_available(STR("MemTotal:       4000000 kB\n"
	                       "MemFree:          10 kB\n"
	                       "MemAvailable:    1234 kB\nBuffers: 7 kB\n")),
	    1234 << 10);
	assert_int_equal(room_available(STR("MemAvailable: 12 MB\n")), 0);
	assert_int_equal(room_available(STR("MemAvailable: x kB\n")), 0);
	assert_int_equal(
	    room_available(STR("MemAvailable: 18014398509481984 kB\n")), 0);
	assert_int_equal(room_available(STR("MemTotal: 1 kB\n\n")), 0);
	assert_int_equal(room_available(STR("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_is_read_as_it_was_written),
	    cmocka_unit_test(a_record_that_is_not_whole_is_refused),
	    cmocka_unit_test(names_of_a_newer_record_are_skipped),
	    cmocka_unit_test(an_ending_is_read_as_it_was_written),
	    cmocka_unit_test(numbers_go_round_and_are_shared_by_key),
	    cmocka_unit_test(slots_have_ranges_of_their_own),
	    cmocka_unit_test(a_process_has_no_capability_and_ids_of_its_own),
	    cmocka_unit_test(its_owner_may_keep_files_and_no_more),
	    cmocka_unit_test(the_profile_is_named_where_the_host_has_it),
	    cmocka_unit_test(what_is_no_utf8_is_not_said),
	    cmocka_unit_test(layers_are_mapped_and_the_upper_is_bounded),
	    cmocka_unit_test(layers_that_were_left_mounted_are_taken_back),
	    cmocka_unit_test(a_group_holds_and_is_killed),
	    cmocka_unit_test(used_memory_is_what_cannot_be_reclaimed),
	    cmocka_unit_test(available_memory_is_what_the_kernel_calls_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
