/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

static void hooks_are_found_by_their_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOOK_POINTS; i++) {
		owned_arena struct arena *arena = new_arena();
		const char *members = arena_format(
			arena, "\"hooks\": {\"%s\": [{\"path\": \"/h\"}]}", hook_point_names[i]);
		const struct spec *spec = read_spec(arena, members);

		for (size_t j = 0; j < HOOK_POINTS; j++)
			assert_int_equal(spec->hooks[j].count, i == j);
		assert_string_equal(spec->hooks[i].item[0].path, "/h");
	}
}

static void a_hook_has_arguments_environment_and_time(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec *spec = read_spec(
		arena, "\"hooks\": {\"poststop\": [{\"path\": \"/a\"}, {\"path\": \"/b\","
		       "\"args\": [\"b\", \"\", \"-x\"], \"env\": [\"A=1\"], \"timeout\": 30}],"
		       "\"prestart\": null}");
	const hook_list *hooks = &spec->hooks[HOOK_POSTSTOP];

	(void)state;
	assert_int_equal(spec->hooks[HOOK_PRESTART].count, 0);
	assert_int_equal(hooks->count, 2);
	assert_int_equal(hooks->item[0].args.count, 0);
	assert_false(hooks->item[0].timeout.set);
	texts_are(&hooks->item[1].args, "b  -x");
	texts_are(&hooks->item[1].env, "A=1");
	assert_true(hooks->item[1].has_env);
	assert_true(hooks->item[1].timeout.set && hooks->item[1].timeout.value == 30);
}

static void no_environment_is_not_an_empty_one(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct spec *spec = read_spec(
		arena,
		"\"hooks\": {\"poststop\": [{\"path\": \"/a\"}, {\"path\": \"/a\", \"env\": null},"
		"{\"path\": \"/a\", \"env\": []}]}");
	const hook_list *hooks = &spec->hooks[HOOK_POSTSTOP];

	(void)state;
	assert_false(hooks->item[0].has_env);
	assert_false(hooks->item[1].has_env);
	assert_true(hooks->item[2].has_env);
	assert_int_equal(hooks->item[2].env.count, 0);
}

static void a_hook_that_could_not_run_is_refused(void **state)
{
	static const struct refusal cases[] = {
		{"\"hooks\": {\"prestart\": [{}]}",                                 "hooks.prestart[0].path", "is required"                                                   },
		{"\"hooks\": {\"prestart\": [{\"path\": \"\"}]}",                   "hooks.prestart[0].path",
	         "expected an absolute path, found an empty string"													   },
		{"\"hooks\": {\"prestart\": [{\"path\": \"/a\", \"timeout\": 0}]}",
	         "hooks.prestart[0].timeout",	                                                         "expected a whole number from 1 to 9223372036854775807, found 0"},
	};

	(void)state;
	refused(cases, ARRAY_SIZE(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_are_found_by_their_point),
		cmocka_unit_test(a_hook_has_arguments_environment_and_time),
		cmocka_unit_test(no_environment_is_not_an_empty_one),
		cmocka_unit_test(a_hook_that_could_not_run_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
