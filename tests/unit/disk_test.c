/* jail: file systems in files, for real, which needs root; texts of limits. */
/* links: runtime/jail/ -lmnl */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../../runtime/jail/cgroup_limit.h"
#include "../../runtime/jail/disk.h"
#include "../../runtime/jail/loop.h"
#include "base/fd.h"
#include "base/mem.h"
#include "proc/spawn.h"

#define MB (1024 * 1024)
#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* --- limits --------------------------------------------------------------- */

static void limits_are_said_as_the_kernel_reads_them(void **state)
{
	char text[LIMIT_TEXT];

	limit_text_cpu_max(0, text);
	assert_string_equal(text, "max 100000");
	limit_text_cpu_max(1, text);
	assert_string_equal(text, "1000 100000");
	limit_text_cpu_max(250, text);
	assert_string_equal(text, "250000 100000");
	limit_text_cpu_max(100000, text);
	assert_string_equal(text, "100000000 100000");
	limit_text_quota(0, text);
	assert_string_equal(text, "-1");
	limit_text_quota(50, text);
	assert_string_equal(text, "50000");
	limit_text_io_max("8:0", 0, text);
	assert_string_equal(text, "8:0 rbps=max wbps=max");
	limit_text_io_max("259:3", 1048576, text);
	assert_string_equal(text, "259:3 rbps=1048576 wbps=1048576");
	assert_int_equal(limit_bfq_weight(1), 1);
	assert_int_equal(limit_bfq_weight(100), 100);
	assert_int_equal(limit_bfq_weight(10000), 1000);
}

/* --- a folder with images ------------------------------------------------- */

struct place {
	char path[64];
	int dir;
};

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	snprintf(p->path, sizeof(p->path), "/tmp/disk-test-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->dir = open(p->path, OPEN_DIR);
	*state = p;
	return p->dir == -1;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char at[80];

	snprintf(at, sizeof(at), "%s/at", p->path);
	(void)umount2(at, MNT_DETACH);
	fd_close(&p->dir);
	(void)fd_remove_tree(AT_FDCWD, p->path, NULL);
	free(p);
	return 0;
}

static int new_image(struct place *p, const char *name)
{
	int fd = openat(p->dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd != -1);
	return fd;
}

static int mounted(struct place *p, int image)
{
	struct error err = {0};
	int fd = loop_mount(image, &err);

	if (fd == -1)
		fail_msg("%s", err.msg);
	return fd;
}

/* How many devices have an image below path. */
static int devices(const char *path)
{
	DIR *d = opendir("/sys/block");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d))) {
		scoped_buf struct buf text = BUF_INIT(4096);
		char file[300];

		snprintf(file, sizeof(file), "/sys/block/%s/loop/backing_file",
		    e->d_name);
		if (fd_read_file(AT_FDCWD, file, &text, NULL) == 0 &&
		    str_starts(buf_str(&text), str_z(path)))
			n++;
	}
	closedir(d);
	return n;
}

/* The kernel lets go of a device a moment after its last user. */
static void assert_no_devices(const char *path)
{
	for (int i = 0; i < 1000 && devices(path) > 0; i++)
		(void)usleep(10000);
	assert_int_equal(devices(path), 0);
}

/* --- file systems --------------------------------------------------------- */

static void a_disk_ends_at_its_bytes_and_files(void **state)
{
	struct place *p = *state;
	scoped_fd int image = new_image(p, "a"), mount = -1, file = -1;
	static char block[MB];
	struct error err = {0};
	struct statvfs fs;
	int n = 0;

	if (loop_format(image, 32 * MB, 1024, false, &err) == -1)
		fail_msg("%s", err.msg);
	mount = mounted(p, image);
	assert_int_equal(fstatvfs(mount, &fs), 0);
	assert_true(fs.f_flag & ST_NOSUID && fs.f_flag & ST_NODEV);
	assert_in_range(fs.f_files, 1000, 1100);
	memset(block, 'x', sizeof(block));
	file = openat(mount, "big", O_RDWR | O_CREAT, 0600);
	while (n < 64 && write(file, block, sizeof(block)) == sizeof(block))
		n++;
	assert_in_range(n, 20, 32);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(unlinkat(mount, "big", 0), 0);
	for (n = 0; n < 2000; n++) {
		char name[16];
		scoped_fd int fd = -1;

		snprintf(name, sizeof(name), "%d", n);
		fd = openat(mount, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1)
			break;
	}
	assert_int_equal(errno, ENOSPC);
	assert_in_range(n, 900, 1024);
	fd_close(&file);
	fd_close(&mount);
	assert_no_devices(p->path);
}

