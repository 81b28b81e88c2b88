/* inner: plans, trees, layers and what an image says of itself. */
/* links: builder/inner/ builder/launcher/env.c -larchive -ljansson -lcrypto -lz
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../builder/inner/appjson.h"
#include "../../builder/inner/convert.h"
#include "../../builder/inner/image.h"
#include "../../builder/inner/jobs.h"
#include "../../builder/inner/launch.h"
#include "../../builder/inner/pack.h"
#include "../../builder/inner/plan.h"
#include "../../builder/inner/tar.h"
#include "../../builder/inner/tree.h"
#include "../../builder/inner/unpack.h"
#include "../../builder/inner/untar.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "proc/spawn.h"
#include "wire/source.h"
#include "wire/toml.h"

/* --- a folder for each test ----------------------------------------------- */

struct fixture {
	char path[64];
	int dir;
};

static int set_up(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));

	snprintf(x->path, sizeof(x->path), "/tmp/inner-test-XXXXXX");
	assert_non_null(mkdtemp(x->path));
	x->dir = open(x->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;

	fd_close(&x->dir);
	(void)fd_remove_tree(AT_FDCWD, x->path, NULL);
	free(x);
	return 0;
}

static int folder(struct fixture *x, const char *path)
{
	struct error err = {0};
	const char *name;
	scoped_fd int parent =
	    tree_open_parent(x->dir, path, true, &name, &err);

	assert_true(parent != -1);
	(void)mkdirat(parent, name, 0755);
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put(struct fixture *x, const char *path, const char *text)
{
	struct error err = {0};

	if (tree_write(x->dir, path, str_z(text), 0644, &err) == -1)
		fail_msg("%s", err.msg);
}

/* JSON with ' for ". */
static json_t *js(const char *text)
{
	scoped_free char *copy = xstrdup(text);
	json_t *v;

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	v = json_loads(copy, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	assert_non_null(v);
	return v;
}

/* --- build plans ---------------------------------------------------------- */

/* parts: options of each buildpack as JSON; a '?' in front: optional. */
static void check_plan(
    const char *const *parts, size_t n, const char *kept, const char *names)
{
	struct plan_part p[4] = {0};
	scoped_buf struct buf got_kept = BUF_INIT(64), got = BUF_INIT(256);
	json_t *entries = NULL, *entry;
	struct error err = {0};
	size_t i;

	for (i = 0; i < n; i++) {
		json_t *file = js(parts[i] + (parts[i][0] == '?'));

		p[i].id = "p";
		p[i].version = "1";
		p[i].optional = parts[i][0] == '?';
		p[i].options = plan_options(file, &err);
		assert_non_null(p[i].options);
		json_decref(file);
	}
	if (plan_resolve(p, n, &entries, &err) == -1) {
		assert_null(kept);
		goto done;
	}
	assert_non_null(kept);
	for (i = 0; i < n; i++)
		buf_addc(&got_kept, p[i].keep ? '1' : '0');
	json_array_foreach(entries, i, entry)
	{
		buf_addf(&got, "%s%s", i ? " " : "",
		    json_string_value(json_object_get(
		        json_array_get(json_object_get(entry, "requires"), 0),
		        "name")));
	}
	assert_string_equal(buf_z(&got_kept), kept);
	assert_string_equal(buf_z(&got), names);
done:
	for (i = 0; i < n; i++)
		json_decref(p[i].options);
	json_decref(entries);
}

#define PROVIDES(name) "{'provides':[{'name':'" name "'}]}"
#define REQUIRES(name) "{'requires':[{'name':'" name "'}]}"

static void plans_are_met_or_their_group_is_not(void **state)
{
	static const struct {
		const char *parts[4];
		size_t n;
		const char *kept, *names;
	} cases[] = {
	    {{"{}"}, 1, "1", ""},
	    {{PROVIDES("a"), REQUIRES("a")}, 2, "11", "a"},
	    {{PROVIDES("a")}, 1, NULL, NULL}, /* nobody wants it */
	    {{REQUIRES("a")}, 1, NULL, NULL}, /* nobody has it */
	    {{REQUIRES("a"), PROVIDES("a")}, 2, NULL, NULL}, /* too late */
	    {{"{}", "?" PROVIDES("a")}, 2, "10", ""},
	    {{"{}", "?" REQUIRES("a")}, 2, "10", ""},
	    {{"?" PROVIDES("a"), "?" REQUIRES("a"), "{}"}, 3, "111", "a"},
	    {{"?{}"}, 1, "1", ""},
	    {{"?" PROVIDES("a")}, 1, NULL, NULL}, /* nothing is left */
	    {{"{'provides':[{'name':'a'}],'or':[{}]}"}, 1, "1", ""},
	    {{"{'provides':[{'name':'a'}],'or':[{'provides':[{'name':'b'}]}]}",
	         REQUIRES("b")},
	        2, "11", "b"},
	    /* an optional one is dropped when none of its options works */
	    {{"?{'requires':[{'name':'a'}],'or':[{'provides':[{'name':'b'}]}]}",
	         REQUIRES("b")},
	        2, "11", "b"},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++)
		check_plan(
		    cases[i].parts, cases[i].n, cases[i].kept, cases[i].names);
}

static void what_is_unmet_goes_to_the_next(void **state)
{
	json_t *entries = js("[{'providers':[{'id':'x','version':'1'},"
	                     "{'id':'y','version':'1'}],'requires':["
	                     "{'name':'a','metadata':{'v':1}}]}]");
	json_t *unmet = js("[{'name':'a'}]"), *mine;

	(void)state;
	mine = plan_of(entries, "x", "1");
	assert_int_equal(json_array_size(mine), 1);
	json_decref(mine);
	plan_met(entries, "x", "1", unmet);
	mine = plan_of(entries, "y", "1");
	assert_int_equal(json_array_size(mine), 1);
	json_decref(mine);
	plan_met(entries, "y", "1", NULL);
	assert_int_equal(json_array_size(entries), 0);
	json_decref(entries);
	json_decref(unmet);
}

/* --- TOML and JSON -------------------------------------------------------- */

static void toml_that_is_written_reads_the_same(void **state)
{
	json_t *want =
	    js("{'a':'x\\n\\'y','n':-5,'b':true,'list':[1,'two',[3]],"
	       "'inline':[{'k':'v','t':{'u':1}}],'t':{'x.y':'z','u':{'w':2}}}");
	scoped_buf struct buf out = BUF_INIT(4096);
	scoped_toml struct toml_doc *doc = NULL;
	struct error err = {0};
	json_t *got;

	(void)state;
	convert_table(&out, "", want);
	if (toml_parse(buf_str(&out), &doc, &err) == -1)
		fail_msg("%s in\n%s", err.msg, buf_z(&out));
	got = convert_to_json(toml_root(doc));
	assert_true(json_equal(want, got));
	json_decref(want);
	json_decref(got);
}

/* --- packing -------------------------------------------------------------- */

static int pack_it(int root, int out, const char *path, struct pack *p,
    char digest[DIGEST_HEX], struct error *err)
{
	struct pack once = {.root = root,
	    .out = out,
	    .files = p ? p->files : 1000,
	    .bytes = p ? p->bytes : 1 << 20};
	int done = pack_tree(&once, path, digest, err);

	if (p)
		*p = once;
	return done;
}

static void digest_tree(struct fixture *x, const char *top, const char *path,
    char digest[DIGEST_HEX])
{
	scoped_fd int root = folder(x, top);
	struct error err = {0};

	if (pack_it(root, -1, path, NULL, digest, &err) == -1)
		fail_msg("%s", err.msg);
}

static void the_same_tree_has_the_same_digest(void **state)
{
	struct fixture *x = *state;
	struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};
	char one[DIGEST_HEX], two[DIGEST_HEX];

	put(x, "a/app/x", "1");
	put(x, "a/app/sub/y", "2");
	assert_int_equal(symlinkat("x", x->dir, "a/app/link"), 0);
	digest_tree(x, "a", "app", one);
	/* made in another order, at another time */
	put(x, "b/app/sub/y", "2");
	(void)folder(x, "b/app");
	assert_int_equal(symlinkat("x", x->dir, "b/app/link"), 0);
	put(x, "b/app/x", "1");
	assert_int_equal(utimensat(x->dir, "b/app/x", times, 0), 0);
	digest_tree(x, "b", "app", two);
	assert_string_equal(one, two);
	/* each of these is another tree */
	put(x, "b/app/x", "3");
	digest_tree(x, "b", "app", two);
	assert_string_not_equal(one, two);
	put(x, "b/app/x", "1");
	assert_int_equal(fchmodat(x->dir, "b/app/x", 0755, 0), 0);
	digest_tree(x, "b", "app", two);
	assert_string_not_equal(one, two);
	assert_int_equal(fchmodat(x->dir, "b/app/x", 0644, 0), 0);
	digest_tree(x, "b", "app", two);
	assert_string_equal(one, two);
	put(x, "b/app/z", "");
	digest_tree(x, "b", "app", two);
	assert_string_not_equal(one, two);
}

static void a_packed_layer_is_what_was_hashed(void **state)
{
	struct fixture *x = *state;
	scoped_fd int from = folder(x, "from"), to = folder(x, "to");
	char one[DIGEST_HEX], two[DIGEST_HEX];
	struct error err = {0};
	struct stat a, b;

	if (geteuid() != 0)
		skip(); /* owners are set */
	put(x, "from/layers/bp/deps/bin/x", "text");
	put(x, "from/layers/bp/other/y", "not part of it");
	assert_int_equal(linkat(x->dir, "from/layers/bp/deps/bin/x", x->dir,
	                     "from/layers/bp/deps/bin/same", 0),
	    0);
	assert_int_equal(
	    pack_it(from, to, "layers/bp/deps", NULL, one, &err), 0);
	assert_int_equal(fstatat(x->dir, "to/layers/bp/deps/bin/x", &a, 0), 0);
	assert_int_equal(
	    fstatat(x->dir, "to/layers/bp/deps/bin/same", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_uid, PACK_UID);
	assert_int_equal(a.st_mtim.tv_sec, PACK_TIME);
	assert_int_equal(faccessat(x->dir, "to/layers/bp/other", F_OK, 0), -1);
	/* packed again from the layer, it is the same one */
	assert_int_equal(pack_it(to, -1, "layers/bp/deps", NULL, two, &err), 0);
	assert_string_equal(one, two);
}

static void packing_has_its_limits(void **state)
{
	struct fixture *x = *state;
	scoped_fd int root = folder(x, "r");
	char digest[DIGEST_HEX];
	struct error err = {0};

	put(x, "r/app/x", "12345");
	put(x, "r/app/y", "12345");
	assert_int_equal(
	    pack_it(root, -1, "app", &(struct pack){.files = 3, .bytes = 10},
	        digest, &err),
	    0);
	assert_int_equal(
	    pack_it(root, -1, "app", &(struct pack){.files = 2, .bytes = 10},
	        digest, &err),
	    -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(
	    pack_it(root, -1, "app", &(struct pack){.files = 3, .bytes = 9},
	        digest, &err),
	    -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void packing_follows_no_link_and_opens_no_pipe(void **state)
{
	struct fixture *x = *state;
	scoped_fd int root = folder(x, "r");
	struct pack p = {.files = 10, .bytes = 100};
	char digest[DIGEST_HEX];
	struct error err = {0};

	put(x, "secret/file", "x");
	(void)folder(x, "r/app");
	assert_int_equal(symlinkat("../../secret", x->dir, "r/app/l"), 0);
	assert_int_equal(mkfifoat(x->dir, "r/app/pipe", 0644), 0);
	assert_int_equal(pack_it(root, -1, "app", &p, digest, &err), 0);
	assert_int_equal(p.skipped, 1);
	assert_int_equal(p.bytes, 100);
	/* a layer's path through a link is none */
	assert_int_equal(pack_it(root, -1, "app/l/file", &p, digest, &err), -1);
}

/* --- the tar form --------------------------------------------------------- */

static void add_entry(struct buf *tar, struct tar_entry e, const char *content)
{
	char zeros[TAR_BLOCK] = {0};

	e.size = strlen(content);
	e.mtime = PACK_TIME;
	e.mode = e.type == TAR_DIR ? 0755 : 0644;
	tar_header(&e, tar);
	buf_addz(tar, content);
	buf_add(tar, str_make(zeros, tar_padding(e.size)));
}

static void make_long(char *out, size_t n)
{
	memset(out, 'p', n);
	for (size_t i = 100; i < n; i += 100)
		out[i] = '/';
	out[n] = '\0';
}

static void the_system_reads_our_tar(void **state)
{
	struct fixture *x = *state;
	scoped_buf struct buf tar = BUF_INIT(1 << 20), got = BUF_INIT(1024);
	char path[1001], to[80], zeros[TAR_END] = {0};
	const char *argv[] = {"/bin/tar", "-C", x->path, "-xf", to, NULL};
	struct error err = {0};
	struct stat st;

	make_long(path, 1000);
	add_entry(
	    &tar, (struct tar_entry){.type = TAR_DIR, .path = STR("d")}, "");
	add_entry(&tar,
	    (struct tar_entry){.type = TAR_FILE, .path = STR("d/plain")},
	    "hello");
	add_entry(&tar,
	    (struct tar_entry){.type = TAR_FILE,
	        .path = str_z(path),
	        .uid = UINT64_C(1) << 31},
	    "far");
	add_entry(&tar,
	    (struct tar_entry){.type = TAR_SYMLINK,
	        .path = STR("d/link"),
	        .link = str_z(path)},
	    "");
	add_entry(&tar,
	    (struct tar_entry){.type = TAR_HARDLINK,
	        .path = STR("d/same"),
	        .link = STR("d/plain")},
	    "");
	buf_add(&tar, str_make(zeros, sizeof(zeros)));
	assert_false(tar.bad);
	assert_int_equal(
	    fd_write_file(x->dir, "t.tar", buf_str(&tar), 0644, &err), 0);
	snprintf(to, sizeof(to), "%s/t.tar", x->path);
	if (geteuid() == 0)
		argv[3] = "-xof"; /* the owner can't be had */
	if (spawn_wait(&(struct spawn){.argv = argv}, &err) == -1)
		fail_msg("%s", err.msg);
	assert_int_equal(fd_read_file(x->dir, path, &got, &err), 0);
	assert_string_equal(buf_z(&got), "far");
	assert_int_equal(fstatat(x->dir, "d/same", &st, 0), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(st.st_mtim.tv_sec, PACK_TIME);
}

/* --- the source ----------------------------------------------------------- */

static void add_source(
    struct buf *b, char type, const char *path, const char *content)
{
	unsigned char head[SOURCE_HEAD];
	struct source_entry e = {type, str_z(path), strlen(content)};

	source_head(&e, head);
	buf_add(b, str_make(head, sizeof(head)));
	buf_addz(b, path);
	buf_addz(b, content);
}

/* Entries as "T PATH=CONTENT" lines; an 'e' ends. */
static int unpack_text(struct fixture *x, const char *name, const char *text,
    const struct unpack_limits *limits, struct error *err)
{
	scoped_buf struct buf b = BUF_INIT(1 << 20);
	scoped_fd int to = folder(x, name), in = -1;
	struct str rest = str_z(text), line, path;

	while (rest.len && str_split(&rest, '\n', &line)) {
		scoped_free char *p = NULL, *c = NULL;
		struct str content = str_sub(line, 2, line.len);

		(void)str_split(&content, '=', &path);
		p = str_dup(path);
		c = str_dup(content);
		add_source(&b, line.p[0], p, c);
	}
	in = fd_sealed("source", buf_str(&b), NULL);
	return unpack(in, to, limits, err);
}

static void a_source_becomes_files(void **state)
{
	struct fixture *x = *state;
	struct unpack_limits most = {.files = 10, .bytes = 100};
	scoped_buf struct buf got = BUF_INIT(100);
	struct error err = {0};
	struct stat st;

	if (unpack_text(x, "u",
	        "d a\nf a/x=text\nx run=#!\nl link=a/x\nm sub\ne ", &most,
	        &err) == -1)
		fail_msg("%s", err.msg);
	assert_int_equal(fd_read_file(x->dir, "u/a/x", &got, &err), 0);
	assert_string_equal(buf_z(&got), "text");
	assert_int_equal(fstatat(x->dir, "u/run", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(fstatat(x->dir, "u/sub", &st, 0), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(
	    fstatat(x->dir, "u/link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void a_hostile_source_is_refused(void **state)
{
	static const struct {
		const char *text;
		uint64_t files, bytes;
	} cases[] = {
	    {"f x=1", 9, 99},                       /* no end */
	    {"f ../x=1\ne ", 9, 99},                /* out of it */
	    {"f /x=1\ne ", 9, 99},                  /* absolute */
	    {"l a=/tmp\nf a/inner-x=1\ne ", 9, 99}, /* through a link */
	    {"l a=x\nf a=1\ne ", 9, 99},            /* over a link */
	    {"f a=1\nf a=2\ne ", 9, 99},            /* twice */
	    {"f a/x=1\ne ", 9, 99},                 /* in no folder */
	    {"f a=1\nf b=2\ne ", 1, 99},            /* too many */
	    {"f a=12345\nf b=12345\ne ", 9, 9}      /* too much */
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct unpack_limits most = {cases[i].files, cases[i].bytes};
		struct error err = {0};
		char name[16];

		snprintf(name, sizeof(name), "u%zu", i);
		assert_int_equal(
		    unpack_text(*state, name, cases[i].text, &most, &err), -1);
		assert_true(err.msg[0]);
	}
	assert_int_equal(access("/tmp/inner-x", F_OK), -1);
}

/* --- base images ---------------------------------------------------------- */

static int untar_one(struct fixture *x, const char *name, struct tar_entry e,
    const char *content, uint64_t files, uint64_t bytes, struct error *err)
{
	scoped_buf struct buf tar = BUF_INIT(1 << 20);
	scoped_fd int to = folder(x, name), in = -1;
	char zeros[TAR_END] = {0};

	e.uid = e.uid ? e.uid : geteuid();
	e.gid = getegid();
	add_entry(&tar,
	    (struct tar_entry){.type = TAR_SYMLINK,
	        .path = STR("./link"),
	        .link = STR("/tmp"),
	        .uid = geteuid(),
	        .gid = getegid()},
	    "");
	add_entry(&tar, e, content);
	buf_add(&tar, str_make(zeros, sizeof(zeros)));
	in = fd_sealed("tar", buf_str(&tar), NULL);
	return untar(in, to, files, bytes, err);
}

static void a_hostile_tar_is_refused(void **state)
{
	static const struct {
		struct tar_entry e;
		const char *content;
		int want;
	} cases[] = {
	    {{.type = TAR_FILE, .path = {"./etc/x", 7}}, "123", 0},
	    {{.type = TAR_FILE, .path = {"./", 2}}, "", 0},
	    {{.type = '3', .path = {"dev/null", 8}}, "", 0}, /* left out */
	    {{.type = '3', .path = {"etc/null", 8}}, "", -1},
	    {{.type = '6', .path = {"pipe", 4}}, "", -1},
	    {{.type = TAR_FILE, .path = {"../x", 4}}, "1", -1},
	    {{.type = TAR_FILE, .path = {"a/../../x", 9}}, "1", -1},
	    {{.type = TAR_FILE, .path = {"/x", 2}}, "1", -1},
	    {{.type = TAR_FILE, .path = {"link/inner-x", 12}}, "1", -1},
	    {{.type = TAR_FILE, .path = {"link", 4}}, "1", -1},
	    {{.type = TAR_DIR, .path = {"link", 4}}, "", -1},
	    {{.type = TAR_FILE, .path = {".wh.x", 5}}, "1", -1},
	    {{.type = TAR_HARDLINK, .path = {"x", 1}, .link = {"../y", 4}}, "",
	        -1},
	    {{.type = TAR_HARDLINK, .path = {"x", 1}, .link = {"link", 4}}, "",
	        -1},
	    {{.type = TAR_HARDLINK,
	         .path = {"x", 1},
	         .link = {"link/passwd", 11}},
	        "", -1},
	    {{.type = TAR_FILE, .path = {"x", 1}, .uid = 65536}, "1", -1},
	    {{.type = TAR_FILE, .path = {"x", 1}}, "1234", -1}, /* too much */
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		char name[16];

		snprintf(name, sizeof(name), "t%zu", i);
		if (untar_one(*state, name, cases[i].e, cases[i].content, 2, 3,
		        &err) != cases[i].want)
			fail_msg("case %zu: %s", i, err.msg);
	}
	assert_int_equal(access("/tmp/inner-x", F_OK), -1);
}

static void what_is_no_tar_is_refused(void **state)
{
	struct fixture *x = *state;
	scoped_fd int to = folder(x, "t"),
	              in = fd_sealed("tar", STR("hello"), NULL);
	struct error err = {0};

	assert_int_equal(untar(in, to, 9, 99, &err), -1);
}

/* --- what an image says of itself ----------------------------------------- */

#define H1 "1111111111111111111111111111111111111111111111111111111111111111"
#define H2 "2222222222222222222222222222222222222222222222222222222222222222"
#define H3 "3333333333333333333333333333333333333333333333333333333333333333"
#define H4 "4444444444444444444444444444444444444444444444444444444444444444"

#define BP(layers)                                                             \
	"{'id':'p/n','version':'1','api':'0.10','homepage':'',"                \
	"'layers':[" layers "]}"
#define LAYER(name) "{'name':'" name "','launch':true,'metadata':{}}"
#define WITH(bps, processes, labels)                                           \
	"{'buildpacks':[" bps "],'processes':[" processes                      \
	"],'labels':[" labels "]}"

static void a_description_keeps_its_form(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
	    {WITH("", "", ""), 0},
	    {WITH(BP(LAYER("deps")), "{'type':'web','command':['x']}",
	         "{'key':'a','value':'b'}"),
	        0},
	    {WITH(BP(LAYER("../x")), "", ""), -1},
	    {WITH(BP(LAYER("a/b")), "", ""), -1},
	    {WITH(BP("{'name':'a','launch':1,'metadata':{}}"), "", ""), -1},
	    {WITH(BP("{'name':'a','launch':true,'metadata':5}"), "", ""), -1},
	    {WITH(
	         "{'id':'config','version':'','api':'','homepage':''}", "", ""),
	        -1},
	    {WITH(
	         "{'id':'../app','version':'','api':'','homepage':''}", "", ""),
	        -1},
	    {WITH("5", "", ""), -1},
	    {WITH("", "{'type':'we b','command':['x']}", ""), -1},
	    {WITH("", "{'type':'web'}", ""), -1},
	    {WITH("", "{'type':'web','command':[]}", ""), -1},
	    {WITH("", "{'type':'web','command':'x'}", ""), -1},
	    {WITH("", "{'type':'web','command':[5]}", ""), -1},
	    {WITH("", "{'type':'web','command':['a\\u0000b']}", ""), -1},
	    {WITH("", "{'type':'web','command':['x'],'args':'y'}", ""), -1},
	    {WITH("", "", "{'key':'a'}"), -1},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		json_t *about = js(cases[i].text);
		struct error err = {0};

		if (image_check(about, &err) != cases[i].want)
			fail_msg("case %zu: %s", i, err.msg);
		json_decref(about);
	}
}

static void commands_have_their_limit(void **state)
{
	scoped_free char *word = xmalloc(IMAGE_COMMANDS_MAX + 2);
	struct error err = {0};

	(void)state;
	for (int over = 0; over < 2; over++) {
		size_t n = IMAGE_COMMANDS_MAX + (size_t)over;
		json_t *about;

		memset(word, 'x', n);
		word[n] = '\0';
		about = json_pack("{s:[{s:s, s:[s]}]}", "processes", "type",
		    "web", "command", word);
		assert_int_equal(image_check(about, &err), over ? -1 : 0);
		json_decref(about);
	}
}

static void commands_read_as_a_shell_takes_them(void **state)
{
	static const struct {
		const char *process, *want;
	} cases[] = {
	    {"{'command':['bash','-c','node \\u0022x\\u0022 | y']}",
	        "node \"x\" | y"},
	    {"{'command':['node','server.js'],'args':['--port','80']}",
	        "node server.js --port 80"},
	    {"{'command':['a b','','$x']}", "'a b' '' '$x'"},
	    {"{'command':['bash','-c','x'],'args':['y']}", "bash -c x y"},
	    {"{'command':['it\\u0027s']}", "'it'\\''s'"},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_buf struct buf out = BUF_INIT(256);
		json_t *p = js(cases[i].process);

		image_command(p, &out);
		assert_string_equal(buf_z(&out), cases[i].want);
		json_decref(p);
	}
}

static const struct life life = {.api = 15,
    .heroku = true,
    .app = "/app",
    .layers = "/layers",
    .exec_env = "production"};

static const char *default_type(const json_t *about)
{
	return json_string_value(
	    json_object_get(about, "buildpack-default-process-type"));
}

static void later_processes_win(void **state)
{
	struct buildpack bp = {.id = (char *)"p/n", .api = 10};
	json_t *about = json_object(), *one, *two, *web;
	struct error err = {0};

	(void)state;
	one = js("{'processes':[{'type':'web','command':['a'],'default':true},"
	         "{'type':'job','command':['b']}]}");
	two = js("{'processes':[{'type':'x','command':['c'],'default':true},"
	         "{'type':'web','command':['d']}]}");
	assert_int_equal(launch_add(&life, about, &bp, one, &err), 0);
	assert_string_equal(default_type(about), "web");
	assert_int_equal(launch_add(&life, about, &bp, two, &err), 0);
	assert_int_equal(launch_add(&life, about, &bp, NULL, &err), 0);
	assert_string_equal(default_type(about), "x");
	web = json_object_get(about, "processes");
	assert_int_equal(json_array_size(web), 3);
	web = json_array_get(web, 1); /* by type: job, web, x */
	assert_string_equal(json_string_value(json_array_get(
	                        json_object_get(web, "command"), 0)),
	    "d");
	/* the default one redefined, not as default: there is none */
	json_decref(two);
	two = js("{'processes':[{'type':'x','command':['e']}]}");
	assert_int_equal(launch_add(&life, about, &bp, two, &err), 0);
	assert_null(default_type(about));
	json_decref(about);
	json_decref(one);
	json_decref(two);
}

static void commands_have_the_form_of_their_api(void **state)
{
	static const struct {
		unsigned api;
		const char *process, *want; /* NULL: refused */
	} cases[] = {
	    {8, "{'type':'w','command':'a b'}", "[[\"a b\"],[],false]"},
	    {8, "{'type':'w','command':'a','args':['b'],'direct':true}",
	        "[[\"a\"],[\"b\"],true]"},
	    {9, "{'type':'w','command':['a','b'],'args':['c']}",
	        "[[\"a\",\"b\"],[\"c\"],true]"},
	    {9, "{'type':'w','command':['a'],'direct':false}", NULL},
	    {9, "{'type':'w','command':'a'}", NULL},
	    {8, "{'type':'w','command':['a']}", NULL},
	    {8, "{'type':'w'}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct buildpack bp = {
		    .id = (char *)"p/n", .api = cases[i].api};
		json_t *file = json_pack(
		           "{s:[o]}", "processes", js(cases[i].process)),
		       *about = json_object(), *p;
		scoped_free char *got = NULL;
		struct error err = {0};
		int done = launch_add(&life, about, &bp, file, &err);

		assert_int_equal(done, cases[i].want ? 0 : -1);
		p = json_array_get(json_object_get(about, "processes"), 0);
		if (cases[i].want) {
			json_t *parts = json_pack("[O, O, O]",
			    json_object_get(p, "command"),
			    json_object_get(p, "args"),
			    json_object_get(p, "direct"));

			got = json_dumps(parts, JSON_COMPACT);
			assert_string_equal(got, cases[i].want);
			json_decref(parts);
		}
		json_decref(about);
		json_decref(file);
	}
}

static json_t *described(void)
{
	return js(WITH(
	    "{'id':'p/n','version':'1','api':'0.10','homepage':'',"
	    "'store':{'metadata':{'s':1}},'layers':[{'name':'deps','launch':"
	    "true,"
	    "'build':false,'cache':false,'metadata':{'key':'k'},'digest':'" H2
	    "'},{'name':'tool','launch':false,'build':true,'cache':true,"
	    "'metadata':{}}]}",
	    "{'type':'web','command':['node','x y'],'direct':true,"
	    "'buildpack-id':'p/n'}",
	    "{'key':'mine','value':'v'}"));
}

static void an_oci_config_names_its_layers(void **state)
{
	json_t *base = js("{'os':'linux','config':{'Env':['PATH=/bin']},"
	                  "'rootfs':{'diff_ids':['sha256:" H1 "']}}");
	json_t *layers = js("[{'digest':'" H2 "','by':'x'},"
	                    "{'digest':'" H4 "','by':'y'}]");
	json_t *label = js("{'app':[]}");
	struct image_parts parts = {
	    .base = base, .layers = layers, .label = label, .type = "web"};
	json_t *about = described(), *config, *ids, *labels;
	scoped_free char *text = image_config(&life, about, &parts),
	                 *again = image_config(&life, about, &parts);

	(void)state;
	assert_string_equal(text, again);
	config = json_loads(text, 0, NULL);
	ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	assert_int_equal(json_array_size(ids), 3);
	assert_int_equal(
	    json_array_size(json_object_get(config, "history")), 3);
	assert_string_equal(
	    json_string_value(json_array_get(ids, 0)), "sha256:" H1);
	assert_string_equal(
	    json_string_value(json_array_get(ids, 1)), "sha256:" H2);
	assert_string_equal(
	    json_string_value(json_array_get(ids, 2)), "sha256:" H4);
	labels = json_object_get(json_object_get(config, "config"), "Labels");
	assert_string_equal(
	    json_string_value(json_object_get(labels, "mine")), "v");
	assert_non_null(
	    json_object_get(labels, "io.buildpacks.lifecycle.metadata"));
	assert_string_equal(
	    json_string_value(json_object_get(config, "os")), "linux");
	json_decref(config);
	json_decref(about);
	json_decref(base);
	json_decref(layers);
	json_decref(label);
}

static void the_launcher_finds_processes_in_the_metadata(void **state)
{
	scoped_buf struct buf out = BUF_INIT(4096);
	scoped_toml struct toml_doc *doc = NULL;
	json_t *about = described(), *root, *previous;
	scoped_free char *text = image_previous(about);
	const struct toml *p;
	struct error err = {0};

	(void)state;
	image_metadata(&life, about, &out);
	assert_int_equal(toml_parse(buf_str(&out), &doc, &err), 0);
	p = toml_get_as(toml_root(doc), "processes", TOML_ARRAY)->first;
	assert_true(str_eqz(toml_get_str(p, "type"), "web"));
	p = toml_get_as(p, "command", TOML_ARRAY)->first->next;
	assert_true(str_eqz(p->text, "x y"));
	/* what the next build gets: launch layers and the store */
	root = json_loads(text, 0, NULL);
	previous = json_array_get(json_object_get(root, "buildpacks"), 0);
	assert_int_equal(
	    json_object_size(json_object_get(previous, "layers")), 1);
	assert_non_null(json_object_get(
	    json_object_get(json_object_get(previous, "store"), "metadata"),
	    "s"));
	json_decref(root);
	json_decref(about);
}

/* --- the export ----------------------------------------------------------- */

/* Run the export with x/root as the root; its report. */
static json_t *export_in(struct fixture *x)
{
	scoped_buf struct buf text = BUF_INIT(65536);
	struct error err = {0};
	int fds[2], status;
	pid_t pid;

	assert_int_equal(fd_pipe(fds, &err), 0);
	pid = fork();
	if (pid == 0) {
		struct options o = {
		    .files = 1000, .bytes = 1 << 20, .base = H1};
		scoped_free char *dump = NULL;
		struct report r;

		if (fchdir(x->dir) == -1 || chroot("root") == -1 ||
		    chdir("/") == -1)
			_exit(1);
		report_init(&r);
		(void)job_export(&o, &r);
		dump = json_dumps(r.json, 0);
		(void)!write(fds[1], dump, strlen(dump));
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(buf_read_all(&text, fds[0], &err), 0);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return json_loadb(text.p, text.len, 0, NULL);
}

static const char *text_in(const json_t *report, const char *list, size_t i)
{
	return json_string_value(
	    json_array_get(json_object_get(report, list), i));
}

/* A root as a build leaves it; previous is what the last image says. */
static void make_root(struct fixture *x, const char *previous)
{
	json_t *p = js(previous);
	scoped_free char *pt = json_dumps(p, 0);

	put(x, "root/app/main.js", "x");
	put(x, "root/layers/p_n/deps/lib.js", "y");
	put(x, "root/layers/p_n/deps.toml",
	    "[types]\nlaunch = true\n[metadata]\nkey = 'k'\n");
	put(x, "root/layers/" IMAGE_METADATA,
	    "[[buildpacks]]\nid = 'p/n'\nversion = '1'\napi = '0.10'\n"
	    "[[processes]]\ntype = 'web'\ncommand = ['x']\n");
	put(x, "root/" IMAGE_PREVIOUS, pt);
	put(x, "root/upper/layers/" IMAGE_METADATA, "");
	put(x, "root/upper/app/main.js", "x");
	close(folder(x, "root/out"));
	json_decref(p);
}

#define PREVIOUS                                                               \
	"{'buildpacks':[{'key':'p/n','layers':{'deps':{'data':{},"             \
	"'sha':'sha256:" H2 "'}}}]}"

static void an_untouched_layer_keeps_its_digest(void **state)
{
	struct fixture *x = *state;
	json_t *report;
	struct stat st;

	if (geteuid() != 0)
		skip();
	make_root(x, PREVIOUS);
	report = export_in(x);
	assert_string_equal(text_in(report, "layers", 0), H1);
	assert_string_equal(text_in(report, "layers", 1), H2);
	assert_int_equal(json_array_size(json_object_get(report, "layers")), 4);
	assert_int_equal(json_array_size(json_object_get(report, "puts")), 2);
	assert_int_equal(
	    fstatat(x->dir, "root/out/layer-1/app/main.js", &st, 0), 0);
	assert_int_equal(st.st_uid, PACK_UID);
	assert_int_equal(fstatat(x->dir, "root/out/config.json", &st, 0), 0);
	json_decref(report);
}

static void what_the_build_touched_is_packed(void **state)
{
	static const struct {
		const char *touched, *previous;
	} cases[] = {
	    {"root/upper/layers/p_n/deps/new", PREVIOUS},
	    {"root/upper/layers/p_n/deps", PREVIOUS}, /* a whiteout */
	    {"root/upper/" IMAGE_PREVIOUS, PREVIOUS}, /* it lies */
	    {"root/upper/x", "{}"},
	    {"root/upper/x", "{'buildpacks':5}"},
	    {"root/upper/x", "{'buildpacks':[{'key':'p/n','layers':{'deps':{"
	                     "'sha':'sha256:../x'}}}]}"},
	};

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < NELEM(cases); i++) {
		json_t *report;

		make_root(*state, cases[i].previous);
		put(*state, cases[i].touched, "");
		report = export_in(*state);
		assert_int_equal(
		    json_array_size(json_object_get(report, "puts")), 3);
		assert_string_not_equal(text_in(report, "layers", 1), H2);
		json_decref(report);
		assert_int_equal(fd_remove_tree(((struct fixture *)*state)->dir,
		                     "root", NULL),
		    0);
	}
}

static void an_upper_that_is_not_there_proves_nothing(void **state)
{
	struct fixture *x = *state;
	json_t *report;

	if (geteuid() != 0)
		skip();
	make_root(x, PREVIOUS);
	assert_int_equal(fd_remove_tree(x->dir, "root/upper", NULL), 0);
	close(folder(x, "root/upper"));
	report = export_in(x);
	assert_int_equal(json_array_size(json_object_get(report, "puts")), 3);
	json_decref(report);
}

/* --- app.json ------------------------------------------------------------- */

/* What is read of an app.json of this text; NULL and err, or NULL. */
static char *appjson_of(
    struct fixture *x, const char *text, struct error *ret_err)
{
	json_t *used = NULL;
	char *copy = NULL;

	*ret_err = (struct error){0};
	put(x, "app/app.json", text);
	if (appjson_read(folder(x, "app"), &used, ret_err) == 0 && used)
		copy = xstrdup(json_string_value(used));
	json_decref(used);
	return copy;
}

static void app_json_is_reduced_to_what_is_used(void **state)
{
	static const struct {
		const char *text, *used; /* NULL: nothing */
	} cases[] = {
	    {"{}", NULL},
	    {"{\"name\": \"a\", \"logo\": \"b\"}", NULL},
	    {"{\n \"name\": \"a\",\n \"cron\": [ ]\n}", "{\"cron\":[]}"},
	    {"{\"healthchecks\":{\"web\":[]},\"cron\":[{\"a\":1}]}",
	        "{\"cron\":[{\"a\":1}],\"healthchecks\":{\"web\":[]}}"},
	};
	struct error err;
	json_t *used;

	assert_int_equal(appjson_read(folder(*state, "app"), &used, &err), 0);
	assert_null(used); /* there is no file */
	for (size_t i = 0; i < NELEM(cases); i++) {
		scoped_free char *got = appjson_of(*state, cases[i].text, &err);

		assert_int_equal(err.code, 0);
		if (cases[i].used)
			assert_string_equal(got, cases[i].used);
		else
			assert_null(got);
	}
}

static void a_broken_app_json_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
	    {"", "line 1"},
	    {"{\n\"cron\": [\n}", "line 3"},
	    {"{\"a\":1,\"a\":2}", "uplicate"},
	    {"[]", "no JSON object"},
	    {"{\"a\":\"\\u0000\"}", "line 1"},
	    {"{\"a\":\"\xff\"}", "line 1"},
	};
	struct error err;
	json_t *used;

	for (size_t i = 0; i < NELEM(cases); i++) {
		assert_null(appjson_of(*state, cases[i].text, &err));
		assert_int_equal(err.code, ERR_INVALID);
		if (!strstr(err.msg, cases[i].why))
			fail_msg("no \"%s\" in: %s", cases[i].why, err.msg);
	}
	assert_int_equal(unlinkat(folder(*state, "app"), "app.json", 0), 0);
	assert_int_equal(
	    symlinkat("/etc/passwd", folder(*state, "app"), "app.json"), 0);
	assert_int_equal(appjson_read(folder(*state, "app"), &used, &err), -1);
	assert_non_null(strstr(err.msg, "must be a file"));
}

/* {"cron":"aaa...","x":"aaa..."}: used bytes of one, all bytes of the file. */
static int read_long(struct fixture *x, size_t used, size_t all)
{
	scoped_buf struct buf text = BUF_INIT(1 << 20);
	struct error err;
	scoped_free char *got = NULL;

	buf_addz(&text, "{\"cron\":\"");
	while (text.len < used - strlen("\"}"))
		buf_addc(&text, 'a');
	buf_addz(&text, "\"");
	while (text.len < all - 1)
		buf_addc(&text, ' ');
	buf_addz(&text, "}");
	got = appjson_of(x, buf_z(&text), &err);
	return err.code ? -1 : (int)strlen(got);
}

static void app_json_has_its_limits(void **state)
{
	assert_int_equal(read_long(*state, APPJSON_USED_MAX, APPJSON_USED_MAX),
	    APPJSON_USED_MAX);
	assert_int_equal(
	    read_long(*state, APPJSON_USED_MAX + 1, APPJSON_USED_MAX + 1), -1);
	assert_int_equal(read_long(*state, 20, APPJSON_BYTES_MAX), 20);
	assert_int_equal(read_long(*state, 20, APPJSON_BYTES_MAX + 1), -1);
}

static void the_export_tells_app_json(void **state)
{
	json_t *report;

	if (geteuid() != 0)
		skip();
	make_root(*state, "{}");
	put(*state, "root/app/app.json", "{\"cron\": [], \"name\": 5}");
	report = export_in(*state);
	assert_string_equal(
	    json_string_value(json_object_get(report, "app_json")),
	    "{\"cron\":[]}");
	json_decref(report);
	put(*state, "root/app/app.json", "{");
	report = export_in(*state);
	assert_non_null(json_object_get(report, "error"));
	json_decref(report);
}

static void links_lead_the_export_nowhere(void **state)
{
	struct fixture *x = *state;
	json_t *report;

	if (geteuid() != 0)
		skip();
	make_root(x, "{}");
	put(x, "root/etc/secret", "s");
	assert_int_equal(fd_remove_tree(x->dir, "root/layers/p_n", NULL), 0);
	assert_int_equal(symlinkat("/etc", x->dir, "root/layers/p_n"), 0);
	report = export_in(x);
	/* the folder is a link: there is no such layer */
	assert_int_equal(json_array_size(json_object_get(report, "layers")), 3);
	json_decref(report);
	assert_int_equal(fd_remove_tree(x->dir, "root/app", NULL), 0);
	assert_int_equal(fd_remove_tree(x->dir, "root/out", NULL), 0);
	close(folder(x, "root/out"));
	assert_int_equal(symlinkat("/etc", x->dir, "root/app"), 0);
	report = export_in(x);
	assert_int_equal(faccessat(x->dir, "root/out/layer-1/app/secret", F_OK,
	                     AT_SYMLINK_NOFOLLOW),
	    -1);
	json_decref(report);
}

#define IN(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plans_are_met_or_their_group_is_not),
	    cmocka_unit_test(what_is_unmet_goes_to_the_next),
	    cmocka_unit_test(toml_that_is_written_reads_the_same),
	    IN(the_same_tree_has_the_same_digest),
	    IN(a_packed_layer_is_what_was_hashed),
	    IN(packing_has_its_limits),
	    IN(packing_follows_no_link_and_opens_no_pipe),
	    IN(the_system_reads_our_tar),
	    IN(a_source_becomes_files),
	    IN(a_hostile_source_is_refused),
	    IN(a_hostile_tar_is_refused),
	    IN(what_is_no_tar_is_refused),
	    cmocka_unit_test(a_description_keeps_its_form),
	    cmocka_unit_test(commands_have_their_limit),
	    cmocka_unit_test(commands_read_as_a_shell_takes_them),
	    cmocka_unit_test(later_processes_win),
	    cmocka_unit_test(commands_have_the_form_of_their_api),
	    cmocka_unit_test(an_oci_config_names_its_layers),
	    cmocka_unit_test(the_launcher_finds_processes_in_the_metadata),
	    IN(an_untouched_layer_keeps_its_digest),
	    IN(what_the_build_touched_is_packed),
	    IN(an_upper_that_is_not_there_proves_nothing),
	    IN(links_lead_the_export_nowhere),
	    IN(the_export_tells_app_json),
	    IN(app_json_is_reduced_to_what_is_used),
	    IN(a_broken_app_json_is_told_with_its_line),
	    IN(app_json_has_its_limits),
	};

	return cmocka_run_group_tests_name("inner", tests, NULL, NULL);
}
