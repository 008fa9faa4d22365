/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "spec/spec.h"
#include "tests/unit/cmocka.h"

static void expect(const struct stats *stats, const char *wanted)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	struct error err;

	stats_write(&w, NULL, stats);
	assert_int_equal(text_check(&out, &err), 0);
	assert_string_equal(out.bytes, wanted);
}

static void what_is_not_counted_is_left_out(void **state)
{
	static const struct stats nothing = {0};

	(void)state;
	expect(&nothing, "{\"intel_rdt\":{}}");
}

static void time_and_waiting(void **state)
{
	struct stats stats = {
		.cpu = {.set = true,
	                .total = 3000,
	                .user = 2000,
	                .kernel = 1000,
	                .pressure.some = {true, 5, 10000, 191, 726185469}},
	};

	(void)state;
	expect(&stats, "{\"cpu\":{\"usage\":{\"total\":3000,\"kernel\":1000,\"user\":2000},"
	               "\"psi\":{\"some\":{\"avg10\":0.05,\"avg60\":100.00,\"avg300\":1.91,"
	               "\"total\":726185469}}},\"intel_rdt\":{}}");
	stats.cpu.pressure.some.set = false;
	stats.cpu.throttling.set = true;
	stats.cpu.throttling.periods = 7;
	stats.cpu.throttling.throttled_periods = 5;
	stats.cpu.throttling.throttled_time = 9000;
	expect(&stats, "{\"cpu\":{\"usage\":{\"total\":3000,\"kernel\":1000,\"user\":2000},"
	               "\"throttling\":{\"periods\":7,\"throttledPeriods\":5,"
	               "\"throttledTime\":9000}},\"intel_rdt\":{}}");
}

static void memory_is_what_runc_lets_it_mean(void **state)
{
	static struct counter raw[] = {
		{"anon",          1   },
		{"file",          4096},
		{"kernel",        300 },
		{"sock",          20  },
		{"a \"new\" one", 5   }
        };
	static struct counter events[] = {
		{"max",      9},
		{"oom_kill", 2}
        };
	struct stats stats = {
		.memory = {.set = true,
	                   .usage = 100,
	                   .limit = 1000,
	                   .peak = 200,
	                   .swap = {true, 10, 50, 3},
	                   .raw = {raw, ARRAY_SIZE(raw)},
	                   .events = {events, ARRAY_SIZE(events)}},
	};

	(void)state;
	expect(&stats, "{\"memory\":{\"cache\":4096,"
	               "\"usage\":{\"limit\":1000,\"usage\":100,\"max\":200,\"failcnt\":9},"
	               "\"swap\":{\"limit\":1050,\"usage\":110,\"failcnt\":3},"
	               "\"kernel\":{\"limit\":0,\"usage\":300,\"failcnt\":0},"
	               "\"kernelTCP\":{\"limit\":0,\"usage\":20,\"failcnt\":0},"
	               "\"raw\":{\"anon\":1,\"file\":4096,\"kernel\":300,\"sock\":20,\"a "
	               "\\\"new\\\" one\":5},"
	               "\"event_count\":{\"max\":9,\"oom_kill\":2}},\"intel_rdt\":{}}");
}

static void a_limit_that_is_none_stays_none_with_swap(void **state)
{
	struct stats stats = {
		.memory = {.set = true,
	                   .usage = 1,
	                   .limit = STATS_NO_LIMIT,
	                   .swap = {true, 2, 50, 0}}
        };
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};

	(void)state;
	stats_write(&w, NULL, &stats);
	assert_non_null(strstr(out.bytes, "\"swap\":{\"limit\":18446744073709551615,\"usage\":3,"));
}

static void the_rest(void **state)
{
	static struct io_count bytes[] = {
		{8, 0, "Read",  512},
		{8, 0, "Write", 0  }
        };
	static struct io_count requests[] = {
		{8, 0, "Read", 1}
        };
	static struct hugetlb_use pages[] = {
		{"2MB", 2097152, 0},
		{"1GB", 0,       4}
        };
	const struct stats stats = {
		.pids = {true,                       3, 10},
		.io = {.set = true,                          .bytes = {bytes, 2},                 .requests = {requests, 1}},
		.hugetlb = {pages, 2},
	};
	const struct stats unlimited = {
		.pids = {true,            3, STATS_NO_LIMIT},
		.io = {.set = true}
        };

	(void)state;
	expect(&stats, "{\"pids\":{\"current\":3,\"limit\":10},\"blkio\":{"
	               "\"ioServiceBytesRecursive\":["
	               "{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":512},"
	               "{\"major\":8,\"minor\":0,\"op\":\"Write\",\"value\":0}],"
	               "\"ioServicedRecursive\":["
	               "{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":1}]},"
	               "\"hugetlb\":{\"2MB\":{\"usage\":2097152,\"failcnt\":0},"
	               "\"1GB\":{\"usage\":0,\"failcnt\":4}},\"intel_rdt\":{}}");
	expect(&unlimited, "{\"pids\":{\"current\":3},\"blkio\":{},\"intel_rdt\":{}}");
}

static void a_counter_is_found_by_its_name(void **state)
{
	static struct counter item[] = {
		{"file",        1},
		{"file_mapped", 2}
        };
	const struct counters counters = {item, 2};

	(void)state;
	assert_int_equal(*counters_find(&counters, "file_mapped"), 2);
	assert_null(counters_find(&counters, "fil"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_counted_is_left_out),
		cmocka_unit_test(time_and_waiting),
		cmocka_unit_test(memory_is_what_runc_lets_it_mean),
		cmocka_unit_test(a_limit_that_is_none_stays_none_with_swap),
		cmocka_unit_test(the_rest),
		cmocka_unit_test(a_counter_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