static void an_image_has_one_device_however_often_it_is_mounted(void **state)
{
	struct place *p = *state;
	scoped_fd int image = new_image(p, "a"), one = -1, two = -1, fd = -1;

	assert_int_equal(loop_format(image, 16 * MB, 1024, true, NULL), 0);
	one = mounted(p, image);
	two = mounted(p, image);
	assert_int_equal(devices(p->path), 1);
	fd = openat(one, "x", O_RDWR | O_CREAT, 0600);
	assert_int_equal(faccessat(two, "x", F_OK, 0), 0);
	fd_close(&fd);
	fd_close(&one);
	assert_int_equal(devices(p->path), 1);
	fd_close(&two);
	assert_no_devices(p->path);
	/* What was written is there the next time. */
	one = mounted(p, image);
	assert_int_equal(faccessat(one, "x", F_OK, 0), 0);
	fd_close(&one);
	assert_no_devices(p->path);
}

static void a_mounted_one_grows(void **state)
{
	struct place *p = *state;
	scoped_fd int image = new_image(p, "a"), mount = -1, top = -1;
	struct error err = {0};
	struct statvfs fs;

	assert_int_equal(loop_format(image, 16 * MB, 1024, true, NULL), 0);
	mount = mounted(p, image);
	top = openat(mount, ".", OPEN_DIR);
	if (loop_grow(image, top, 300 * MB, &err) == -1) {
		/* Not every root may: then it grows while nobody uses it. */
		assert_int_equal(err.code, ERR_FORBIDDEN);
		fd_close(&top);
		fd_close(&mount);
		assert_no_devices(p->path);
		assert_false(loop_is_smaller(image));
		assert_int_equal(ftruncate(image, 300 * MB), 0);
		assert_true(loop_is_smaller(image));
		assert_int_equal(loop_grow_unused(image, &err), 0);
		assert_false(loop_is_smaller(image));
		mount = mounted(p, image);
	}
	assert_int_equal(fstatvfs(mount, &fs), 0);
	assert_true((uint64_t)fs.f_blocks * fs.f_frsize > 280 * MB);
	assert_false(loop_is_damaged(image));
	fd_close(&top);
	fd_close(&mount);
	assert_no_devices(p->path);
}

static void what_is_no_file_system_is_not_mounted(void **state)
{
	struct place *p = *state;
	scoped_fd int image = new_image(p, "a");
	struct error err = {0};

	assert_int_equal(ftruncate(image, 16 * MB), 0);
	assert_false(loop_is_damaged(image));
	assert_int_equal(loop_mount(image, &err), -1);
	assert_no_devices(p->path);
}

struct repair {
	struct ev *ev;
	struct ev_child c;
	int status;
};

static void repaired(struct ev_child *c, int status)
{
	struct repair *r = container_of(c, struct repair, c);

	r->status = status;
	ev_stop(r->ev);
}

/* As the kernel leaves one in which it has found an error. */
static void damage(struct place *p, const char *name)
{
	char path[80];
	const char *const argv[] = {"/usr/sbin/debugfs", "-w", "-R",
	    "set_super_value state 2", path, NULL};
	struct error err = {0};

	snprintf(path, sizeof(path), "%s/%s", p->path, name);
	if (spawn_wait(&(struct spawn){.argv = argv}, &err) == -1)
		fail_msg("%s", err.msg);
}

