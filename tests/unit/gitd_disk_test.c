/* gitd: what it does on disk, and the body of a request into a pipe. */
/* links: gitd/ -lmicrohttpd -lz */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../../gitd/body.h"
#include "../../gitd/packed.h"
#include "../../gitd/refdir.h"
#include "../../gitd/refs.h"
#include "../../gitd/repodir.h"
#include "base/fd.h"
#include "base/mem.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define PACK_ID "cccccccccccccccccccccccccccccccccccccccc"

/* --- a folder with the repository x.git ------------------------------------
 */

struct fixture {
	char path[64], repo[80];
	int dir;
};

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));
	struct error err = {0};

	snprintf(x->path, sizeof(x->path), "/tmp/gitd-test-XXXXXX");
	assert_non_null(mkdtemp(x->path));
	snprintf(x->repo, sizeof(x->repo), "%s/x.git", x->path);
	x->dir = open(x->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(repodir_create(x->dir, "x.git", &err), 0);
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;
	struct error err = {0};

	fd_close(&x->dir);
	assert_int_equal(fd_remove_tree(AT_FDCWD, x->path, &err), 0);
	free(x);
	return 0;
}

static void write_text(
    const struct fixture *x, const char *name, const char *text)
{
	struct error err = {0};

	assert_int_equal(
	    fd_write_file(x->dir, name, str_z(text), 0644, &err), 0);
}

