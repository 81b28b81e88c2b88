/* name: each grammar, on its limits and one past them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/name.h"
#include <cmocka.h>

#define MANY_A                                                                 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct grammar {
	bool (*check)(struct str s);
	size_t longest; /* of MANY_A */
	size_t shortest;
	const char *good[12], *bad[32];
};

static const struct grammar grammars[] = {
    {name_app, 30, 3, {"abc", "a-b", "hello-world-9", "apis"},
        {"", "Abc", "1bc", "-bc", "ab-", "a_b", "a.b", "a/b", "api", "git",
            "registry", "www", "localhost", "internal", "..", "ab\n",
            "\xc3\xa4"
            "bc"}},
    {name_ptype, 63, 1, {"web", "Worker_2", "-", "9"},
        {"", "a.b", "a b", "a/b", "a:b", "a\n"}},
    {name_config_key, 128, 1, {"A", "_", "a_B9", "DATABASE_URL"},
        {"", "9A", "A-B", "A=B", "A B", "A.B"}},
    {name_host, 63, 1,
        {"localhost", "a.b", "xn--nxasmq6b.example", "127.0.0.1", "a-b.c9"},
        {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "A.b", "a_b", "a b",
            "a:80", "[::1]", "a/b"}},
    {name_secret, 128, 16, {"abcdefghijklmno-", "0123456789_ABCDEF"},
        {"", "abcdefghijklmno", "abcdefghijklmno.", "abcdefghijklmno "}},
    {name_mount, 0, 0,
        {"/data", "/srv", "/app/uploads", "/var/lib/db", "/mnt/a.b/c_d-e",
            "/procs", "/etcetera", "/home/x"},
        {"", "/", "data", "//data", "/data/", "/data//x", "/data/../etc",
            "/./data", "/..", "/proc", "/proc/self", "/sys/x", "/dev/shm",
            "/cnb", "/etc", "/etc/x", "/run/x", "/usr/lib", "/bin", "/lib64/x",
            "/app", "/var", "/tmp", "/a b", "/a\nb", "/a:b", "/layers/x"}},
    {name_size, 32, 1, {"basic", "standard-1x"}, {"", "Basic", "a_b", "a b"}},
    {name_layer, 128, 1, {"web.1", "a", "-x", "A_b-9.z", "...", ".a"},
        {"", ".", "..", "a/b", "a b", "a\n", "a:b"}},
    {name_ref, 0, 0,
        {"refs/heads/main", "refs/tags/v1.0", "refs/heads/a/b/c",
            "refs/notes/commits", "refs/heads/@", "refs/heads/-x",
            "refs/heads/\xc3\xa4", "refs/heads/\xf4\x8f\xbf\xbf"},
        {"", "main", "refs/heads/", "refs/heads", "refs/other/x",
            "refs/heads//a", "refs/heads/a/", "refs/heads/.a",
            "refs/heads/a..b", "refs/heads/a.lock", "refs/heads/a.lock/b",
            "refs/heads/a.", "refs/heads/a b", "refs/heads/a~1",
            "refs/heads/a^", "refs/heads/a:b", "refs/heads/a?", "refs/heads/a*",
            "refs/heads/a[b", "refs/heads/a\\b", "refs/heads/a@{b",
            "refs/heads/a\x7f", "refs/heads/\x80"}},
};

static void each_grammar_takes_its_own(void **state)
{
	for (size_t g = 0; g < NELEM(grammars); g++) {
		const struct grammar *it = &grammars[g];

		for (size_t i = 0; i < NELEM(it->good) && it->good[i]; i++)
			if (!it->check(str_z(it->good[i])))
				fail_msg("refused: %s", it->good[i]);
		for (size_t i = 0; i < NELEM(it->bad) && it->bad[i]; i++)
			if (it->check(str_z(it->bad[i])))
				fail_msg("taken: %s", it->bad[i]);
	}
}

static void each_has_its_lengths(void **state)
{
	for (size_t g = 0; g < NELEM(grammars); g++) {
		const struct grammar *it = &grammars[g];

		if (it->longest == 0)
			continue;
		assert_true(it->check(str_make(MANY_A, it->longest)));
		assert_false(it->check(str_make(MANY_A, it->longest + 1)));
		assert_true(it->check(str_make(MANY_A, it->shortest)));
		assert_false(it->check(str_make(MANY_A, it->shortest - 1)));
	}
}

static void long_ones_of_several_parts(void **state)
{
	char host[255], ref[257] = "refs/heads/";

	memset(host, 'a', sizeof(host));
	for (size_t i = 63; i < sizeof(host); i += 64)
		host[i] = '.';
	assert_true(name_host(str_make(host, 253)));
	assert_false(name_host(str_make(host, 254)));
	memset(ref + 11, 'a', sizeof(ref) - 11);
	assert_true(name_ref(str_make(ref, 255)));
	assert_false(name_ref(str_make(ref, 256)));
}

static void digests_are_lower_case_hex(void **state)
{
	static const char hex[] =
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0";
	char upper[64];

	memcpy(upper, hex, sizeof(upper));
	upper[10] = 'A';
	assert_true(name_sha1(str_make(hex, 40)));
	assert_false(name_sha1(str_make(hex, 39)));
	assert_false(name_sha1(str_make(hex, 41)));
	assert_false(name_sha1(str_make(upper, 40)));
	assert_true(name_sha256(str_make(hex, 64)));
	assert_false(name_sha256(str_make(hex, 63)));
	assert_false(name_sha256(str_make(hex, 65)));
	assert_false(name_sha256(str_make(upper, 64)));
}

static void a_ref_is_utf8_or_refused(void **state)
{
	static const struct {
		const char *tail;
		bool ok;
	} cases[] = {
	    {"\xc2\x80", true}, {"\xc1\x80", false}, /* longer than needed */
	    {"\xe0\xa0\x80", true}, {"\xe0\x9f\xbf", false},
	    {"\xed\x9f\xbf", true}, {"\xed\xa0\x80", false}, /* a surrogate */
	    {"\xf0\x90\x80\x80", true}, {"\xf0\x8f\xbf\xbf", false},
	    {"\xf4\x90\x80\x80", false}, /* past U+10FFFF */
	    {"\xf5\x80\x80\x80", false}, {"\xe2\x82", false}, /* cut short */
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		char ref[40] = "refs/heads/";

		memcpy(ref + 11, cases[i].tail, strlen(cases[i].tail) + 1);
		assert_int_equal(name_ref(str_z(ref)), cases[i].ok);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_grammar_takes_its_own),
	    cmocka_unit_test(each_has_its_lengths),
	    cmocka_unit_test(long_ones_of_several_parts),
	    cmocka_unit_test(digests_are_lower_case_hex),
	    cmocka_unit_test(a_ref_is_utf8_or_refused),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
