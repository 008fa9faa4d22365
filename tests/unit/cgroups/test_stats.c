/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/table.h"
#include "cgroups/cgroups.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

/* A cgroup as a kernel 6.1 shows it, all controllers on. */
static const struct {
	const char *name, *text;
} files_of_6_1[] = {
	{"cgroup.procs",             "4711\n"								       },
	{"cpu.stat",
         "usage_usec 25632\nuser_usec 13187\nsystem_usec 12444\ncore_sched.force_idle_usec 0\n"
         "nr_periods 14\nnr_throttled 3\nthrottled_usec 120031\nnr_bursts 0\nburst_usec 0\n"                        },
	{"cpu.pressure",             "some avg10=1.91 avg60=0.42 avg300=0.00 total=9120\n"
                         "full avg10=0.00 avg60=0.00 avg300=100.00 total=77\n"              },
	{"memory.current",           "6037504\n"								    },
	{"memory.max",               "67108864\n"								   },
	{"memory.peak",              "7340032\n"								    },
	{"memory.stat",
         "anon 172032\nfile 5271552\nkernel 430080\nkernel_stack 16384\npagetables 61440\n"
         "sock 4096\npgfault 1502\nthp_collapse_alloc 0\n"							  },
	{"memory.events",            "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n"                 },
	{"memory.swap.current",      "8192\n"								       },
	{"memory.swap.max",          "max\n"									},
	{"memory.swap.events",       "high 0\nmax 2\nfail 0\n"                                                      },
	{"memory.pressure",          "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"                             },
	{"pids.current",             "2\n"									  },
	{"pids.max",                 "100\n"									},
	{"io.stat",                  "254:0 rbytes=5242880 wbytes=4096 rios=81 wios=1 dbytes=0 dios=0\n"
                    "7:0 \n8:16 rbytes=512 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.usage=7\n"},
	{"io.pressure",              "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"                   },
	{"hugetlb.2MB.current",      "4194304\n"								    },
	{"hugetlb.2MB.max",          "max\n"									},
	{"hugetlb.2MB.events",       "max 6\n"								      },
	{"hugetlb.2MB.rsvd.current", "0\n"									  },
};

static void make_all(const struct scratch *scratch)
{
	for (size_t i = 0; i < ARRAY_SIZE(files_of_6_1); i++)
		scratch_file(scratch, files_of_6_1[i].name, files_of_6_1[i].text);
}

static struct arena *arena;

static int setup(void **state)
{
	arena = arena_new(1 << 20);
	return arena ? scratch_setup(state) : -1;
}

static int teardown(void **state)
{
	arena_free(arena);
	return scratch_teardown(state);
}

static struct stats measure(const struct scratch *scratch)
{
	struct stats stats;
	struct error err = {0};

	if (cgroup_stats(scratch->dir, arena, &stats, &err) < 0) {
		print_error("%s: %s\n", err.object, err.reason);
		assert_true(false);
	}
	return stats;
}

static void expect_error(const struct scratch *scratch, const char *object, const char *reason)
{
	struct stats stats;
	struct error err = {0};

	assert_int_equal(cgroup_stats(scratch->dir, arena, &stats, &err), -1);
	assert_string_equal(err.object, object);
	if (!strstr(err.reason, reason))
		assert_string_equal(err.reason, reason); /* says both */
}

static void time_is_in_nanoseconds(void **state)
{
	struct stats stats;

	make_all(*state);
	stats = measure(*state);
	assert_true(stats.cpu.set);
	assert_int_equal(stats.cpu.total, 25632000);
	assert_int_equal(stats.cpu.user, 13187000);
	assert_int_equal(stats.cpu.kernel, 12444000);
	assert_true(stats.cpu.throttling.set);
	assert_int_equal(stats.cpu.throttling.periods, 14);
	assert_int_equal(stats.cpu.throttling.throttled_periods, 3);
	assert_int_equal(stats.cpu.throttling.throttled_time, 120031000);
}

static void waiting_is_read_in_hundredths(void **state)
{
	struct stats stats;

	make_all(*state);
	stats = measure(*state);
	assert_true(stats.cpu.pressure.some.set);
	assert_int_equal(stats.cpu.pressure.some.avg10, 191);
	assert_int_equal(stats.cpu.pressure.some.avg60, 42);
	assert_int_equal(stats.cpu.pressure.some.total, 9120);
	assert_int_equal(stats.cpu.pressure.full.avg300, 10000);
	assert_int_equal(stats.cpu.pressure.full.total, 77);
	assert_true(stats.memory.pressure.some.set);
	assert_false(stats.memory.pressure.full.set);
	assert_true(stats.io.pressure.full.set);
}