static bool exists(const struct fixture *x, const char *name)
{
	return faccessat(x->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int count(const struct fixture *x, const char *folder)
{
	int fd = openat(x->dir, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	int n = -2; /* . and .. */

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

struct value {
	char id[ID_LEN + 1];
};

/* What name points to, "" when there is no such ref. */
static struct value value_of(const struct fixture *x, const char *name)
{
	scoped_reflist struct reflist refs = {0};
	struct error err = {0};
	struct value found = {.id = ""};
	const struct ref *ref;

	assert_int_equal(refs_list(x->repo, &refs, &err), 0);
	ref = reflist_find(&refs, str_z(name));
	if (ref)
		memcpy(found.id, ref->id, sizeof(found.id));
	return found;
}
#define assert_ref(x, name, want)                                              \
	assert_string_equal(value_of(x, name).id, want)

/* Move one ref; returns whether it moved. */
static bool move(
    const struct fixture *x, const char *name, const char *old, const char *new)
{
	struct commands cmds = {0};
	struct error err = {0};
	bool moved;

	commands_add(&cmds, str_z(name), str_z(old), str_z(new));
	assert_int_equal(refs_move(x->repo, &cmds, false, 0, &err), 0);
	moved = cmds.list[0].moved;
	assert_int_equal(moved, cmds.list[0].why == NULL);
	commands_release(&cmds);
	return moved;
}

/* --- refs ------------------------------------------------------------------
 */

static void packed_refs_are_read_and_written(void **state)
{
	static const char text[] = "# pack-refs with: peeled fully-peeled\n"
	                           "" ID_B " refs/tags/v1\n"
	                           "^" ID_A "\n" ID_A " refs/heads/main\n";
	scoped_reflist struct reflist refs = {0};
	scoped_buf struct buf out = BUF_INIT(4096);
	struct error err = {0};

	(void)state;
	assert_int_equal(packed_parse(str_z(text), &refs, &err), 0);
	assert_int_equal(refs.n, 2);
	packed_print(&out, &refs);
	assert_true(str_eqz(buf_str(&out),
	    "# pack-refs with: sorted \n" ID_A " refs/heads/main\n" ID_B
	    " refs/tags/v1\n"));
}

static void a_malformed_line_of_packed_refs_is_named(void **state)
{
	static const char *const bad[] = {"x", ID_A, ID_A " ", ID_A "\trefs/a",
	    ID_A " HEAD", ID_A "00 refs/heads/a", "A" ID_B " refs/heads/a",
	    " " ID_A " refs/heads/a"};

	(void)state;
	for (size_t i = 0; i < NELEM(bad); i++) {
		scoped_reflist struct reflist refs = {0};
		scoped_free char *text = xasprintf("# x\n%s\n", bad[i]);
		struct error err = {0};

		assert_int_equal(packed_parse(str_z(text), &refs, &err), -1);
		assert_non_null(strstr(err.msg, "line 2"));
	}
}

static void a_ref_moves_from_its_old_value_only(void **state)
{
	const struct fixture *x = *state;

	assert_ref(x, "refs/heads/main", "");
	assert_false(move(x, "refs/heads/main", ID_B, ID_A));
	assert_true(move(x, "refs/heads/main", ID_ZERO, ID_A));
	assert_false(move(x, "refs/heads/main", ID_ZERO, ID_B));
	assert_true(move(x, "refs/heads/main", ID_B, ID_A)); /* it is there */
	assert_true(move(x, "refs/heads/main", ID_A, ID_B));
	assert_ref(x, "refs/heads/main", ID_B);
	assert_true(move(x, "refs/heads/main", ID_B, ID_ZERO));
	assert_ref(x, "refs/heads/main", "");
	assert_false(exists(x, "x.git/packed-refs.lock"));
}

static void what_stock_git_left_is_taken_in(void **state)
{
	const struct fixture *x = *state;

	write_text(x, "x.git/packed-refs", ID_B " refs/heads/main\n");
	write_text(x, "x.git/refs/heads/main", ID_A "\n");
	write_text(x, "x.git/refs/heads/side", ID_A "\n");
	write_text(x, "x.git/refs/heads/broken", "");
	write_text(x, "x.git/refs/heads/link", "ref: refs/heads/side\n");
	write_text(x, "x.git/refs/heads/loop", "ref: refs/heads/loop\n");
	assert_ref(x, "refs/heads/main", ID_A);
	assert_ref(x, "refs/heads/link", ID_A);
	assert_ref(x, "refs/heads/broken", "");
	assert_ref(x, "refs/heads/loop", "");
	assert_true(move(x, "refs/heads/main", ID_A, ID_B));
	assert_false(exists(x, "x.git/refs/heads/main"));
	assert_true(exists(x, "x.git/refs/heads/side"));
	assert_ref(x, "refs/heads/main", ID_B);
	assert_true(move(x, "refs/heads/side", ID_A, ID_ZERO));
	assert_ref(x, "refs/heads/side", "");
	assert_true(move(x, "refs/heads/broken", ID_ZERO, ID_A));
	assert_ref(x, "refs/heads/broken", ID_A);
	assert_false(move(x, "refs/heads/link", ID_ZERO, ID_A));
	write_text(x, "x.git/refs/heads/held.lock", "");
	assert_false(move(x, "refs/heads/held", ID_ZERO, ID_A));
}

static void an_atomic_push_moves_all_or_none(void **state)
{
	const struct fixture *x = *state;
	struct commands cmds = {0};
	struct error err = {0};

	assert_true(move(x, "refs/heads/a", ID_ZERO, ID_A));
	commands_add(&cmds, STR("refs/heads/b"), STR(ID_ZERO), STR(ID_A));
	commands_add(&cmds, STR("refs/heads/a"), STR(ID_B), STR(ID_ZERO));
	assert_int_equal(refs_move(x->repo, &cmds, true, 0, &err), 0);
	assert_non_null(strstr(cmds.list[0].why, "atomic"));
	assert_non_null(strstr(cmds.list[1].why, "moved meanwhile"));
	assert_ref(x, "refs/heads/b", "");
	commands_release(&cmds);
	commands_add(&cmds, STR("refs/heads/b"), STR(ID_ZERO), STR(ID_A));
	commands_add(&cmds, STR("refs/heads/a"), STR(ID_A), STR(ID_ZERO));
	assert_int_equal(refs_move(x->repo, &cmds, true, 0, &err), 0);
	assert_true(cmds.list[0].moved && cmds.list[1].moved);
	assert_ref(x, "refs/heads/a", "");
	commands_release(&cmds);
}

static void a_lock_keeps_others_out_until_it_is_swept(void **state)
{
	const struct fixture *x = *state;
	struct commands cmds = {0};
	struct error err = {0};

	write_text(x, "x.git/packed-refs.lock", "");
	commands_add(&cmds, STR("refs/heads/b"), STR(ID_ZERO), STR(ID_A));
	assert_int_equal(refs_move(x->repo, &cmds, false, 0, &err), -1);
	assert_false(cmds.list[0].moved);
	assert_null(cmds.list[0].why);
	commands_release(&cmds);
	repodir_sweep(x->dir);
	assert_true(move(x, "refs/heads/b", ID_ZERO, ID_A));
}

static void a_build_keeps_its_commit_until_its_ref_moves(void **state)
{
	const struct fixture *x = *state;
	scoped_refdir struct refdir d = {.dir = -1};
	struct commands cmds = {0};
	struct error err = {0};

	assert_int_equal(refs_keep(x->repo, 7, ID_A, &err), 0);
	assert_int_equal(refs_keep(x->repo, 7, ID_A, &err), 0);
	assert_int_equal(refs_keep(x->repo, 8, ID_B, &err), 0);
	assert_ref(x, "refs/gitd/pending/7", ""); /* hidden */
	commands_add(&cmds, STR("refs/heads/main"), STR(ID_ZERO), STR(ID_A));
	assert_int_equal(refs_move(x->repo, &cmds, false, 7, &err), 0);
	commands_release(&cmds);
	assert_int_equal(refs_unkeep(x->repo, 9, &err), 0);
	assert_int_equal(refdir_open(&d, x->repo, false, &err), 0);
	assert_int_equal(d.packed.n, 2);
	assert_string_equal(refdir_find(&d, STR("refs/gitd/pending/8")), ID_B);
	assert_string_equal(refdir_find(&d, STR("refs/heads/main")), ID_A);
}

/* --- quarantines ------------------------------------------------------------
 */

static void a_pack_is_adopted_with_its_index(void **state)
{
	const struct fixture *x = *state;
	char name[QUARANTINE_MAX], path[128];
	struct error err = {0};
	int fd = quarantine_make(x->dir, "x.git", name, &err);

	assert_int_not_equal(fd, -1);
	assert_true(str_starts(str_z(name), STR("incoming-")));
	assert_int_equal(strlen(name), strlen("incoming-") + 16);
	assert_int_equal(
	    quarantine_adopt(x->dir, "x.git", name, PACK_ID, &err), -1);
	snprintf(path, sizeof(path), "x.git/objects/%s/pack/pack-%s.pack", name,
	    PACK_ID);
	write_text(x, path, "pack");
	assert_int_equal(
	    quarantine_adopt(x->dir, "x.git", name, PACK_ID, &err), -1);
	assert_int_equal(count(x, "x.git/objects/pack"), 0);
	snprintf(path, sizeof(path), "x.git/objects/%s/pack/pack-%s.idx", name,
	    PACK_ID);
	write_text(x, path, "idx");
	assert_int_equal(
	    quarantine_adopt(x->dir, "x.git", name, PACK_ID, &err), 0);
	assert_int_equal(count(x, "x.git/objects/pack"), 2);
	quarantine_drop(x->dir, "x.git", name);
	fd_close(&fd);
	assert_int_equal(count(x, "x.git/objects"), 2);
}

static void only_plain_files_are_adopted(void **state)
{
	const struct fixture *x = *state;
	char name[QUARANTINE_MAX], pack[128], idx[128];
	struct error err = {0};
	int fd = quarantine_make(x->dir, "x.git", name, &err);

	snprintf(pack, sizeof(pack), "x.git/objects/%s/pack/pack-%s.pack", name,
	    PACK_ID);
	snprintf(idx, sizeof(idx), "x.git/objects/%s/pack/pack-%s.idx", name,
	    PACK_ID);
	write_text(x, pack, "pack");
	assert_int_equal(symlinkat("/etc/passwd", x->dir, idx), 0);
	assert_int_equal(
	    quarantine_adopt(x->dir, "x.git", name, PACK_ID, &err), -1);
	assert_int_equal(unlinkat(x->dir, idx, 0), 0);
	assert_int_equal(mkfifoat(x->dir, idx, 0644), 0);
	assert_int_equal(
	    quarantine_adopt(x->dir, "x.git", name, PACK_ID, &err), -1);
	assert_int_equal(unlinkat(x->dir, idx, 0), 0);
	assert_int_equal(linkat(x->dir, pack, x->dir, idx, 0), 0);
	assert_int_equal(
	    quarantine_adopt(x->dir, "x.git", name, PACK_ID, &err), -1);
	assert_int_equal(count(x, "x.git/objects/pack"), 0);
	fd_close(&fd);
}

static void the_next_push_removes_what_a_killed_one_left(void **state)
{
	const struct fixture *x = *state;
	char dead[QUARANTINE_MAX], alive[QUARANTINE_MAX], next[QUARANTINE_MAX];
	struct error err = {0};
	int fd = quarantine_make(x->dir, "x.git", dead, &err), other, third;

	other = quarantine_make(x->dir, "x.git", alive, &err);
	assert_int_equal(count(x, "x.git/objects"), 4);
	fd_close(&fd);
	third = quarantine_make(x->dir, "x.git", next, &err);
	assert_int_equal(count(x, "x.git/objects"), 4);
	fd_close(&other);
	fd_close(&third);
	repodir_sweep(x->dir);
	assert_int_equal(count(x, "x.git/objects"), 2);
}

static void a_repository_goes_whole_and_half_made_ones_are_swept(void **state)
{
	const struct fixture *x = *state;
	struct error err = {0};

	assert_int_equal(repodir_create(x->dir, "x.git", &err), 0);
	assert_true(repodir_exists(x->dir, "x.git"));
	assert_int_equal(repodir_remove(x->dir, "x.git", &err), 0);
	assert_int_equal(repodir_remove(x->dir, "x.git", &err), 0);
	assert_int_equal(mkdirat(x->dir, "1.git.new", 0755), 0);
	assert_int_equal(mkdirat(x->dir, "2.git.gone", 0755), 0);
	repodir_sweep(x->dir);
	assert_int_equal(count(x, "."), 0);
}

/* --- body -------------------------------------------------------------------
 */

struct watch {
	struct ev *ev;
	struct body *body;
	int ready, room;
};

static void on_ready(void *ctx)
{
	((struct watch *)ctx)->ready++;
}

static void on_room(void *ctx)
{
	((struct watch *)ctx)->room++;
}

static const struct body_ops ops = {.ready = on_ready, .room = on_room};

static struct watch start(void)
{
	return (struct watch){.ev = ev_new()};
}

static size_t gzipped(struct str in, char *out, size_t size)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)in.p,
	    .avail_in = (unsigned)in.len,
	    .next_out = (unsigned char *)out,
	    .avail_out = (unsigned)size};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8,
	                     Z_DEFAULT_STRATEGY),
	    Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(deflateEnd(&z), Z_OK);
	return z.total_out;
}

