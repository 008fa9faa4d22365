/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "tests/unit/cmocka.h"

static void a_failure_has_an_object_and_a_reason_and_returns_minus_one(void **state)
{
	struct error err = {.errnum = 7};

	(void)state;
	assert_int_equal(fail(&err, ERROR_CONFIG, "hostname", "longer than %d", 64), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(err.errnum, 0);
	assert_string_equal(err.object, "hostname");
	assert_string_equal(err.reason, "longer than 64");
}

static void a_failed_call_keeps_the_words_and_the_number_of_the_kernel(void **state)
{
	struct error err = {0};

	(void)state;
	errno = ENOENT;
	assert_int_equal(fail_errno(&err, "/a", "open"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.reason, "open: No such file or directory");
	errno = 4711;
	(void)fail_errno(&err, "/a", "open");
	assert_string_equal(err.reason, "open: unknown error");
}

static void a_long_object_loses_its_middle_and_never_the_reason(void **state)
{
	struct error err = {0};
	char name[1000];

	(void)state;
	memset(name, 'x', sizeof(name));
	memcpy(name, "first", 5);
	memcpy(name + sizeof(name) - 5, "last", 5);
	(void)fail(&err, ERROR_STATE, name, "why");
	assert_int_equal(strlen(err.object), sizeof(err.object) - 1);
	assert_memory_equal(err.object, "first", 5);
	assert_string_equal(err.object + sizeof(err.object) - 5, "last");
	assert_non_null(strstr(err.object, "x...x"));
	assert_string_equal(err.reason, "why");
}

static void each_floor_adds_what_it_was_doing(void **state)
{
	struct error err = {0};
	char name[1000];

	(void)state;
	(void)fail(&err, ERROR_SYSTEM, "pids.max", "write: Invalid argument");
	assert_int_equal(error_within(&err, "mounts[%d]", 3), -1);
	assert_string_equal(err.object, "mounts[3]: pids.max");
	memset(name, 'y', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	(void)error_within(&err, "%s", name);
	assert_int_equal(strlen(err.object), sizeof(err.object) - 1);
	assert_string_equal(err.object + sizeof(err.object) - 9, "pids.max");
}

static void an_empty_object_is_replaced_by_the_one_above(void **state)
{
	struct error err = {0};

	(void)state;
	(void)fail(&err, ERROR_SYSTEM, "", "why");
	(void)error_within(&err, "config.json");
	assert_string_equal(err.object, "config.json");
}

static void an_error_of_another_process_is_put_right(void **state)
{
	struct error hostile;
	struct error err;

	(void)state;
	memset(&hostile, 0xff, sizeof(hostile));
	(void)strcpy(hostile.object, "a\033[31m\n\xc2\x9b"
	                             "1m\x7f\xc3\xa9\xc3");
	error_import(&err, &hostile, sizeof(hostile));
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_string_equal(err.object, "a?[31m???1m?\xc3\xa9?");
	assert_true(text_is_utf8(err.reason, strlen(err.reason)));
	assert_int_equal(strlen(err.reason), sizeof(err.reason) - 1);
}

static void an_error_that_came_in_part_is_still_an_error(void **state)
{
	struct error sent = {.kind = ERROR_STATE, .object = "web", .reason = "why"};
	struct error err;

	(void)state;
	error_import(&err, &sent, offsetof(struct error, object) + 2);
	assert_int_equal(err.kind, ERROR_STATE);
	assert_string_equal(err.object, "we");
	assert_string_equal(err.reason, "");
	error_import(&err, &sent, 0);
	assert_string_equal(err.object, "");
}

static void what_is_shortened_is_still_text(void **state)
{
	static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\xb3"};
	char many[2048];
	struct error err;

	(void)state;
	for (size_t c = 0; c < 3; c++)
		for (size_t shift = 0; shift < 4; shift++) {
			size_t length = shift;

			memset(many, 'a', shift);
			while (length + 4 < sizeof(many))
				length += (size_t)sprintf(many + length, "%s", characters[c]);
			(void)fail(&err, ERROR_CONFIG, many, "%s", many);
			assert_true(text_is_utf8(err.object, strlen(err.object)));
			assert_true(text_is_utf8(err.reason, strlen(err.reason)));
			assert_true(strlen(err.reason) > sizeof(err.reason) - 5);
			(void)error_within(&err, "%s", many);
			assert_true(text_is_utf8(err.object, strlen(err.object)));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_has_an_object_and_a_reason_and_returns_minus_one),
		cmocka_unit_test(a_failed_call_keeps_the_words_and_the_number_of_the_kernel),
		cmocka_unit_test(a_long_object_loses_its_middle_and_never_the_reason),
		cmocka_unit_test(what_is_shortened_is_still_text),
		cmocka_unit_test(each_floor_adds_what_it_was_doing),
		cmocka_unit_test(an_empty_object_is_replaced_by_the_one_above),
		cmocka_unit_test(an_error_of_another_process_is_put_right),
		cmocka_unit_test(an_error_that_came_in_part_is_still_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
