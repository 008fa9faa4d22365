/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/table.h"
#include "cli/interval.h"
#include "cli/usage.h"
#include "tests/unit/cmocka.h"

#define SECOND UINT64_C(1000000000)

/* One that used so many nanoseconds until a moment. */
static struct usage used(const char *id, uint64_t total, uint64_t when)
{
	return (struct usage){
		.id = id,
		.status = STATUS_RUNNING,
		.pid = 7,
		.start_time = 70,
		.when = when,
		.stats.cpu = {.set = true, .total = total},
	};
}

static void the_share_is_of_the_time_between(void **state)
{
	struct usage before_items[] = {used("a", 0, 5), used("c", SECOND, SECOND)};
	struct usage items[] = {
		used("a", 0, SECOND),
		used("b", SECOND, SECOND),
		used("c", 3 * SECOND / 2, 2 * SECOND),
		used("d", UINT64_MAX, SECOND),
	};
	struct usages before = {.item = before_items, .count = 2};
	struct usages now = {.item = items, .count = 4};

	(void)state;
	usages_compare(&now, &before);
	assert_true(items[0].has_cpu);
	assert_int_equal(items[0].cpu, 0);
	assert_false(items[1].has_cpu);
	assert_true(items[2].has_cpu);
	assert_int_equal(items[2].cpu, 500);
	assert_false(items[3].has_cpu);
	before.count = 0;
	items[0].has_cpu = false;
	usages_compare(&now, &before);
	assert_false(items[0].has_cpu);
}

static void another_of_the_same_name_is_new(void **state)
{
	struct usage before_item = used("a", 0, SECOND);
	struct usages before = {.item = &before_item, .count = 1};
	struct usage cases[] = {
		used("a", SECOND, 2 * SECOND), /* another process */
		used("a", SECOND, 2 * SECOND), /* its pid again */
		used("a", SECOND, SECOND),     /* no time between */
		used("a", SECOND, 2 * SECOND), /* nobody counts any more */
	};

	(void)state;
	cases[0].pid = 8;
	cases[1].start_time = 71;
	cases[3].stats.cpu.set = false;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct usages now = {.item = &cases[i], .count = 1};

		usages_compare(&now, &before);
		assert_false(cases[i].has_cpu);
	}
	before_item.stats.cpu.total = 2 * SECOND; /* counts backwards: its cgroup was made anew */
	cases[0].pid = 7;
	usages_compare(&(struct usages){.item = &cases[0], .count = 1}, &before);
	assert_false(cases[0].has_cpu);
}

static void a_long_time_of_many_processors_is_no_overflow(void **state)
{
	struct usage before_item = used("a", 0, 0);
	struct usage item = used("a", UINT64_MAX / 2, SECOND << 24);
	struct usages before = {.item = &before_item, .count = 1};
	struct usages now = {.item = &item, .count = 1};

	(void)state;
	usages_compare(&now, &before);
	assert_true(item.has_cpu);
	assert_int_equal(item.cpu, 549755); /* 2^63 / (10^9 * 2^24) = 549.755… */
}

static void expect_order(const struct usages *usages, const char *wanted)
{
	for (size_t i = 0; i < usages->count; i++)
		assert_int_equal(usages->item[i].id[0], wanted[i]);
}

static void the_largest_is_first_and_the_unknown_last(void **state)
{
	struct usage items[] = {used("a", 0, 0), used("b", 0, 0), used("c", 0, 0), used("d", 0, 0)};
	struct usages usages = {.item = items, .count = 4};

	(void)state;
	items[1].has_cpu = items[2].has_cpu = items[3].has_cpu = true;
	items[1].cpu = 5;
	items[2].cpu = 10;
	items[3].cpu = 5;
	items[0].stats.memory.set = items[3].stats.memory.set = true;
	items[0].stats.memory.usage = 1;
	items[3].stats.memory.usage = 2;
	usages_sort(&usages, ORDER_CPU);
	expect_order(&usages, "cbda");
	usages_sort(&usages, ORDER_MEMORY);
	expect_order(&usages, "dabc");
	usages_sort(&usages, ORDER_ID);
	expect_order(&usages, "abcd");
}

static struct io_count moved[] = {
	{8, 0,  "Read",    1  },
	{8, 0,  "Write",   10 },
	{8, 16, "Read",    2  },
	{8, 16, "Discard", 100},
};

static struct usage measured(void)
{
	struct usage usage = used("web", 1, 1);

