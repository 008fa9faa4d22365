/* SPDX-License-Identifier: Apache-2.0 */
#include <metrics.pb-c.h>
#include <string.h>
#include <task.pb-c.h>

#include "base/table.h"
#include "shim/codec.h"
#include "shim/metrics.h"
#include "tests/unit/cmocka.h"

static Pb__Metrics *packed(const struct stats *stats)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	struct error err;

	assert_int_equal(metrics_pack(stats, arena, &out, &err), 0);

	owned_message Pb__StatsResponse *response =
		codec_unpack(&pb__stats_response__descriptor, out.bytes, out.length, &err);

	assert_non_null(response);
	assert_string_equal(response->stats->type_url, "io.containerd.cgroups.v2.Metrics");
	return codec_unpack(&pb__metrics__descriptor, response->stats->value.data,
	                    response->stats->value.len, &err);
}

static void what_nobody_counts_is_left_out(void **state)
{
	const struct stats none = {0};
	owned_message Pb__Metrics *m = packed(&none);

	(void)state;
	assert_null(m->cpu);
	assert_null(m->memory);
	assert_null(m->pids);
	assert_null(m->io);
}

static void numbers_stand_under_the_kernels_names(void **state)
{
	struct counter raw[] = {
		{"anon",               11},
		{"workingset_refault", 22},
		{"not_ours",           33}
        };
	struct counter events[] = {
		{"oom_kill", 2}
        };
	const struct stats stats = {
		.cpu = {.set = true,                   .total = 5000, .user = 3000, .kernel = 2000},
		.memory = {.set = true,
                        .usage = 4096,
                        .limit = 8192,
                        .raw = {raw, ARRAY_SIZE(raw)},
                        .events = {events, ARRAY_SIZE(events)}},
		.pids = {.set = true, .current = 7,       .limit = STATS_NO_LIMIT                  },
	};
	owned_message Pb__Metrics *m = packed(&stats);

	(void)state;
	assert_int_equal(m->cpu->usage_usec, 5);
	assert_int_equal(m->cpu->user_usec, 3);
	assert_int_equal(m->cpu->system_usec, 2);
	assert_int_equal(m->memory->anon, 11);
	assert_int_equal(m->memory->workingset_refault, 22);
	assert_int_equal(m->memory->usage, 4096);
	assert_int_equal(m->memory->usage_limit, 8192);
	assert_int_equal(m->memory_events->oom_kill, 2);
	assert_int_equal(m->pids->current, 7);
	assert_int_equal(m->pids->limit, 0);
}

static void a_device_has_one_entry(void **state)
{
	struct io_count bytes[] = {
		{8, 0,  "Read",  100},
		{8, 0,  "Write", 200},
		{8, 16, "Read",  1  }
        };
	struct io_count requests[] = {
		{8, 0, "Read",    3},
		{8, 0, "Discard", 9}
        };
	const struct stats stats = {
		.io = {.set = true,
	               .bytes = {bytes, ARRAY_SIZE(bytes)},
	               .requests = {requests, ARRAY_SIZE(requests)}}
        };
	owned_message Pb__Metrics *m = packed(&stats);

	(void)state;
	assert_int_equal(m->io->n_usage, 2);
	assert_int_equal(m->io->usage[0]->rbytes, 100);
	assert_int_equal(m->io->usage[0]->wbytes, 200);
	assert_int_equal(m->io->usage[0]->rios, 3);
	assert_int_equal(m->io->usage[0]->wios, 0);
	assert_int_equal(m->io->usage[1]->minor, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_counts_is_left_out),
		cmocka_unit_test(numbers_stand_under_the_kernels_names),
		cmocka_unit_test(a_device_has_one_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