/* Feed all of in and read all that comes out of the pipe, turn by turn. */
static void pass(struct watch *w, struct str in, struct buf *out)
{
	struct error err = {0};
	int fd = -1;
	ssize_t n;

	while (in.len && (n = body_feed(w->body, in, &err)) > 0)
		in = str_sub(in, (size_t)n, in.len);
	if (!in.len)
		body_end(w->body);
	assert_int_equal(w->ready, 1);
	fd = body_connect(w->body, &err);
	assert_int_equal(fd_nonblock(fd, true, &err), 0);
	for (;;) {
		ev_turn(w->ev, 0);
		n = in.len ? body_feed(w->body, in, &err) : 0;
		assert_int_not_equal(n, -1);
		in = str_sub(in, (size_t)n, in.len);
		if (!in.len)
			body_end(w->body);
		n = buf_read(out, fd, &err);
		if (n == 0 || (n == -1 && err.sys != EAGAIN))
			break;
	}
	fd_close(&fd);
}

static void a_body_reaches_the_pipe_whole(void **state)
{
	scoped_free char *text = xcalloc(1, 300000);
	scoped_buf struct buf out = BUF_INIT(400000);
	struct watch w = start();

	(void)state;
	for (size_t i = 0; i < 300000; i++)
		text[i] = (char)(i * 31 % 251);
	w.body = body_new(w.ev, false, 1 << 20, &ops, &w);
	pass(&w, str_make(text, 300000), &out);
	assert_true(str_eq(buf_str(&out), str_make(text, 300000)));
	body_free(w.body);
	ev_free(w.ev);
}

