/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/json_read.h"
#include "base/table.h"
#include "spec/spec.h"
#include "tests/unit/cmocka.h"

static int unpack(const char *text, struct arena *arena, struct stats *ret, struct error *err)
{
	const struct json *top;

	assert_int_equal(json_read("stats", text, strlen(text), arena, &top, err), 0);
	return stats_unpack(top, arena, ret, err);
}

static void what_is_packed_is_unpacked_the_same(void **state)
{
	static struct counter raw[] = {
		{"anon", 7                },
		{"file", UINT64_C(1) << 63},
	};
	static struct counter events[] = {
		{"oom_kill", 1}
        };
	struct stats stats = {0}, back;
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0}, again = {0};
	struct json_writer w = {.out = &out}, v = {.out = &again};
	struct error err;

	(void)state;
	stats.memory.set = stats.memory.swap.set = stats.pids.set = true;
	stats.memory.usage = 1;
	stats.memory.limit = STATS_NO_LIMIT;
	stats.memory.peak = 3;
	stats.memory.swap.usage = 4;
	stats.memory.swap.limit = 5;
	stats.memory.swap.limit_hits = 6;
	stats.memory.raw = (struct counters){raw, 2};
	stats.memory.events = (struct counters){events, 1};
	stats.pids.current = 8;
	stats.pids.limit = 9;
	stats_pack(&w, &stats);
	assert_int_equal(text_check(&out, &err), 0);
	assert_int_equal(unpack(out.bytes, arena, &back, &err), 0);
	assert_true(back.memory.set && back.memory.swap.set && back.pids.set);
	assert_int_equal(*counters_find(&back.memory.raw, "file"), UINT64_C(1) << 63);
	stats_pack(&v, &back);
	assert_string_equal(again.bytes, out.bytes);
}

static void what_is_not_counted_is_not_there(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct stats stats;
	struct error err;

	(void)state;
	assert_int_equal(unpack("{\"pids\":{\"current\":1,\"limit\":2}}", arena, &stats, &err), 0);
	assert_true(stats.pids.set);
	assert_false(stats.memory.set);
}

static void what_a_guest_makes_up_is_refused(void **state)
{
	static const char *const all[] = {
		"{\"pids\":{\"current\":1}}",
		"{\"pids\":7}",
		"{\"pids\":{\"current\":-1,\"limit\":2}}",
		"{\"memory\":{\"usage\":\"1\",\"limit\":2,\"peak\":3}}",
		"{\"raw\":[1,2]}",
		"{\"events\":{\"oom\":1.5}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		owned_arena struct arena *arena = arena_new(1 << 20);
		struct stats stats;
		struct error err;

		assert_int_equal(unpack(all[i], arena, &stats, &err), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked_the_same),
		cmocka_unit_test(what_is_not_counted_is_not_there),
		cmocka_unit_test(what_a_guest_makes_up_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