static void a_damaged_one_says_so_and_is_repaired(void **state)
{
	struct place *p = *state;
	scoped_fd int image = new_image(p, "a"), mount = -1;
	struct repair r = {.ev = ev_new(), .c.gone = repaired, .status = -1};
	struct error err = {0};

	r.c.io.fd = -1;
	assert_int_equal(loop_format(image, 16 * MB, 1024, true, NULL), 0);
	damage(p, "a");
	assert_true(loop_is_damaged(image));
	if (loop_repair(r.ev, &r.c, image, &err) == -1)
		fail_msg("%s", err.msg);
	ev_run(r.ev);
	ev_free(r.ev);
	assert_false(loop_is_damaged(image));
	mount = mounted(p, image);
	fd_close(&mount);
	assert_no_devices(p->path);
}

/* --- disks of instances --------------------------------------------------- */

static void an_instances_disk_leaves_nothing_but_its_pattern(void **state)
{
	struct place *p = *state;
	struct jail j = {.store_dir = p->dir};
	struct error err = {0};
	struct stat st;
	char at[80];
	int n = 0;
	DIR *d;

	assert_int_equal(fd_mkdir(p->dir, "disk", 0700, NULL), 0);
	for (int i = 0; i < 2; i++) {
		if (disk_upper(&j, p->dir, "at", 32 * MB, 2048, 5000, &err) ==
		    -1)
			fail_msg("%s", err.msg);
		assert_int_equal(fstatat(p->dir, "at/u", &st, 0), 0);
		assert_int_equal(st.st_uid, 5000);
		assert_int_equal(fstatat(p->dir, "at/w", &st, 0), 0);
		assert_int_equal(devices(p->path), 1);
		snprintf(at, sizeof(at), "%s/at", p->path);
		assert_int_equal(umount2(at, MNT_DETACH), 0);
		assert_no_devices(p->path);
	}
	(void)new_image(p, "disk/left-by-a-kill");
	disk_sweep(&j);
	d = fdopendir(openat(p->dir, "disk", OPEN_DIR));
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	assert_int_equal(n, 1);
	assert_int_equal(fstatat(p->dir, "disk/t-33554432-2048", &st, 0), 0);
	assert_true(st.st_blocks * 512 < 2 * MB);
}

static void there_must_be_room_for_a_disk(void **state)
{
	struct place *p = *state;
	struct jail j = {.store_dir = p->dir, .volumes_dir = -1};
	struct error err = {0};

	assert_int_equal(disk_room(&j, 1, "It", &err), 0);
	assert_int_equal(disk_room(&j, 1ull << 60, "It", &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.msg, "It takes 1073741824G"));
}

/* Sparse images of volumes can't promise more than there is. */
static void room_of_volumes_is_spoken_for(void **state)
{
	struct place *p = *state;
	struct jail j = {.store_dir = p->dir};
	struct error err = {0};
	struct statvfs fs;
	uint64_t left;
	int fd;

	assert_int_equal(fstatvfs(p->dir, &fs), 0);
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	assert_int_equal(mkdirat(p->dir, "volumes", 0700), 0);
	assert_int_equal(mkdirat(p->dir, "volumes/7", 0700), 0);
	j.volumes_dir = openat(p->dir, "volumes", O_RDONLY | O_DIRECTORY);
	fd = openat(p->dir, "volumes/7/1", O_RDWR | O_CREAT, 0600);
	assert_int_equal(disk_room(&j, left / 2, "It", &err), 0);
	assert_int_equal(ftruncate(fd, (off_t)(left / 4 * 3)), 0);
	assert_int_equal(disk_room(&j, left / 2, "It", &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(disk_room(&j, left / 8, "It", &err), 0);
	close(fd);
	close(j.volumes_dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limits_are_said_as_the_kernel_reads_them),
	    TEST(a_disk_ends_at_its_bytes_and_files),
	    TEST(an_image_has_one_device_however_often_it_is_mounted),
	    TEST(a_mounted_one_grows),
	    TEST(what_is_no_file_system_is_not_mounted),
	    TEST(a_damaged_one_says_so_and_is_repaired),
	    TEST(an_instances_disk_leaves_nothing_but_its_pattern),
	    TEST(there_must_be_room_for_a_disk),
	    TEST(room_of_volumes_is_spoken_for),
	};

	if (geteuid() != 0) {
		print_message("not root: skipped\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
