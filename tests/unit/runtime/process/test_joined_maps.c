/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/process.h"
#include "base/table.h"
#include "runtime/process/process.h"
#include "tests/unit/cmocka.h"

static struct spec_id_map first[] = {
	{0,    100000, 1000},
	{1000, 0,      1   }
};

static void the_maps_of_a_namespace_are_read(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	id_map_list two = {.item = first, .count = 2}, one = {.item = first, .count = 1}, uids,
		    gids;
	struct error err;
	owned_fd ns = -1;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	ns = process_user_namespace(&two, &one, &err);
	assert_true(ns >= 0);
	assert_int_equal(process_read_id_maps(ns, arena, &uids, &gids, &err), 0);
	assert_int_equal(uids.count, 2);
	assert_memory_equal(uids.item, first, sizeof(first));
	assert_int_equal(gids.count, 1);
	assert_memory_equal(gids.item, first, sizeof(first[0]));
	assert_int_equal(process_reap(&status), 0); /* who looked has been waited for */
}

static void what_is_no_user_namespace_has_none(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_fd ns = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	id_map_list uids, gids;
	struct error err;
	int status;

	(void)state;
	assert_int_equal(process_read_id_maps(ns, arena, &uids, &gids, &err), -1);
	assert_non_null(strstr(err.reason, "setns"));
	assert_int_equal(process_reap(&status), 0);
}

static void maps_are_the_same_when_they_mean_the_same(void **state)
{
	static struct spec_id_map whole[] =
		{
			{0, 500, 30}
        },
				  pieces[] = {{20, 520, 10}, {0, 500, 20}},
				  other[] = {{0, 500, 20}, {20, 521, 10}},
				  twice[] = {{0, 500, 30}, {0, 500, 30}},
				  all[] = {{0, 0, UINT32_MAX}};
	static const struct {
		id_map_list asked, real;
		const char *why;
	} cases[] = {
		{{whole, 1},  {pieces, 2}, NULL                   },
		{{pieces, 2}, {whole, 1},  NULL                   },
		{{all, 1},    {all, 1},    NULL                   },
		{{NULL, 0},   {NULL, 0},   NULL                   },
		{{other, 2},  {whole, 1},  ": 0 500 30"           },
		{{whole, 1},  {other, 2},  ": 0 500 20, 20 521 10"},
		{{twice, 2},  {whole, 1},  ": 0 500 30"           },
		{{whole, 1},  {NULL, 0},   ": none"               },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct error err;
		int result =
			process_compare_id_maps("m", &cases[i].asked, &cases[i].real, arena, &err);

		assert_int_equal(result, cases[i].why ? -1 : 0);
		if (cases[i].why) {
			assert_string_equal(err.object, "m");
			assert_non_null(strstr(err.reason, cases[i].why));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_maps_of_a_namespace_are_read),
		cmocka_unit_test(what_is_no_user_namespace_has_none),
		cmocka_unit_test(maps_are_the_same_when_they_mean_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
