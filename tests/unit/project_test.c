/* project.toml: which files count, variables, buildpacks of an app's own. */
/* links: builder/inner/ builder/launcher/env.c -larchive -ljansson -lcrypto -lz
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../builder/inner/project.h"
#include "../../builder/inner/tree.h"
#include "base/fd.h"
#include "base/mem.h"

static char top[64];
static int dir = -1;

static int set_up(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/project-test-XXXXXX");
	assert_non_null(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&dir);
	(void)fd_remove_tree(AT_FDCWD, top, NULL);
	return 0;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(tree_write(dir, path, str_z(text), 0644, NULL), 0);
}

static json_t *project(const char *text)
{
	scoped_free char *all =
	    xasprintf("[_]\nschema-version = '0.2'\n[io.buildpacks]\n%s", text);
	struct error err = {0};
	json_t *p = NULL;

	put("project.toml", all);
	if (project_read(dir, &p, &err) == -1)
		fail_msg("%s", err.msg);
	return p;
}

static void a_file_of_another_schema_is_refused(void **state)
{
	static const struct {
		const char *text, *why; /* why NULL: read */
	} cases[] = {
	    {"", NULL},
	    {"[build]\nx = 1\n", NULL},
	    {"[_]\nschema-version = '0.2'\n[io.buildpacks]\n", NULL},
	    {"[io.buildpacks]\n", "schema-version"},
	    {"[_]\nschema-version = '0.1'\n[io.buildpacks]\n", "0.1"},
	    {"[_\n", "line 1"},
	    {"[_]\nschema-version = '0.2'\n[io.buildpacks]\ninclude = ['a']\n"
	     "exclude = ['b']\n",
	        "together"},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err = {0};
		json_t *p = NULL;

		put("project.toml", cases[i].text);
		assert_int_equal(
		    project_read(dir, &p, &err), cases[i].why ? -1 : 0);
		if (cases[i].why && !strstr(err.msg, cases[i].why))
			fail_msg("no \"%s\" in %s", cases[i].why, err.msg);
		json_decref(p);
	}
}

static void files_count_by_include_or_exclude(void **state)
{
	static const char *const files[] = {
	    "a.md", "a.js", "lib/b.md", "lib/c.js", "tmp/x/y", "doc/tmp/z"};
	static const struct {
		const char *text, *left; /* a letter for each file */
	} cases[] = {
	    {"", "111111"},
	    {"exclude = ['*.md']", "010111"},
	    {"exclude = ['/*.md']", "011111"},
	    {"exclude = ['tmp/']", "111100"},
	    {"exclude = ['/tmp']", "111101"},
	    {"exclude = ['*', '!*.js']", "010100"},
	    {"exclude = ['lib/*', '!lib/c.js']", "110111"},
	    {"exclude = ['**/z']", "111110"},
	    {"include = ['lib']", "001100"},
	    {"include = ['*.js', 'doc/tmp/']", "010101"},
	    {"include = []", "000000"},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		char left[NELEM(files) + 1] = "";
		struct error err = {0};
		json_t *p;

		for (size_t k = 0; k < NELEM(files); k++)
			put(files[k], "");
		p = project(cases[i].text);
		if (project_filter(dir, p, &err) == -1)
			fail_msg("%s", err.msg);
		json_decref(p);
		for (size_t k = 0; k < NELEM(files); k++)
			left[k] =
			    faccessat(dir, files[k], F_OK, 0) == 0 ? '1' : '0';
		if (strcmp(left, cases[i].left) != 0)
			fail_msg("%s: %s", cases[i].text, left);
	}
}