	usage.has_cpu = usage.has_processes = true;
	usage.cpu = 1234;
	usage.processes = 3;
	usage.stats.memory.set = true;
	usage.stats.memory.usage = 1536;
	usage.stats.memory.limit = UINT64_C(12) << 30;
	usage.stats.io.set = true;
	usage.stats.io.bytes = (struct io_counts){moved, ARRAY_SIZE(moved)};
	return usage;
}

static void io_is_summed_over_devices(void **state)
{
	const struct usage usage = measured();

	(void)state;
	assert_int_equal(usage_moved(&usage, "Read"), 3);
	assert_int_equal(usage_moved(&usage, "Write"), 10);
}

static void the_table_has_a_dash_for_what_nobody_counts(void **state)
{
	struct usage items[] = {used("db", 1, 1), measured(), measured()};
	struct usages usages = {.item = items, .count = 3};
	owned_text struct text out = {0};
	struct error err;

	(void)state;
	items[0].status = STATUS_PAUSED;
	items[2].stats.memory.usage = (UINT64_C(1) << 20) - 1;
	items[2].stats.memory.limit = STATS_NO_LIMIT;
	usages.arena = arena_new(1 << 20);
	assert_int_equal(usages_table(&usages, &out, &err), 0);
	assert_string_equal(
		out.bytes,
		"ID      STATUS    PID     CPU %   MEMORY    LIMIT   PIDS    IO READ   IO WRITE\n"
		"db      paused    7       -       -         -       -       -         -\n"
		"web     running   7       123.4   1.5K      12.0G   3       3B        10B\n"
		"web     running   7       123.4   1023.9K   -       3       3B        10B\n");
	usages_free(&usages);
	assert_null(usages.arena);
}

static void json_has_no_member_for_what_nobody_counts(void **state)
{
	struct usage items[] = {used("db", 1, 1), measured()};
	const struct usages usages = {.item = items, .count = 2};
	owned_text struct text out = {0};

	(void)state;
	usages_json(&usages, &out);
	assert_string_equal(out.bytes, "[\n"
	                               "  {\n"
	                               "    \"id\": \"db\",\n"
	                               "    \"status\": \"running\",\n"
	                               "    \"pid\": 7\n"
	                               "  },\n"
	                               "  {\n"
	                               "    \"id\": \"web\",\n"
	                               "    \"status\": \"running\",\n"
	                               "    \"pid\": 7,\n"
	                               "    \"cpuPercent\": 123.4,\n"
	                               "    \"memory\": 1536,\n"
	                               "    \"memoryLimit\": 12884901888,\n"
	                               "    \"pids\": 3,\n"
	                               "    \"ioRead\": 3,\n"
	                               "    \"ioWrite\": 10\n"
	                               "  }\n"
	                               "]\n");
}

static void an_interval_is_above_zero_and_below_a_month(void **state)
{
	static const char *const bad[] = {"", "0", "999us", "24855d", "2147484s", "-1s"};
	struct error err;
	int ms;

	(void)state;
	assert_int_equal(interval_read(NULL, 2000, &ms, &err), 0);
	assert_int_equal(ms, 2000);
	assert_int_equal(interval_read("1ms", 2000, &ms, &err), 0);
	assert_int_equal(ms, 1);
	assert_int_equal(interval_read("2147483s", 2000, &ms, &err), 0);
	assert_int_equal(ms, 2147483000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(interval_read(bad[i], 2000, &ms, &err), -1);
		assert_int_equal(err.kind, ERROR_USAGE);
	}
}

static void the_past_is_not_waited_for(void **state)
{
	int64_t now = clock_ms();

	(void)state;
	assert_int_equal(interval_until(now - 1), 0);
	assert_in_range(interval_until(now + 60000), 1, 60000);
	assert_int_equal(interval_until(INT64_MAX), INT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_share_is_of_the_time_between),
		cmocka_unit_test(another_of_the_same_name_is_new),
		cmocka_unit_test(a_long_time_of_many_processors_is_no_overflow),
		cmocka_unit_test(the_largest_is_first_and_the_unknown_last),
		cmocka_unit_test(io_is_summed_over_devices),
		cmocka_unit_test(the_table_has_a_dash_for_what_nobody_counts),
		cmocka_unit_test(json_has_no_member_for_what_nobody_counts),
		cmocka_unit_test(an_interval_is_above_zero_and_below_a_month),
		cmocka_unit_test(the_past_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
