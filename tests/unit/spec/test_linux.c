/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static void namespaces_are_found_by_their_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		owned_arena struct arena *arena = new_arena();
		const char *members = arena_format(arena,
		                                   "\"linux\": {\"namespaces\": [{\"type\": \"%s\","
		                                   "\"path\": \"/ns\"}]}",
		                                   namespace_names[i]);
		const struct spec_linux *l = &read_spec(arena, members)->linux_;

		for (size_t j = 0; j < NAMESPACE_TYPES; j++)
			assert_int_equal(l->namespaces[j].set, i == j);
		assert_string_equal(l->namespaces[i].path, "/ns");
	}
}

static void a_namespace_knows_its_place_and_whether_it_is_new(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_linux *l =
		&read_spec(arena, "\"linux\": {\"namespaces\": [{\"type\": \"mount\"},"
	                          "{\"type\": \"pid\", \"path\": null}, {\"type\": \"network\","
	                          "\"path\": \"/run/netns/a\"}]}")
			 ->linux_;

	(void)state;
	assert_true(l->set);
	assert_int_equal(l->namespaces[NAMESPACE_MOUNT].index, 0);
	assert_int_equal(l->namespaces[NAMESPACE_PID].index, 1);
	assert_int_equal(l->namespaces[NAMESPACE_NETWORK].index, 2);
	assert_null(l->namespaces[NAMESPACE_PID].path);
	assert_string_equal(l->namespaces[NAMESPACE_NETWORK].path, "/run/netns/a");
	assert_false(l->namespaces[NAMESPACE_USER].set);
}

static void maps_may_touch_and_reach_the_last_id(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_linux *l =
		&read_spec(arena,
	                   "\"linux\": {\"namespaces\": [{\"type\": \"user\"}], \"uidMappings\": ["
	                   "{\"containerID\": 0, \"hostID\": 0, \"size\": 4294967295}],"
	                   "\"gidMappings\": [{\"containerID\": 0, \"hostID\": 10, \"size\": 5},"
	                   "{\"containerID\": 5, \"hostID\": 4294967294, \"size\": 1},"
	                   "{\"containerID\": 6, \"hostID\": 0, \"size\": 10}]}")
			 ->linux_;

	(void)state;
	assert_int_equal(l->uid_mappings.count, 1);
	assert_true(l->uid_mappings.item[0].size == UINT32_MAX);
	assert_int_equal(l->gid_mappings.count, 3);
	assert_true(l->gid_mappings.item[1].host_id == UINT32_MAX - 1);
}

