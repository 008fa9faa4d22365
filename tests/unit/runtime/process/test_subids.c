/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/process/parts.h"
#include "tests/unit/cmocka.h"

enum { ROWER = 1000 };

static void ranges_are(char *file, const char *name, const char *wanted)
{
	struct spec_id_map ranges[SUBIDS_MOST];
	size_t count = subids_in(file, name, ROWER, ROWER, ranges), length = 0;
	char said[256] = "";

	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(said + length, sizeof(said) - length, "%u+%u ",
		                           ranges[i].host_id, ranges[i].size);
	assert_string_equal(said, wanted);
}

static void ranges_are_given_by_name_and_by_number(void **state)
{
	char file[] = "sailor:1:2\nrower:100000:65536\n1000:200000:10\nrower:300000:5";
	char nameless[] = "rower:100000:65536\n1000:200000:10\n:7:7\n";

	(void)state;
	ranges_are(file, "rower", "100000+65536 200000+10 300000+5 ");
	ranges_are(nameless, NULL, "200000+10 ");
}

static void a_broken_line_gives_nothing(void **state)
{
	char file[] =
		"rower\nrower:\nrower:5\nrower:5:\nrower::5\nrower:5:5:5\nrower:-1:5\nrower:5:+5\n"
		"rower: 5:5\n rower:5:5\nrower:5:5 "
		"\nrowe:5:5\nrowers:5:5\n01000x:5:5\n#rower:5:5\n\n:::\n"
		"rower:4294967296:1\nrower:1:99999999999999999999\nrower:7:3\n";
	char empty[] = "";

	(void)state;
	ranges_are(file, "rower", "7+3 ");
	ranges_are(empty, "rower", "");
}

static void a_range_ends_before_the_last_number(void **state)
{
	char file[] = "rower:4294967290:5\nrower:4294967280:0\nrower:4294967295:1\nrower:"
		      "4000000000:4000000000\n";

	(void)state;
	ranges_are(file, "rower", "4294967290+5 ");
}

static void no_id_is_given_twice(void **state)
{
	char file[] = "rower:100:10\nrower:109:10\nrower:90:11\nrower:110:10\nrower:990:20\nrower:"
		      "1000:1\n"
		      "rower:1001:1\n";

	(void)state;
	ranges_are(file, "rower", "100+10 110+10 1001+1 ");
}

static void there_is_a_limit_to_ranges(void **state)
{
	struct spec_id_map ranges[SUBIDS_MOST];
	char *file = malloc(1 << 16), *at = file;

	(void)state;
	assert_non_null(file);
	for (unsigned int i = 0; i < 2 * SUBIDS_MOST; i++)
		at += sprintf(at, "rower:%u:10\n", 10000 + 10 * i);
	assert_int_equal(subids_in(file, "rower", ROWER, ROWER, ranges), SUBIDS_MOST);
	free(file);
}

static void maps_are(const struct spec_id_map *ranges, size_t count, uint32_t id,
                     const char *wanted)
{
	struct spec_id_map items[8];
	id_map_list maps = {.item = items};
	size_t length = 0;
	char said[256] = "";

	subids_spread(ranges, count, id, ROWER, &maps);
	for (size_t i = 0; i < maps.count; i++)
		length += (size_t)snprintf(said + length, sizeof(said) - length, "%u=%u+%u ",
		                           items[i].container_id, items[i].host_id, items[i].size);
	assert_string_equal(said, wanted);
}

static void the_user_is_us_and_ranges_are_around_him(void **state)
{
	static const struct spec_id_map two[] = {
		{0, 100000, 10},
		{0, 200000, 5 }
        };
	static const struct spec_id_map whole[] = {
		{0, 1, UINT32_MAX - 1}
        };

	(void)state;
	maps_are(two, 0, 0, "0=1000+1 ");
	maps_are(two, 0, 7, "7=1000+1 ");
	maps_are(two, 2, 0, "0=1000+1 1=100000+10 11=200000+5 ");
	maps_are(two, 2, 4, "4=1000+1 0=100000+4 5=100004+6 11=200000+5 ");
	maps_are(two, 2, 12, "12=1000+1 0=100000+10 10=200000+2 13=200002+3 ");
	maps_are(two, 2, 50, "50=1000+1 0=100000+10 10=200000+5 ");
	maps_are(whole, 1, 0, "0=1000+1 1=1+4294967294 ");
	maps_are(whole, 1, UINT32_MAX, "4294967295=1000+1 0=1+4294967294 ");
}

static void on_a_machine_that_is_made_up_nothing_is_looked_up(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct spec_user user = {.uid = 7, .gid = 8};
	const struct host host = {.uid = ROWER, .gid = 1001, .made_up = true};
	id_map_list uids, gids;

	(void)state;
	assert_int_equal(process_plan_id_maps(&user, &host, arena, &uids, &gids), 0);
	assert_int_equal(uids.count, 1);
	assert_int_equal(uids.item[0].container_id, 7);
	assert_int_equal(uids.item[0].host_id, ROWER);
	assert_int_equal(gids.count, 1);
	assert_int_equal(gids.item[0].container_id, 8);
	assert_int_equal(gids.item[0].host_id, 1001);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_given_by_name_and_by_number),
		cmocka_unit_test(a_broken_line_gives_nothing),
		cmocka_unit_test(a_range_ends_before_the_last_number),
		cmocka_unit_test(no_id_is_given_twice),
		cmocka_unit_test(there_is_a_limit_to_ranges),
		cmocka_unit_test(the_user_is_us_and_ranges_are_around_him),
		cmocka_unit_test(on_a_machine_that_is_made_up_nothing_is_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
