/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "tests/unit/cmocka.h"

static void a_text_grows_with_what_is_appended(void **state)
{
	owned_text struct text text = {0};
	struct error err = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		text_format(&text, "%03d,", i);
	text_append(&text, "end");
	text_append_n(&text, "!?", 1);
	assert_int_equal(text_check(&text, &err), 0);
	assert_int_equal(text.length, 4004);
	assert_int_equal(strlen(text.bytes), 4004);
	assert_string_equal(text.bytes + 3996, "999,end!");
}

static void a_text_holds_its_limit_and_not_a_byte_more(void **state)
{
	owned_text struct text text = {.limit = 4};
	struct error err = {0};

	(void)state;
	text_append(&text, "1234");
	assert_int_equal(text_check(&text, &err), 0);
	text_append(&text, "5");
	assert_int_equal(text_check(&text, &err), -1);
	assert_string_equal(text.bytes, "1234");
	assert_non_null(strstr(err.reason, "larger than 4 bytes"));
}

static void a_text_that_could_not_grow_stays_failed(void **state)
{
	owned_text struct text text = {.limit = 4};
	struct error err = {0};

	(void)state;
	text_format(&text, "%d", 12345);
	text_append(&text, "1");
	assert_int_equal(text_check(&text, &err), -1);
	assert_null(text.bytes);
}

static void a_length_near_the_end_of_numbers_is_refused(void **state)
{
	owned_text struct text text = {.limit = SIZE_MAX - 1};

	(void)state;
	text_append(&text, "1");
	text.limit = 16;
	text_append_n(&text, "", SIZE_MAX);
	assert_true(text.failed);
}

static void appending_nothing_gives_an_empty_text(void **state)
{
	owned_text struct text text = {0};

	(void)state;
	text_append(&text, "");
	assert_string_equal(text.bytes, "");
	text_free(&text);
	assert_null(text.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_grows_with_what_is_appended),
		cmocka_unit_test(a_text_holds_its_limit_and_not_a_byte_more),
		cmocka_unit_test(a_text_that_could_not_grow_stays_failed),
		cmocka_unit_test(a_length_near_the_end_of_numbers_is_refused),
		cmocka_unit_test(appending_nothing_gives_an_empty_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
