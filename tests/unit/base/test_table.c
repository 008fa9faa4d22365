/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "tests/unit/cmocka.h"

static const struct word colours[] = {
	{"red",   1 },
	{"green", 2 },
	{"verde", 2 },
	{"blue",  -3}
};

static void words_are_found_exactly_as_written(void **state)
{
	int64_t value = 42;

	(void)state;
	assert_true(table_value(colours, ARRAY_SIZE(colours), "blue", &value));
	assert_int_equal(value, -3);
	value = 42;
	assert_false(table_value(colours, ARRAY_SIZE(colours), "Blue", &value));
	assert_false(table_value(colours, ARRAY_SIZE(colours), "blu", &value));
	assert_false(table_value(colours, ARRAY_SIZE(colours), "", &value));
	assert_false(table_value(colours, 0, "red", &value));
	assert_int_equal(value, 42);
}

static void a_value_is_said_by_its_first_word(void **state)
{
	(void)state;
	assert_string_equal(table_word(colours, ARRAY_SIZE(colours), 2), "green");
	assert_null(table_word(colours, ARRAY_SIZE(colours), 9));
}

static void choices_read_like_a_sentence(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(table_choices(colours, 4, text, sizeof(text)),
	                    "red, green, verde or blue");
	assert_string_equal(table_choices(colours, 2, text, sizeof(text)), "red or green");
	assert_string_equal(table_choices(colours, 1, text, sizeof(text)), "red");
	assert_string_equal(table_choices(colours, 0, text, sizeof(text)), "");
}

static void choices_that_do_not_fit_end_in_dots(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(table_choices(colours, 4, text, 26), "red, green, verde or blue");
	assert_string_equal(table_choices(colours, 4, text, 25), "red, green, verde...");
	assert_string_equal(table_choices(colours, 4, text, 8), "red...");
	assert_string_equal(table_choices(colours, 4, text, 3), "..");
	assert_string_equal(table_choices(colours, 4, text, 1), "");
	for (size_t size = 1; size < 40; size++)
		assert_true(strlen(table_choices(colours, 4, text, size)) < size);
	text[0] = 'x';
	(void)table_choices(colours, 4, text, 0);
	assert_int_equal(text[0], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_exactly_as_written),
		cmocka_unit_test(a_value_is_said_by_its_first_word),
		cmocka_unit_test(choices_read_like_a_sentence),
		cmocka_unit_test(choices_that_do_not_fit_end_in_dots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