static void variables_give_way_to_config_vars(void **state)
{
	scoped_buf struct buf text = BUF_INIT(64);
	scoped_free char *platform = xasprintf("%s/platform", top);
	struct error err = {0};
	json_t *p = project("[[io.buildpacks.build.env]]\nname = 'A'\nvalue = "
	                    "'1'\n[[io.buildpacks.build.env]]\nname = 'B'\n"
	                    "value = '2'\n");

	(void)state;
	put("platform/env/A", "config");
	assert_int_equal(project_env(platform, p, &err), 0);
	assert_int_equal(tree_read(dir, "platform/env/A", &text, &err), 0);
	assert_true(str_eqz(buf_str(&text), "config"));
	buf_clear(&text);
	assert_int_equal(tree_read(dir, "platform/env/B", &text, &err), 0);
	assert_true(str_eqz(buf_str(&text), "2"));
	json_decref(p);
	p = project("[[io.buildpacks.build.env]]\nname = '../x'\nvalue = ''\n");
	assert_int_equal(project_env(platform, p, &err), -1);
	assert_non_null(strstr(err.msg, "no name of a variable"));
	json_decref(p);
}

static char *order_of(const char *text, struct error *ret_err)
{
	scoped_free char *tmp = xasprintf("%s/made", top);
	scoped_free char *packs = xasprintf("%s/packs", top);
	struct life life = {
	    .app = top, .buildpacks = packs, .extensions = packs};
	struct buildpacks all = {.life = &life};
	json_t *p = project(text), *group, *item;
	json_t *order =
	    json_pack("{s:[{s:[{s:s}]}]}", "order", "group", "id", "given");
	scoped_buf struct buf out = BUF_INIT(256);
	size_t i;

	*ret_err = (struct error){0};
	(void)fd_remove_tree(dir, "made", NULL);
	assert_int_equal(mkdirat(dir, "made", 0755), 0);
	if (project_order(&all, tmp, p, order, ret_err) == 0) {
		group = json_object_get(
		    json_array_get(json_object_get(order, "order"), 0),
		    "group");
		json_array_foreach(group, i, item)
		{
			buf_addf(&out, "%s%s", i ? " " : "",
			    json_string_value(json_object_get(item, "id")));
		}
	}
	json_decref(order);
	json_decref(p);
	buildpacks_release(&all);
	return xstrdup(buf_z(&out));
}

#define LIST(what) "[[io.buildpacks." what "]]\n"
#define SCRIPT "id = 'me/mine'\nscript = {api = '0.10', inline = 'echo hi'}\n"

static void an_app_brings_its_buildpacks(void **state)
{
	static const struct {
		const char *text, *want; /* want NULL: refused */
	} cases[] = {
	    {"", "given"},
	    {LIST("group") "id = 'x'\n", "x"},
	    {LIST("group") "id = 'x'\nversion = '2'\n", NULL},
	    {LIST("group") SCRIPT, "me/mine"},
	    {LIST("group") "uri = './own'\n" LIST("group") "id = 'x'\n",
	        "own x"},
	    {LIST("pre.group") "id = 'x'\n" LIST("post.group") SCRIPT,
	        "x given me/mine"},
	    {LIST("group") "uri = '../own'\n", NULL},
	    {LIST("group") "uri = 'docker://x'\n", NULL},
	    {LIST("group") "id = 'nosuch'\n", NULL},
	    {LIST("group") "id = '../x'\nscript = {api = '0.10'}\n", NULL},
	};

	(void)state;
	put("packs/x/buildpack.toml",
	    "api = '0.10'\n[buildpack]\nid = 'x'\nversion = '1'\n");
	put("own/buildpack.toml",
	    "api = '0.10'\n[buildpack]\nid = 'own'\nversion = '1'\n");
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct error err;
		scoped_free char *got = order_of(cases[i].text, &err);

		if (!cases[i].want)
			assert_true(
			    err.code && strstr(err.msg, "project.toml"));
		else if (strcmp(got, cases[i].want) != 0)
			fail_msg("case %zu: %s %s", i, got, err.msg);
	}
}

int main(void)
{
#define IN(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    IN(a_file_of_another_schema_is_refused),
	    IN(files_count_by_include_or_exclude),
	    IN(variables_give_way_to_config_vars),
	    IN(an_app_brings_its_buildpacks),
	};

	return cmocka_run_group_tests_name("project", tests, NULL, NULL);
}
