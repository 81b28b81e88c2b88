/* map: keys of all lengths, deletions while walking, many entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/map.h"

static void ids_and_names_are_kept_and_replaced(void **state)
{
	struct map *m = map_new();
	int a, b;

	assert_null(map_get_id(m, 7));
	assert_null(map_set_id(m, 7, &a));
	assert_ptr_equal(map_set_id(m, 7, &b), &a);
	assert_ptr_equal(map_get_id(m, 7), &b);
	assert_int_equal(map_len(m), 1);
	assert_ptr_equal(map_del_id(m, 7), &b);
	assert_null(map_del_id(m, 7));
	assert_int_equal(map_len(m), 0);
	map_free(m);
	map_free(NULL);
}

static void keys_of_any_length_are_copied(void **state)
{
	static const size_t lengths[] = {0, 1, 8, 15, 16, 17, 255};
	struct map *m = map_new();
	char key[256];

	for (size_t i = 0; i < NELEM(lengths); i++) {
		memset(key, 'k', sizeof(key));
		assert_null(
		    map_set(m, str_make(key, lengths[i]), (void *)&lengths[i]));
		memset(key, 0, sizeof(key));
	}
	memset(key, 'k', sizeof(key));
	for (size_t i = 0; i < NELEM(lengths); i++)
		assert_ptr_equal(
		    map_get(m, str_make(key, lengths[i])), (void *)&lengths[i]);
	assert_null(map_get(m, str_make(key, 2)));
	assert_null(map_get(m, STR("k\0")));
	map_free(m);
}

#define MANY 20000

static void many_entries_come_and_go(void **state)
{
	static char values[MANY];
	struct map *m = map_new();

	for (int round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < MANY; i++)
			assert_null(map_set_id(m, i * 64, &values[i]));
		assert_int_equal(map_len(m), MANY);
		for (uint64_t i = 0; i < MANY; i += 2)
			assert_ptr_equal(map_del_id(m, i * 64), &values[i]);
		for (uint64_t i = 0; i < MANY; i++)
			assert_ptr_equal(
			    map_get_id(m, i * 64), i % 2 ? &values[i] : NULL);
		for (uint64_t i = 1; i < MANY; i += 2)
			assert_ptr_equal(map_del_id(m, i * 64), &values[i]);
		assert_int_equal(map_len(m), 0);
	}
	map_free(m);
}

static void a_walk_sees_each_entry_once_and_may_delete_it(void **state)
{
	static char values[1000];
	struct map *m = map_new();
	char name[32];
	struct str key;
	size_t pos = 0, seen = 0;
	void *value;

	for (size_t i = 0; i < NELEM(values); i++) {
		int n = snprintf(name, sizeof(name), "name-%zu", i);

		map_set(m, str_make(name, (size_t)n), &values[i]);
	}
	while (map_next(m, &pos, &key, &value)) {
		*(char *)value += 1;
		if (seen++ % 3 == 0)
			assert_ptr_equal(map_del(m, key), value);
	}
	assert_int_equal(seen, NELEM(values));
	assert_int_equal(map_len(m), NELEM(values) - 334);
	for (size_t i = 0; i < NELEM(values); i++)
		assert_int_equal(values[i], 1);
	for (pos = 0, seen = 0; map_next(m, &pos, NULL, NULL);)
		seen++;
	assert_int_equal(seen, map_len(m));
	map_free(m);
}

static void churn_in_a_small_map_does_not_fill_it_with_tombs(void **state)
{
	struct map *m = map_new();
	int value;

	for (uint64_t i = 0; i < 100000; i++) {
		map_set_id(m, i, &value);
		if (i >= 5)
			assert_ptr_equal(map_del_id(m, i - 5), &value);
		assert_null(map_get_id(m, UINT64_MAX));
	}
	assert_int_equal(map_len(m), 5);
	map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_and_names_are_kept_and_replaced),
	    cmocka_unit_test(keys_of_any_length_are_copied),
	    cmocka_unit_test(many_entries_come_and_go),
	    cmocka_unit_test(a_walk_sees_each_entry_once_and_may_delete_it),
	    cmocka_unit_test(churn_in_a_small_map_does_not_fill_it_with_tombs),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
