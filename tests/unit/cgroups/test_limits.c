/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/table.h"
#include "cgroups/limits.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

static void refused(const struct spec_resources *wanted, const char *controllers,
                    const char *object, const char *reason)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec_resources r = *wanted;
	struct cgroup_writes writes;
	struct error err;

	r.set = true;
	assert_int_equal(limits_plan(&r, controllers, arena, &writes, &err), -1);
	assert_string_equal(err.object, object);
	assert_string_equal(err.reason, reason);
}

/* The writes as text: "FILE=VALUE" with blanks between them. */
static void planned(const struct spec_resources *wanted, const char *expected)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct spec_resources r = *wanted;
	struct cgroup_writes writes;
	struct error err;
	char text[1024] = "";

	r.set = true;
	if (limits_plan(&r, NULL, arena, &writes, &err) < 0)
		assert_string_equal(err.reason, "");
	for (size_t i = 0; i < writes.count; i++) {
		size_t at = strlen(text);

		(void)snprintf(text + at, sizeof(text) - at, "%s%s=%s", i ? " " : "",
		               writes.item[i].file, writes.item[i].value);
	}
	assert_string_equal(text, expected);
}

static void a_limit_wants_its_controller(void **state)
{
	struct spec_resources memory = {
		.memory.limit = {true, 4096}
        };
	struct spec_resources cpus = {.cpu.cpus = "0-1"};

	(void)state;
	refused(&memory, "cpu memoryx\n", "linux.resources.memory.limit",
	        "this host has no memory controller in its cgroup v2 tree");
	refused(&cpus, "cpu", "linux.resources.cpu.cpus",
	        "this host has no cpuset controller in its cgroup v2 tree");
	planned(&memory, "memory.max=4096");
	planned(&cpus, "cpuset.cpus=0-1");
}

static void zero_and_empty_are_no_limits_and_minus_one_is_max(void **state)
{
	struct spec_resources none = {
		.memory.limit = {true, 0    },
		.memory.swap = {true, 0    },
		.memory.disable_oom_killer = {true, false},
		.memory.use_hierarchy = {true, true },
		.cpu.shares = {true, 0    },
		.cpu.quota = {true, 0    },
		.cpu.cpus = "",
		.pids_limit = {true, 0    }
        };
	struct spec_resources all = {
		.memory.limit = {true, -1},
		.memory.reservation = {true, -1},
		.cpu.quota = {true, -1},
		.pids_limit = {true, -1}
        };

	(void)state;
	planned(&none, "");
	planned(&all, "memory.max=max memory.swap.max=max memory.low=max cpu.max=max pids.max=max");
}

static void swap_is_what_is_beyond_memory(void **state)
{
	struct spec_resources r = {
		.memory.limit = {true, 4096 },
		.memory.swap = {true, 12288}
        };

	(void)state;
	planned(&r, "memory.max=4096 memory.swap.max=8192");
	r.memory.swap.value = 4096;
	planned(&r, "memory.max=4096 memory.swap.max=0");
	r.memory.swap.value = -1;
	planned(&r, "memory.max=4096 memory.swap.max=max");
	r.memory.swap.value = 4095;
	refused(&r, NULL, "linux.resources.memory.swap",
	        "4095 is less than memory.limit; it counts memory and swap together");
	r.memory.limit.set = false;
	refused(&r, NULL, "linux.resources.memory.swap",
	        "counts memory and swap together, so it needs memory.limit beside it");
}

static void shares_become_weights_on_a_curve(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} curve[] = {
		{1,      1    },
                {2,      1    },
                {512,    59   },
                {1024,   100  },
		{2048,   174  },
                {4096,   303  },
                {262144, 10000},
                {262145, 10000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(curve); i++)
		assert_int_equal(limits_cpu_weight(curve[i].shares), curve[i].weight);
}

