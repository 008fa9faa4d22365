/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static void a_machine_is_read_in_either_spelling(void **state)
{
	static const char *const spellings[] = {"hwConfig", "hwconfig"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		owned_arena struct arena *arena = new_arena();
		const char *members = arena_format(
			arena,
			"\"vm\": {\"hypervisor\": {\"path\": \"/h\", \"parameters\": [\"a\"]},"
			"\"kernel\": {\"path\": \"/k\", \"parameters\": [\"b\", \"c\"],"
			"\"initrd\": \"/i\"}, \"image\": {\"path\": \"/r\", \"format\": \"qcow2\"},"
			"\"%s\": {\"deviceTree\": \"/d\", \"vcpus\": 2, \"memory\": 134217728,"
			"\"dtdevs\": [\"x\"], \"iomems\": [{\"firstMFN\": 1, \"nrMFNs\": 2}],"
			"\"irqs\": [5]}}",
			spellings[i]);
		const struct spec_vm *vm = &read_spec(arena, members)->vm;

		assert_true(vm->set);
		assert_string_equal(vm->hypervisor_path, "/h");
		texts_are(&vm->hypervisor_parameters, "a");
		assert_string_equal(vm->kernel_path, "/k");
		texts_are(&vm->kernel_parameters, "b c");
		assert_string_equal(vm->kernel_initrd, "/i");
		assert_string_equal(vm->image_path, "/r");
		assert_string_equal(vm->image_format, "qcow2");
		assert_string_equal(vm->device_tree, "/d");
		assert_true(vm->vcpus.set && vm->vcpus.value == 2);
		assert_true(vm->memory_bytes.set && vm->memory_bytes.value == 128 << 20);
		texts_are(&vm->dtdevs, "x");
		assert_true(vm->iomems.set && vm->irqs.set);
	}
}

static void a_machine_needs_only_a_kernel(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_vm *vm =
		&read_spec(arena, "\"vm\": {\"kernel\": {\"path\": \"/k\"},"
	                          "\"hwConfig\": {\"iomems\": [], \"irqs\": null}}")
			 ->vm;

	(void)state;
	assert_true(vm->set && !vm->vcpus.set && !vm->memory_bytes.set);
	assert_true(!vm->iomems.set && !vm->irqs.set);
	assert_null(vm->hypervisor_path);
	assert_null(vm->image_path);
	assert_false(read_spec(arena, "")->vm.set);
}

static void what_is_written_empty_is_not_there(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec_vm *vm =
		&read_spec(arena, "\"vm\": {\"kernel\": {\"path\": \"/k\"},"
	                          "\"hypervisor\": {\"path\": \"\"},"
	                          "\"image\": {\"path\": \"\", \"format\": \"\"}}")
			 ->vm;

	(void)state;
	assert_true(vm->set);
	assert_null(vm->hypervisor_path);
	assert_null(vm->image_path);
}

static void a_machine_that_is_unclear_is_refused(void **state)
{
	static const struct refusal cases[] = {
		{"\"vm\": {}",								   "vm.kernel",        "is required"                    },
		{"\"vm\": {\"kernel\": {}}",						     "vm.kernel.path",   "is required"                    },
		{"\"vm\": {\"kernel\": {\"path\": \"/k\", \"initrd\": \"i\"}}",                  "vm.kernel.initrd",
	         "expected an absolute path, found 'i'"											       },
		{"\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {}, \"hwconfig\": {}}",
	         "vm.hwconfig",										      "is there twice: as hwConfig too"},
		{"\"vm\": {\"kernel\": {\"path\": \"/k\"}, \"hwConfig\": {\"memory\": 0}}",
	         "vm.hwConfig.memory",									       "expected a whole number from 1" },
	};

	(void)state;
	refused(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_is_read_in_either_spelling),
		cmocka_unit_test(a_machine_needs_only_a_kernel),
		cmocka_unit_test(what_is_written_empty_is_not_there),
		cmocka_unit_test(a_machine_that_is_unclear_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