static void memory_and_pids(void **state)
{
	struct stats stats;

	make_all(*state);
	stats = measure(*state);
	assert_true(stats.memory.set);
	assert_int_equal(stats.memory.usage, 6037504);
	assert_int_equal(stats.memory.limit, 67108864);
	assert_int_equal(stats.memory.peak, 7340032);
	assert_true(stats.memory.swap.set);
	assert_int_equal(stats.memory.swap.usage, 8192);
	assert_true(stats.memory.swap.limit == STATS_NO_LIMIT);
	assert_int_equal(stats.memory.swap.limit_hits, 2);
	assert_int_equal(stats.memory.raw.count, 8);
	assert_int_equal(*counters_find(&stats.memory.raw, "file"), 5271552);
	assert_int_equal(*counters_find(&stats.memory.events, "oom_kill"), 1);
	assert_true(stats.pids.set);
	assert_int_equal(stats.pids.current, 2);
	assert_int_equal(stats.pids.limit, 100);
}

static void expect_io(const struct io_count *count, uint64_t major, uint64_t minor,
                      const char *operation, uint64_t value)
{
	assert_int_equal(count->major, major);
	assert_int_equal(count->minor, minor);
	assert_string_equal(count->operation, operation);
	assert_int_equal(count->value, value);
}

static void io_is_by_device_and_operation(void **state)
{
	struct stats stats;

	make_all(*state);
	stats = measure(*state);
	assert_true(stats.io.set);
	assert_int_equal(stats.io.bytes.count, 6);
	assert_int_equal(stats.io.requests.count, 6);
	expect_io(&stats.io.bytes.item[0], 254, 0, "Read", 5242880);
	expect_io(&stats.io.bytes.item[1], 254, 0, "Write", 4096);
	expect_io(&stats.io.bytes.item[3], 8, 16, "Read", 512);
	expect_io(&stats.io.requests.item[0], 254, 0, "Read", 81);
	expect_io(&stats.io.requests.item[2], 254, 0, "Discard", 0);
}

static void each_size_of_page_is_found(void **state)
{
	struct stats stats;

	make_all(*state);
	scratch_file(*state, "hugetlb.1GB.current", "0\n");
	stats = measure(*state);
	assert_int_equal(stats.hugetlb.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct hugetlb_use *use = &stats.hugetlb.item[i];
		bool small = strcmp(use->page_size, "2MB") == 0;

		assert_true(small || strcmp(use->page_size, "1GB") == 0);
		assert_int_equal(use->usage, small ? 4194304 : 0);
		assert_int_equal(use->limit_hits, small ? 6 : 0);
	}
}

