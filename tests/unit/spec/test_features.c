/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "spec/spec.h"
#include "tests/unit/cmocka.h"

static const char *const words[] = {"one", "two"};

static const struct json *written(const struct features *features, struct text *out,
                                  struct arena *arena)
{
	struct json_writer w = {.out = out, .indent = 2};
	const struct json *top = NULL;
	struct error err;

	features_write(&w, features);
	assert_int_equal(text_check(out, &err), 0);
	assert_int_equal(json_read("features", out->bytes, out->length, arena, &top, &err), 0);
	return top;
}

static void assert_words(const struct json *object, const char *key)
{
	const struct json *array = json_member(object, key);

	assert_non_null(array);
	assert_int_equal(array->type, JSON_ARRAY);
	assert_int_equal(array->count, ARRAY_SIZE(words));
	assert_string_equal(array->first->text, "one");
	assert_string_equal(array->first->next->text, "two");
}

static void the_rooms_words_are_told(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	struct key_value note = {"org.example", "x"};
	struct features features = {
		.hooks = words,
		.hooks_count = 2,
		.mount_options = words,
		.mount_options_count = 2,
		.capabilities = words,
		.capabilities_count = 2,
		.seccomp_actions = words,
		.seccomp_actions_count = 2,
		.seccomp_operators = words,
		.seccomp_operators_count = 2,
		.seccomp_archs = words,
		.seccomp_archs_count = 2,
		.seccomp_known_flags = words,
		.seccomp_known_flags_count = 2,
		.seccomp_supported_flags = words,
		.seccomp_supported_flags_count = 2,
	};
	const struct json *top, *seccomp;

	(void)state;
	features.annotations.item = &note;
	features.annotations.count = 1;
	top = written(&features, &out, arena);
	seccomp = json_member(json_member(top, "linux"), "seccomp");
	assert_string_equal(json_member_text(top, "ociVersionMin"), "1.0.0");
	assert_string_equal(json_member_text(top, "ociVersionMax"), "1.3.0");
	assert_words(top, "hooks");
	assert_words(top, "mountOptions");
	assert_words(json_member(top, "linux"), "capabilities");
	assert_true(json_member(seccomp, "enabled")->truth);
	assert_words(seccomp, "actions");
	assert_words(seccomp, "operators");
	assert_words(seccomp, "archs");
	assert_words(seccomp, "knownFlags");
	assert_words(seccomp, "supportedFlags");
	assert_string_equal(json_member_text(json_member(top, "annotations"), "org.example"), "x");
}

static void every_namespace_of_the_specification_is_told(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	const struct features none = {0};
	const struct json *item =
		json_member(json_member(written(&none, &out, arena), "linux"), "namespaces");

	(void)state;
	assert_int_equal(item->count, NAMESPACE_TYPES);
	item = item->first;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++, item = item->next)
		assert_string_equal(item->text, namespace_names[i]);
}

static void what_this_build_has_not_is_told_to_be_off(void **state)
{
	static const char *const off[] = {"seccomp", "apparmor", "selinux", "intelRdt",
	                                  "netDevices"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	const struct features none = {0};
	const struct json *top = written(&none, &out, arena);
	const struct json *linux_object = json_member(top, "linux");
	const struct json *cgroup = json_member(linux_object, "cgroup");
	const struct json *idmap =
		json_member(json_member(linux_object, "mountExtensions"), "idmap");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(off); i++)
		assert_false(json_member(json_member(linux_object, off[i]), "enabled")->truth);
	assert_true(json_member(idmap, "enabled")->truth);
	assert_true(json_member(cgroup, "v2")->truth);
	assert_false(json_member(cgroup, "v1")->truth);
	assert_true(json_member(cgroup, "systemd")->truth);
	assert_true(json_member(cgroup, "systemdUser")->truth);
	assert_true(json_member(cgroup, "rdma")->truth);
}

static void nothing_known_is_an_empty_list(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	const struct features none = {0};
	const struct json *top = written(&none, &out, arena);

	(void)state;
	/* null would mean that nobody knows */
	assert_int_equal(json_member(top, "hooks")->type, JSON_ARRAY);
	assert_int_equal(json_member(top, "mountOptions")->type, JSON_ARRAY);
	assert_int_equal(json_member(top, "annotations")->type, JSON_OBJECT);
}

static void our_annotations_are_told_to_change_what_happens(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	const struct features none = {0};
	const struct json *list =
		json_member(written(&none, &out, arena), "potentiallyUnsafeConfigAnnotations");

	(void)state;
	assert_int_equal(list->count, 5);
	assert_string_equal(list->first->text, "krun.");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rooms_words_are_told),
		cmocka_unit_test(every_namespace_of_the_specification_is_told),
		cmocka_unit_test(what_this_build_has_not_is_told_to_be_off),
		cmocka_unit_test(nothing_known_is_an_empty_list),
		cmocka_unit_test(our_annotations_are_told_to_change_what_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