static void cpu_time_is_quota_period_and_burst(void **state)
{
	struct spec_resources quota = {
		.cpu.quota = {true, 5000}
        };
	struct spec_resources period = {
		.cpu.period = {true, 50000}
        };
	struct spec_resources burst = {
		.cpu = {.quota = {true, 5000}, .period = {true, 50000}, .burst = {true, 100}}
        };
	struct spec_resources idle = {
		.cpu = {.idle = {true, 1}, .shares = {true, 2048}}
        };

	(void)state;
	planned(&quota, "cpu.max=5000");
	planned(&period, "cpu.max== 50000"); /* the quota that it has */
	planned(&burst, "cpu.max.burst=0 cpu.max=5000 50000 cpu.max.burst=100");
	planned(&idle, "cpu.idle=1"); /* which has no weight */
}

static void devices_have_a_line_each(void **state)
{
	struct spec_block_device weights[] = {
		{.major = 8, .minor = 0, .weight = {true, 10}  },
		{.major = 8, .minor = 1, .weight = {true, 1000}},
	};
	struct spec_block_device rates[] = {
		{.major = 8, .minor = 2, .rate = {true, 7}}
        };
	struct spec_hugepage_limit pages[] = {
		{"2MB", 4}
        };
	struct spec_rdma rdma[] = {
		{.device = "mlx5_0", .handles = {true, 3}}
        };
	struct spec_resources r = {0};

	(void)state;
	r.block_io.weight_device.item = weights;
	r.block_io.weight_device.count = 2;
	r.block_io.throttle_write_iops.item = rates;
	r.block_io.throttle_write_iops.count = 1;
	r.hugepage_limits.item = pages;
	r.hugepage_limits.count = 1;
	r.rdma.item = rdma;
	r.rdma.count = 1;
	planned(&r, "io.bfq.weight=8:0 10 io.weight=8:0 1 io.bfq.weight=8:1 1000 io.weight=8:1 "
	            "10000 io.max=8:2 wiops=7 hugetlb.2MB.max=4 hugetlb.2MB.rsvd.max=4 "
	            "rdma.max=mlx5_0 hca_handle=3");
	weights[1].leaf_weight = (struct maybe_u64){true, 10};
	refused(&r, NULL, "linux.resources.blockIO.weightDevice[1]", "cgroup v2 has no leafWeight");
}

static void unified_is_written_last_and_line_by_line(void **state)
{
	struct key_value items[] = {
		{"io.max",     "8:0 rbps=1\n8:1 rbps=2\n"},
		{"memory.max", "5"                       }
        };
	struct spec_resources r = {
		.memory.limit = {true, 9}
        };

	(void)state;
	r.unified.item = items;
	r.unified.count = 2;
	planned(&r, "memory.max=9 io.max=8:0 rbps=1 io.max=8:1 rbps=2 memory.max=5");
	refused(&r, "memory", "linux.resources.unified[\"io.max\"]",
	        "this host has no io controller in its cgroup v2 tree");
	items[0].key = "io";
	refused(&r, NULL, "linux.resources.unified[\"io\"]",
	        "expected a file of a cgroup, such as memory.high");
}

static void what_is_an_order_is_no_limit(void **state)
{
	static const struct {
		const char *key, *path, *reason;
	} cases[] = {
		{"cgroup.freeze", "linux.resources.unified[\"cgroup.freeze\"]",
	         "is no limit: 'cella pause' freezes a container"},
		{"cgroup.type",   "linux.resources.unified[\"cgroup.type\"]",
	         "is no limit: a container's cgroup is a domain" },
	};
	struct key_value item = {"cgroup.max.depth", "1"};
	struct spec_resources r = {0};

	(void)state;
	r.unified.item = &item;
	r.unified.count = 1;
	planned(&r, "cgroup.max.depth=1");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		item.key = cases[i].key;
		refused(&r, NULL, cases[i].path, cases[i].reason);
	}
}

