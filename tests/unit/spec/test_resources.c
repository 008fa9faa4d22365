/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static const struct spec_resources *read_resources(struct arena *arena, const char *text)
{
	struct spec_resources *resources = NULL;
	struct error err = {0};

	read_well(spec_read_resources("-", text, strlen(text), arena, &resources, &err), &err);
	assert_true(resources->set);
	return resources;
}

static void nothing_given_is_nothing_set(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_resources *r = read_resources(
		arena, "{\"memory\": {}, \"cpu\": {\"shares\": null}, \"pids\": {}, \"x\": 1}");

	(void)state;
	assert_true(!r->memory.limit.set && !r->memory.swappiness.set && !r->cpu.shares.set);
	assert_true(!r->pids_limit.set && !r->block_io.weight.set && !r->network.class_id.set);
	assert_true(!r->memory.disable_oom_killer.set && r->devices.count == 0);
	assert_null(r->cpu.cpus);
}

static void memory_cpu_and_pids_are_read(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_resources *r = read_resources(
		arena,
		"{\"memory\": {\"limit\": 1, \"reservation\": 2, \"swap\": -1, \"kernel\": 4,"
		"\"kernelTCP\": 5, \"swappiness\": 100, \"disableOOMKiller\": true,"
		"\"useHierarchy\": false, \"checkBeforeUpdate\": true},"
		"\"cpu\": {\"shares\": 6, \"quota\": -1, \"burst\": 7, \"period\": 8,"
		"\"realtimeRuntime\": 9, \"realtimePeriod\": 10, \"cpus\": \"0\","
		"\"mems\": \"1\", \"idle\": 1}, \"pids\": {\"limit\": -1}}");

	(void)state;
	assert_int_equal(r->memory.limit.value, 1);
	assert_int_equal(r->memory.reservation.value, 2);
	assert_true(r->memory.swap.set && r->memory.swap.value == -1);
	assert_int_equal(r->memory.kernel.value, 4);
	assert_int_equal(r->memory.kernel_tcp.value, 5);
	assert_int_equal(r->memory.swappiness.value, 100);
	assert_true(r->memory.disable_oom_killer.set && r->memory.disable_oom_killer.value);
	assert_true(r->memory.use_hierarchy.set && !r->memory.use_hierarchy.value);
	assert_true(r->memory.check_before_update.value);
	assert_int_equal(r->cpu.shares.value, 6);
	assert_int_equal(r->cpu.quota.value, -1);
	assert_int_equal(r->cpu.burst.value, 7);
	assert_int_equal(r->cpu.period.value, 8);
	assert_int_equal(r->cpu.realtime_runtime.value, 9);
	assert_int_equal(r->cpu.realtime_period.value, 10);
	assert_string_equal(r->cpu.cpus, "0");
	assert_string_equal(r->cpu.mems, "1");
	assert_int_equal(r->cpu.idle.value, 1);
	assert_true(r->pids_limit.set && r->pids_limit.value == -1);
}

static void lists_and_maps_are_read(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_resources *r = read_resources(
		arena,
		"{\"unified\": {\"memory.high\": \"max\"}, \"hugepageLimits\":"
		"[{\"pageSize\": \"2MB\", \"limit\": 3}, {\"pageSize\": \"64KB\", \"limit\": 0}],"
		"\"network\": {\"classID\": 4294967295, \"priorities\":"
		"[{\"name\": \"eth0\", \"priority\": 5}]},"
		"\"rdma\": {\"mlx5_1\": {\"hcaHandles\": 3}, \"x\": {\"hcaObjects\": 0}}}");

	(void)state;
	assert_string_equal(r->unified.item[0].key, "memory.high");
	assert_string_equal(r->unified.item[0].value, "max");
	assert_int_equal(r->hugepage_limits.count, 2);
	assert_string_equal(r->hugepage_limits.item[0].page_size, "2MB");
	assert_int_equal(r->hugepage_limits.item[0].limit, 3);
	assert_true(r->network.class_id.value == UINT32_MAX);
	assert_string_equal(r->network.priorities.item[0].name, "eth0");
	assert_int_equal(r->network.priorities.item[0].priority, 5);
	assert_int_equal(r->rdma.count, 2);
	assert_string_equal(r->rdma.item[0].device, "mlx5_1");
	assert_true(r->rdma.item[0].handles.value == 3 && !r->rdma.item[0].objects.set);
	assert_true(r->rdma.item[1].objects.set && !r->rdma.item[1].handles.set);
}