static void a_gzip_body_is_inflated_and_bounded(void **state)
{
	scoped_free char *text = xcalloc(1, 300000);
	scoped_buf struct buf out = BUF_INIT(400000), cut = BUF_INIT(400000);
	struct watch w = start();
	char packed[4096];
	size_t n = gzipped(str_make(text, 300000), packed, sizeof(packed));

	(void)state;
	w.body = body_new(w.ev, true, 300000, &ops, &w);
	pass(&w, str_make(packed, n), &out);
	assert_int_equal(out.len, 300000);
	body_free(w.body);
	ev_free(w.ev);
	w = start();
	w.body = body_new(w.ev, true, 100000, &ops, &w);
	pass(&w, str_make(packed, n), &cut);
	assert_true(cut.len < 300000);
	body_free(w.body);
	ev_free(w.ev);
}

static void what_is_no_gzip_is_refused(void **state)
{
	struct watch w = start();
	struct error err = {0};

	(void)state;
	w.body = body_new(w.ev, true, 1000, &ops, &w);
	assert_int_equal(body_feed(w.body, STR("\x1f\x8bjunkjunk"), &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	body_free(w.body);
	ev_free(w.ev);
}

static void a_body_past_its_limit_is_drained_and_then_cut(void **state)
{
	struct watch w = start();
	struct error err = {0};
	char chunk[1000] = "";
	int n = 0;

	(void)state;
	w.body = body_new(w.ev, false, 1000, &ops, &w);
	while (body_feed(w.body, str_make(chunk, sizeof(chunk)), &err) == 1000)
		n++;
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(n, 5); /* one past four times the limit */
	body_free(w.body);
	ev_free(w.ev);
}

static void a_probe_is_a_flush_alone(void **state)
{
	static const struct {
		const char *in;
		bool want;
	} cases[] = {{"0000", true}, {"000", false}, {"00000", false},
	    {"0001", false}, {"", false}};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct watch w = start();

		w.body = body_new(w.ev, false, 1000, &ops, &w);
		(void)body_feed(w.body, str_z(cases[i].in), &err);
		assert_int_equal(w.ready, 0);
		assert_false(body_is_probe(w.body));
		body_end(w.body);
		assert_int_equal(w.ready, 1);
		assert_int_equal(body_is_probe(w.body), cases[i].want);
		body_free(w.body);
		ev_free(w.ev);
	}
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(packed_refs_are_read_and_written),
	    cmocka_unit_test(a_malformed_line_of_packed_refs_is_named),
	    ON_DISK(a_ref_moves_from_its_old_value_only),
	    ON_DISK(what_stock_git_left_is_taken_in),
	    ON_DISK(an_atomic_push_moves_all_or_none),
	    ON_DISK(a_lock_keeps_others_out_until_it_is_swept),
	    ON_DISK(a_build_keeps_its_commit_until_its_ref_moves),
	    ON_DISK(a_pack_is_adopted_with_its_index),
	    ON_DISK(only_plain_files_are_adopted),
	    ON_DISK(the_next_push_removes_what_a_killed_one_left),
	    ON_DISK(a_repository_goes_whole_and_half_made_ones_are_swept),
	    cmocka_unit_test(a_body_reaches_the_pipe_whole),
	    cmocka_unit_test(a_gzip_body_is_inflated_and_bounded),
	    cmocka_unit_test(what_is_no_gzip_is_refused),
	    cmocka_unit_test(a_body_past_its_limit_is_drained_and_then_cut),
	    cmocka_unit_test(a_probe_is_a_flush_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