static void what_is_off_is_not_set(void **state)
{
	struct stats stats;

	scratch_file(*state, "cgroup.procs", "");
	scratch_file(*state, "cpu.stat", "usage_usec 1\nuser_usec 0\nsystem_usec 1\n");
	scratch_file(*state, "memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	stats = measure(*state);
	assert_true(stats.cpu.set);
	assert_false(stats.cpu.throttling.set);
	assert_false(stats.cpu.pressure.some.set);
	assert_false(stats.memory.set);
	assert_false(stats.pids.set);
	assert_false(stats.io.set);
	assert_int_equal(stats.hugetlb.count, 0);
}

static void a_cgroup_with_the_name_of_a_file_is_none(void **state)
{
	struct stats stats;

	scratch_file(*state, "cgroup.procs", "");
	scratch_folder(*state, "memory.current");
	scratch_folder(*state, "hugetlb.2MB.current");
	stats = measure(*state);
	assert_false(stats.memory.set);
	assert_int_equal(stats.hugetlb.count, 0);
}

static void a_kernel_without_swap_or_peak(void **state)
{
	struct stats stats;

	scratch_file(*state, "cgroup.procs", "");
	scratch_file(*state, "memory.current", "4096\n");
	scratch_file(*state, "memory.max", "max\n");
	stats = measure(*state);
	assert_true(stats.memory.set);
	assert_true(stats.memory.limit == STATS_NO_LIMIT);
	assert_int_equal(stats.memory.peak, 0);
	assert_false(stats.memory.swap.set);
	assert_int_equal(stats.memory.raw.count, 0);
}

static void a_cgroup_that_has_gone_is_no_empty_one(void **state)
{
	struct stats stats;
	struct error err = {0};
	const struct scratch *scratch = *state;

	assert_int_equal(cgroup_stats(scratch->dir, arena, &stats, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
}

static void what_later_kernels_count_is_kept_or_passed_over(void **state)
{
	struct stats stats;

	make_all(*state);
	scratch_file(*state, "memory.stat",
	             "file 1\nbalance -5\nnodes 1 2\nfresh 7\n\n novalue\nx\n");
	scratch_file(*state, "cpu.pressure",
	             "some avg10=0.00 avg60=0.00 avg300=0.00 total=1 avg900=0.00 x\nmost y=1\n");
	scratch_file(*state, "io.stat",
	             "8:0 rbytes=1 rbytes=2 zbytes=x\nsda rbytes=1\n8:x rbytes=1\n\n");
	stats = measure(*state);
	assert_int_equal(stats.memory.raw.count, 2);
	assert_string_equal(stats.memory.raw.item[1].name, "fresh");
	assert_int_equal(stats.memory.raw.item[1].value, 7);
	assert_int_equal(stats.cpu.pressure.some.total, 1);
	assert_int_equal(stats.io.bytes.count, 1);
	expect_io(&stats.io.bytes.item[0], 8, 0, "Read", 1);
}

static void what_was_cut_off_is_not_believed(void **state)
{
	struct stats stats;

	make_all(*state);
	scratch_file(*state, "memory.stat", "anon 172032\nfile 52");
	scratch_file(*state, "io.stat", "8:0 rbytes=12");
	stats = measure(*state);
	assert_int_equal(stats.memory.raw.count, 1);
	assert_int_equal(stats.io.bytes.count, 0);
	scratch_file(*state, "memory.current", "6037");
	expect_error(*state, "memory.current", "expected a number");
	scratch_file(*state, "cpu.stat", "usage_usec 25632\nuser_usec 13187\nsystem_usec 12");
	expect_error(*state, "cpu.stat", "system_usec");
}

static void junk_is_refused_by_its_file(void **state)
{
	static const struct {
		const char *name, *text, *reason;
	} junk[] = {
		{"cpu.stat",            "",							      "usage_usec"       },
		{"cpu.stat",            "usage_usec abc\n",                                              "usage_usec"       },
		{"cpu.stat",            "usage_usec 18446744073709551615\nuser_usec 0\nsystem_usec 0\n",
	         "out of range"											     },
		{"cpu.stat",            "usage_usec 18446744073709551616\n",                             "usage_usec"       },
		{"cpu.stat",            "usage_usec 1\nuser_usec 0\nsystem_usec 1\nnr_periods 1\n",
	         "nr_throttled"											     },
		{"cpu.pressure",        "some avg10=0.00\n",                                             "expected avg10"   },
		{"cpu.pressure",        "full avg10=0.0 avg60=0.00 avg300=0.00 total=1\n",
	         "expected avg10"											   },
		{"cpu.pressure",        "full avg10=.00 avg60=0.00 avg300=0.00 total=1\n",
	         "expected avg10"											   },
		{"cpu.pressure",
	         "some avg10=99999999999999999999.00 avg60=0.00 avg300=0.00 total=1\n",	          "expected avg10"   },
		{"cpu.pressure",        "some avg10=42949672.00 avg60=0.00 avg300=0.00 total=1\n",
	         "expected avg10"											   },
		{"memory.current",      "",							      "not one line"     },
		{"memory.current",      "1\n2\n",							"not one line"     },
		{"memory.current",      "-1\n",							  "'-1'"             },
		{"memory.max",          "maximum\n",						     "'maximum'"        },
		{"memory.swap.current", "\001\n",							"expected a number"},
		{"pids.max",            " 1\n",							  "' 1'"             },
		{"io.stat",             "8:0 rbytes=1k\n",					       "rbytes: '1k'"     },
		{"io.stat",             "8:0 wios\n",						    "wios: ''"         },
		{"hugetlb.2MB.current", "none\n",							"'none'"           },
	};

	for (size_t i = 0; i < ARRAY_SIZE(junk); i++) {
		make_all(*state);
		scratch_file(*state, junk[i].name, junk[i].text);
		expect_error(*state, junk[i].name, junk[i].reason);
	}
}

#define STATS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATS_TEST(time_is_in_nanoseconds),
		STATS_TEST(waiting_is_read_in_hundredths),
		STATS_TEST(memory_and_pids),
		STATS_TEST(io_is_by_device_and_operation),
		STATS_TEST(each_size_of_page_is_found),
		STATS_TEST(what_is_off_is_not_set),
		STATS_TEST(a_cgroup_with_the_name_of_a_file_is_none),
		STATS_TEST(a_kernel_without_swap_or_peak),
		STATS_TEST(a_cgroup_that_has_gone_is_no_empty_one),
		STATS_TEST(what_later_kernels_count_is_kept_or_passed_over),
		STATS_TEST(what_was_cut_off_is_not_believed),
		STATS_TEST(junk_is_refused_by_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