static void block_devices_are_read_and_no_weight_is_none(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_resources *r = read_resources(
		arena, "{\"blockIO\": {\"weight\": 0, \"leafWeight\": 10, \"weightDevice\":"
		       "[{\"major\": 8, \"minor\": 1, \"weight\": 1000, \"leafWeight\": 0}],"
		       "\"throttleReadBpsDevice\": [{\"major\": 1, \"minor\": 0, \"rate\": 1}],"
		       "\"throttleWriteBpsDevice\": [{\"major\": 2, \"minor\": 0, \"rate\": 2}],"
		       "\"throttleReadIOPSDevice\": [{\"major\": 3, \"minor\": 0, \"rate\": 3}],"
		       "\"throttleWriteIOPSDevice\": [{\"major\": 4, \"minor\": 0,"
		       "\"rate\": 18446744073709551615}]}}");

	(void)state;
	assert_false(r->block_io.weight.set);
	assert_true(r->block_io.leaf_weight.set && r->block_io.leaf_weight.value == 10);
	assert_int_equal(r->block_io.weight_device.count, 1);
	assert_int_equal(r->block_io.weight_device.item[0].minor, 1);
	assert_int_equal(r->block_io.weight_device.item[0].weight.value, 1000);
	assert_false(r->block_io.weight_device.item[0].leaf_weight.set);
	assert_int_equal(r->block_io.throttle_read_bps.item[0].major, 1);
	assert_int_equal(r->block_io.throttle_write_bps.item[0].rate.value, 2);
	assert_int_equal(r->block_io.throttle_read_iops.item[0].rate.value, 3);
	assert_true(r->block_io.throttle_write_iops.item[0].rate.value == UINT64_MAX);
}

static void device_rules_mean_all_where_nothing_is_said(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_resources *r = read_resources(
		arena, "{\"devices\": [{\"allow\": false}, {\"allow\": true, \"type\": \"c\","
		       "\"major\": 42, \"minor\": -1, \"access\": \"rmw\"}, {\"allow\": true,"
		       "\"type\": \"b\", \"access\": \"m\"}]}");

	(void)state;
	assert_int_equal(r->devices.count, 3);
	assert_true(!r->devices.item[0].allow && r->devices.item[0].type == 'a');
	assert_true(!r->devices.item[0].major.set && !r->devices.item[0].access);
	assert_true(r->devices.item[1].allow && r->devices.item[1].type == 'c');
	assert_int_equal(r->devices.item[1].major.value, 42);
	assert_true(r->devices.item[1].minor.set && r->devices.item[1].minor.value == -1);
	assert_string_equal(r->devices.item[1].access, "rmw");
	assert_int_equal(r->devices.item[2].type, 'b');
}

static void only_sizes_that_the_kernel_could_have_are_taken(void **state)
{
	static const char *const sizes[] = {"",    "2",    "MB",  "02MB", "2M",
	                                    "2mB", "2MBB", "2TB", "-2MB", "64kB"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		owned_arena struct arena *arena = new_arena();
		struct refusal refusal = {
			.members = arena_format(arena,
		                                "\"linux\": {\"resources\": {\"hugepageLimits\":"
		                                "[{\"pageSize\": \"%s\", \"limit\": 1}]}}",
		                                sizes[i]),
			.object = "linux.resources.hugepageLimits[0].pageSize",
			.part = "such as 64KB, 2MB or 1GB",
		};

		refused(&refusal, 1);
	}
}

static void alone_their_paths_begin_at_themselves(void **state)
{
	static const struct refusal cases[] = {
		{"{\"memory\": {\"limit\": \"1\"}}", "memory.limit",     "expected a number"                 },
		{"{\"pids\": 7}",                    "pids",             "expected an object, found a number"},
		{"{\"devices\": [{}]}",              "devices[0].allow", "is required"                       },
		{"7",				"-",                "expected an object, found a number"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		owned_arena struct arena *arena = new_arena();
		struct spec_resources *resources = NULL;
		struct error err = {0};

		assert_int_equal(spec_read_resources("-", cases[i].members,
		                                     strlen(cases[i].members), arena, &resources,
		                                     &err),
		                 -1);
		assert_null(resources);
		refused_as(&err, cases[i].object, cases[i].part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_is_nothing_set),
		cmocka_unit_test(memory_cpu_and_pids_are_read),
		cmocka_unit_test(lists_and_maps_are_read),
		cmocka_unit_test(block_devices_are_read_and_no_weight_is_none),
		cmocka_unit_test(device_rules_mean_all_where_nothing_is_said),
		cmocka_unit_test(only_sizes_that_the_kernel_could_have_are_taken),
		cmocka_unit_test(alone_their_paths_begin_at_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
