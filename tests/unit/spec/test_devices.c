/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static void devices_are_read_with_their_numbers_and_owner(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_linux *l =
		&read_spec(arena,
	                   "\"linux\": {\"devices\": [{\"path\": \"/dev/a\", \"type\": \"c\","
	                   "\"major\": 4095, \"minor\": 1048575, \"fileMode\": 438,"
	                   "\"uid\": 1, \"gid\": 4294967295},"
	                   "{\"path\": \"/dev/b\", \"type\": \"b\", \"major\": 8,"
	                   "\"minor\": 0}, {\"path\": \"/p\", \"type\": \"p\"},"
	                   "{\"path\": \"/dev/u\", \"type\": \"u\", \"major\": 1,"
	                   "\"minor\": 3}]}")
			 ->linux_;
	const struct spec_device *devices = l->devices.item;

	(void)state;
	assert_int_equal(l->devices.count, 4);
	assert_string_equal(devices[0].path, "/dev/a");
	assert_int_equal(devices[0].type, 'c');
	assert_int_equal(devices[0].major, 4095);
	assert_int_equal(devices[0].minor, 1048575);
	assert_true(devices[0].mode.set && devices[0].mode.value == 0666);
	assert_true(devices[0].uid.set && devices[0].uid.value == 1);
	assert_true(devices[0].gid.set && devices[0].gid.value == UINT32_MAX);
	assert_int_equal(devices[1].type, 'b');
	assert_true(!devices[1].mode.set && !devices[1].uid.set && !devices[1].gid.set);
	assert_int_equal(devices[2].type, 'p');
	assert_int_equal(devices[3].type, 'u');
}

static void a_file_mode_may_repeat_the_type_and_loses_it(void **state)
{
	static const struct {
		const char *type;
		unsigned int written;
	} cases[] = {
		{"c", 0020000 | 0640},
                {"u", 0020000 | 0640},
                {"b", 0060000 | 0640},
		{"p", 0010000 | 0640},
                {"c", 0640          },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		owned_arena struct arena *arena = new_arena();
		const char *members = arena_format(arena,
		                                   "\"linux\": {\"devices\": [{\"path\": \"/a\","
		                                   "\"type\": \"%s\", \"major\": 1, \"minor\": 3,"
		                                   "\"fileMode\": %u}]}",
		                                   cases[i].type, cases[i].written);

		assert_int_equal(read_spec(arena, members)->linux_.devices.item[0].mode.value,
		                 0640);
	}
}

static void network_devices_are_read_by_key(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_linux *l =
		&read_spec(arena, "\"linux\": {\"netDevices\": {\"eth0\": {\"name\": \"in0\"},"
	                          "\"ens.5\": {}, \"eth2\": {\"name\": \"\"}}}")
			 ->linux_;

	(void)state;
	assert_int_equal(l->net_devices.count, 3);
	assert_string_equal(l->net_devices.item[0].host_name, "eth0");
	assert_string_equal(l->net_devices.item[0].name, "in0");
	assert_string_equal(l->net_devices.item[1].host_name, "ens.5");
	assert_null(l->net_devices.item[1].name);
	assert_null(l->net_devices.item[2].name);
}

static void names_that_no_interface_can_have_are_refused(void **state)
{
	static const char *const names[] = {
		".", "..", "a b", "a\xc3\xa0", "a/b", "a:b", "0123456789abcdef"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		owned_arena struct arena *arena = new_arena();
		struct refusal refusal = {
			.members = arena_format(
				arena, "\"linux\": {\"netDevices\": {\"e\": {\"name\": \"%s\"}}}",
				names[i]),
			.object = "linux.netDevices.e.name",
			.part = "expected an interface's name of 1 to 15 characters",
		};

		refused(&refusal, 1);
	}
}

static void a_number_is_filled_in_once_and_not_in_what_is_there(void **state)
{
	static const struct refusal refusals[] = {
		{.members = "\"linux\": {\"netDevices\": {\"e\": {\"name\": \"e%d%d\"}}}",
	         .object = "linux.netDevices.e.name",
	         .part = "expected an interface's name, with '%' only in one '%d', for a number"},
		{.members = "\"linux\": {\"netDevices\": {\"e\": {\"name\": \"eth%\"}}}",
	         .object = "linux.netDevices.e.name",
	         .part = "with '%' only in one '%d'"                                            },
		{.members = "\"linux\": {\"netDevices\": {\"e\": {\"name\": \"eth%s\"}}}",
	         .object = "linux.netDevices.e.name",
	         .part = "with '%' only in one '%d'"                                            },
		{.members = "\"linux\": {\"netDevices\": {\"e%d\": {}}}",
	         .object = "linux.netDevices[\"e%d\"]",
	         .part = "the name of an interface that is there, without '%'"                  },
	};
	owned_arena struct arena *arena = new_arena();
	const struct spec_linux *l =
		&read_spec(arena, "\"linux\": {\"netDevices\": {\"e\": {\"name\": \"eth%d\"}}}")
			 ->linux_;

	(void)state;
	assert_string_equal(l->net_devices.item[0].name, "eth%d");
	refused(refusals, ARRAY_SIZE(refusals));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_are_read_with_their_numbers_and_owner),
		cmocka_unit_test(a_file_mode_may_repeat_the_type_and_loses_it),
		cmocka_unit_test(network_devices_are_read_by_key),
		cmocka_unit_test(names_that_no_interface_can_have_are_refused),
		cmocka_unit_test(a_number_is_filled_in_once_and_not_in_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
