/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static void mounts_keep_their_order_and_options(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec *spec = read_spec(
		arena,
		"\"mounts\": [{\"destination\": \"/a\"}, {\"destination\": \"/b\","
		"\"type\": \"tmpfs\", \"source\": \"t\", \"options\": [\"ro\", \"size=1k\"]},"
		"{\"destination\": \"/c\", \"type\": \"\", \"options\": null,"
		"\"uidMappings\": [{\"containerID\": 0, \"hostID\": 7, \"size\": 1}],"
		"\"gidMappings\": [{\"containerID\": 0, \"hostID\": 8, \"size\": 2}]}]");

	(void)state;
	assert_int_equal(spec->mounts.count, 3);
	assert_string_equal(spec->mounts.item[0].destination, "/a");
	assert_null(spec->mounts.item[0].type);
	assert_null(spec->mounts.item[0].source);
	assert_int_equal(spec->mounts.item[0].options.count, 0);
	assert_string_equal(spec->mounts.item[1].type, "tmpfs");
	assert_string_equal(spec->mounts.item[1].source, "t");
	texts_are(&spec->mounts.item[1].options, "ro size=1k");
	assert_string_equal(spec->mounts.item[2].type, "");
	assert_int_equal(spec->mounts.item[2].uid_mappings.count, 1);
	assert_int_equal(spec->mounts.item[2].uid_mappings.item[0].host_id, 7);
	assert_int_equal(spec->mounts.item[2].gid_mappings.item[0].size, 2);
}

static void very_many_mounts_are_read(void **state)
{
	enum { COUNT = 50000 };
	owned_arena struct arena *arena = new_arena();
	owned_text struct text config = {0};
	const struct spec *spec = NULL;
	struct error err = {0};

	(void)state;
	text_append(&config, "{\"ociVersion\": \"1.0.0\", \"mounts\": [");
	for (size_t i = 0; i < COUNT; i++)
		text_format(&config, "%s{\"destination\": \"/%zu\"}", i ? "," : "", i);
	text_append(&config, "]}");
	read_well(text_check(&config, &err), &err);
	read_well(spec_read("c", config.bytes, config.length, arena, &spec, &err), &err);
	assert_int_equal(spec->mounts.count, COUNT);
	assert_string_equal(spec->mounts.item[COUNT - 1].destination, "/49999");
}

static void maps_of_a_mount_are_judged_as_all_maps_are(void **state)
{
	static const struct refusal cases[] = {
		{"\"mounts\": [{\"destination\": \"/a\", \"uidMappings\": [{\"containerID\": 0,"
	         "\"hostID\": 0, \"size\": 0}]}]",	              "mounts[0].uidMappings[0].size", "from 1 to 4294967295"                   },
		{"\"mounts\": [{\"destination\": \"/a\", \"uidMappings\": [{\"containerID\": 0,"
	         "\"hostID\": 0, \"size\": 1}], \"gidMappings\": []}]", "mounts[0].gidMappings",         "is required where uidMappings are given"},
	};

	(void)state;
	refused(cases, ARRAY_SIZE(cases));
}

static void mounts_alone_are_an_object_or_an_array(void **state)
{
	static const char *const documents[] = {
		"{\"mounts\": [{\"destination\": \"/a\"}]}",
		"[{\"destination\": \"/a\"}]",
		"{\"ociVersion\": 7, \"mounts\": [{\"destination\": \"/a\"}]}",
	};
	static const char *const wrong[] = {"{}", "7", "[7]", "{\"mounts\": {}}"};
	owned_arena struct arena *arena = new_arena();
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
		mount_list mounts = {0};

		assert_int_equal(spec_read_mounts("f", documents[i], strlen(documents[i]), arena,
		                                  &mounts, &err),
		                 0);
		assert_int_equal(mounts.count, 1);
		assert_string_equal(mounts.item[0].destination, "/a");
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		mount_list mounts = {0};

		assert_int_equal(
			spec_read_mounts("f", wrong[i], strlen(wrong[i]), arena, &mounts, &err),
			-1);
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_keep_their_order_and_options),
		cmocka_unit_test(very_many_mounts_are_read),
		cmocka_unit_test(maps_of_a_mount_are_judged_as_all_maps_are),
		cmocka_unit_test(mounts_alone_are_an_object_or_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