static void maps_that_contradict_themselves_are_refused(void **state)
{
	static const struct {
		const char *maps;
		const char *object;
		const char *part;
	} cases[] = {
		{"[{\"containerID\": 0, \"hostID\": 1, \"size\": 4294967295}]",                                     "[0].size",
	         "reaches beyond the last id, 4294967294"													    },
		{"[{\"containerID\": 4294967295, \"hostID\": 0, \"size\": 1}]",                                     "[0].size",
	         "reaches beyond"																    },
		{"[{\"containerID\": 0, \"hostID\": 0, \"size\": 5}, {\"containerID\": 5, "
	         "\"hostID\": 9, \"size\": 5}, {\"containerID\": 4, \"hostID\": 5, \"size\": 1}]", "[2].containerID", "overlaps with the ids of [0]"},
		{"[{\"containerID\": 0, \"hostID\": 5, \"size\": 5}, {\"containerID\": 5, "
	         "\"hostID\": 1, \"size\": 5}]",	                                           "[1].hostID",      "overlaps with the ids of [0]"},
		{"[{\"containerID\": 3, \"hostID\": 5, \"size\": 1}, {\"containerID\": 1, "
	         "\"hostID\": 10, \"size\": 9}]",	                                          "[1].containerID", "overlaps with the ids of [0]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		owned_arena struct arena *arena = new_arena();
		struct refusal refusal = {
			.members = arena_format(arena, "\"linux\": {\"gidMappings\": %s}",
		                                cases[i].maps),
			.object = arena_format(arena, "linux.gidMappings%s", cases[i].object),
			.part = cases[i].part,
		};

		refused(&refusal, 1);
	}
}

static void as_many_maps_as_the_kernel_takes_are_read(void **state)
{
	owned_arena struct arena *arena = new_arena();
	owned_text struct text members = {0};
	struct error err = {0};

	(void)state;
	text_append(&members, "\"mounts\": [{\"destination\": \"/a\", \"uidMappings\": [");
	for (int i = 0; i < 340; i++)
		text_format(&members, "%s{\"containerID\": %d, \"hostID\": %d, \"size\": 1}",
		            i ? "," : "", i, i);
	text_append(&members,
	            "], \"gidMappings\": [{\"containerID\": 0, \"hostID\": 0, \"size\": 1}]}]");
	read_well(text_check(&members, &err), &err);
	assert_int_equal(read_spec(arena, members.bytes)->mounts.item[0].uid_mappings.count, 340);
}

static void an_empty_propagation_is_none_and_flags_of_a_personality_may_be_any(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_linux *l =
		&read_spec(arena, "\"linux\": {\"rootfsPropagation\": \"\", \"personality\":"
	                          "{\"domain\": \"LINUX\", \"flags\": [\"X\"]}}")
			 ->linux_;

	(void)state;
	assert_null(l->rootfs_propagation);
	assert_string_equal(l->personality.flags.item[0], "X");
}

static void the_other_members_are_read(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_linux *l =
		&read_spec(arena, "\"linux\": {\"cgroupsPath\": \"a:b:c\", \"rootfsPropagation\":"
	                          "\"rslave\", \"sysctl\": {\"net.core.somaxconn\": \"256\"},"
	                          "\"maskedPaths\": [\"/m\"], \"readonlyPaths\": [\"/r\", \"/s\"],"
	                          "\"mountLabel\": \"l\", \"intelRdt\": {\"closID\": \"c\","
	                          "\"schemata\": [\"L3:0=f\"], \"l3CacheSchema\": \"L3\","
	                          "\"memBwSchema\": \"MB:0=1\", \"enableMonitoring\": true},"
	                          "\"memoryPolicy\": {\"mode\": \"MPOL_BIND\", \"nodes\": \"0-1\","
	                          "\"flags\": [\"MPOL_F_STATIC_NODES\"]},"
	                          "\"personality\": {\"domain\": \"LINUX32\", \"flags\": []}}")
			 ->linux_;

	(void)state;
	assert_string_equal(l->cgroups_path, "a:b:c");
	assert_string_equal(l->rootfs_propagation, "rslave");
	assert_int_equal(l->sysctl.count, 1);
	assert_string_equal(l->sysctl.item[0].key, "net.core.somaxconn");
	assert_string_equal(l->sysctl.item[0].value, "256");
	texts_are(&l->masked_paths, "/m");
	texts_are(&l->readonly_paths, "/r /s");
	assert_string_equal(l->mount_label, "l");
	assert_true(l->intel_rdt.set && l->intel_rdt.enable_monitoring);
	assert_string_equal(l->intel_rdt.clos_id, "c");
	assert_string_equal(l->intel_rdt.l3_cache_schema, "L3");
	assert_string_equal(l->intel_rdt.mem_bw_schema, "MB:0=1");
	texts_are(&l->intel_rdt.schemata, "L3:0=f");
	assert_true(l->memory_policy.set);
	assert_string_equal(l->memory_policy.mode, "MPOL_BIND");
	assert_string_equal(l->memory_policy.nodes, "0-1");
	texts_are(&l->memory_policy.flags, "MPOL_F_STATIC_NODES");
	assert_string_equal(l->personality.domain, "LINUX32");
}

static void clocks_are_set_one_by_one(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_linux *l =
		&read_spec(arena, "\"linux\": {\"namespaces\": [{\"type\": \"time\"}],"
	                          "\"timeOffsets\": {\"monotonic\": {\"secs\": -5,"
	                          "\"nanosecs\": 999999999}}}")
			 ->linux_;

	(void)state;
	assert_true(l->time_monotonic.set && !l->time_boottime.set);
	assert_int_equal(l->time_monotonic.secs, -5);
	assert_int_equal(l->time_monotonic.nanosecs, 999999999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_are_found_by_their_type),
		cmocka_unit_test(a_namespace_knows_its_place_and_whether_it_is_new),
		cmocka_unit_test(maps_may_touch_and_reach_the_last_id),
		cmocka_unit_test(maps_that_contradict_themselves_are_refused),
		cmocka_unit_test(as_many_maps_as_the_kernel_takes_are_read),
		cmocka_unit_test(
			an_empty_propagation_is_none_and_flags_of_a_personality_may_be_any),
		cmocka_unit_test(the_other_members_are_read),
		cmocka_unit_test(clocks_are_set_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