static void what_v2_has_no_word_for_is_refused(void **state)
{
	static const char no[] = "cgroup v2 has no such limit";
	struct spec_resources swappiness = {
		.memory.swappiness = {true, 60}
        };
	struct spec_resources kernel = {
		.memory.kernel = {true, 4096}
        };
	struct spec_resources realtime = {
		.cpu.realtime_runtime = {true, 5}
        };
	struct spec_resources class = {
		.network.class_id = {true, 1}
        };
	struct spec_resources flat = {
		.memory.use_hierarchy = {true, false}
        };

	(void)state;
	refused(&flat, NULL, "linux.resources.memory.useHierarchy",
	        "cgroup v2 always counts what is below a cgroup with it");
	refused(&swappiness, NULL, "linux.resources.memory.swappiness", no);
	refused(&kernel, NULL, "linux.resources.memory.kernel", no);
	refused(&realtime, NULL, "linux.resources.cpu.realtimeRuntime", no);
	refused(&class, NULL, "linux.resources.network.classID", no);
}

/* ---- writing, to files that look like a cgroup's ---- */

static void is_in(struct scratch *s, const char *file, const char *text)
{
	char now[64];
	struct error err;

	assert_true(fd_read_line(s->dir, file, now, sizeof(now), &err) >= 0);
	assert_string_equal(now, text);
}

static void a_failed_replacement_brings_back_what_was(void **state)
{
	struct scratch *s = *state;
	struct cgroup_write item[] = {
		{"pids.max",    "5",   "linux.resources.pids.limit",    CGROUP_WRITE_MUST    },
		{"cpu.max",     "= 7", "linux.resources.cpu.period",    CGROUP_WRITE_MUST    },
		{"not.there",   "1",   "linux.resources.x",             CGROUP_WRITE_IF_THERE},
		{"memory.high", "1",   "linux.resources.unified[\"\"]", CGROUP_WRITE_MUST    },
	};
	struct cgroup_writes writes = {item, 3};
	struct error err;

	scratch_file(s, "pids.max", "9\n");
	scratch_file(s, "cpu.max", "400 1\n");
	scratch_file(s, "cgroup.controllers", "pids cpu\n");
	assert_int_equal(limits_replace(s->dir, &writes, false, NULL, &err), 0);
	is_in(s, "pids.max", "5");
	is_in(s, "cpu.max", "400 7");
	scratch_file(s, "pids.max", "9\n");
	scratch_file(s, "cpu.max", "400 1\n");
	writes.count = 4;
	assert_int_equal(limits_replace(s->dir, &writes, false, NULL, &err), -1);
	assert_string_equal(err.object, "linux.resources.unified[\"\"]");
	assert_string_equal(err.reason, "the memory controller is not handed down to this cgroup");
	is_in(s, "pids.max", "9");
	is_in(s, "cpu.max", "400 1");
}

static void less_memory_than_is_in_use_is_refused_when_that_is_asked(void **state)
{
	struct scratch *s = *state;
	struct cgroup_write item[] = {
		{"memory.max", "4096", "linux.resources.memory.limit", CGROUP_WRITE_MUST}
        };
	struct cgroup_writes writes = {item, 1};
	struct error err;

	scratch_file(s, "memory.max", "9999\n");
	scratch_file(s, "memory.current", "5000\n");
	assert_int_equal(limits_replace(s->dir, &writes, true, NULL, &err), -1);
	assert_string_equal(err.object, "linux.resources.memory.limit");
	is_in(s, "memory.max", "9999");
	scratch_file(s, "memory.current", "4000\n");
	assert_int_equal(limits_replace(s->dir, &writes, true, NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_wants_its_controller),
		cmocka_unit_test(zero_and_empty_are_no_limits_and_minus_one_is_max),
		cmocka_unit_test(swap_is_what_is_beyond_memory),
		cmocka_unit_test(shares_become_weights_on_a_curve),
		cmocka_unit_test(cpu_time_is_quota_period_and_burst),
		cmocka_unit_test(devices_have_a_line_each),
		cmocka_unit_test(unified_is_written_last_and_line_by_line),
		cmocka_unit_test(what_is_an_order_is_no_limit),
		cmocka_unit_test(what_v2_has_no_word_for_is_refused),
		SCRATCH_TEST(a_failed_replacement_brings_back_what_was),
		SCRATCH_TEST(less_memory_than_is_in_use_is_refused_when_that_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
