/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/table.h"
#include "base/text.h"
#include "tests/unit/cmocka.h"

static void well_formed_characters_are_counted(void **state)
{
	static const char *const good[] = {"a",
	                                   "\x7f",
	                                   "\xc2\x80",
	                                   "\xdf\xbf",
	                                   "\xe0\xa0\x80",
	                                   "\xed\x9f\xbf",
	                                   "\xee\x80\x80",
	                                   "\xef\xbf\xbf",
	                                   "\xf0\x90\x80\x80",
	                                   "\xf4\x8f\xbf\xbf"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(text_utf8_step(good[i], strlen(good[i])), strlen(good[i]));
	assert_true(text_is_utf8("gr\xc3\xbc\xc3\x9f"
	                         "e",
	                         8));
	assert_true(text_is_utf8("", 0));
	assert_true(text_is_utf8("a\0b", 3));
}

/* clang-format 14 aligns these escapes with tabs and spaces at random */
/* clang-format off */
static const struct {
	const char *why;
	const char *bytes;
} bad[] = {
	{"a lone continuation",                   "\x80"},
	{"overlong '/'",                          "\xc0\xaf"},
	{"overlong in two",                       "\xc1\xbf"},
	{"overlong in three",                     "\xe0\x9f\xbf"},
	{"overlong in four",                      "\xf0\x8f\xbf\xbf"},
	{"the first surrogate",                   "\xed\xa0\x80"},
	{"the last surrogate",                    "\xed\xbf\xbf"},
	{"above U+10FFFF",                        "\xf4\x90\x80\x80"},
	{"a five-byte form",                      "\xf8\x88\x80\x80\x80"},
	{"never in UTF-8",                        "\xff"},
	{"cut after one of two",                  "\xc3"},
	{"cut after two of three",                "\xe2\x82"},
	{"cut after three of four",               "\xf0\x9f\x98"},
	{"a letter where a continuation belongs", "\xe2\x82z"},
};
/* clang-format on */

static void ill_formed_bytes_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (text_is_utf8(bad[i].bytes, strlen(bad[i].bytes)))
			print_error("taken for UTF-8: %s\n", bad[i].why);
		assert_false(text_is_utf8(bad[i].bytes, strlen(bad[i].bytes)));
	}
}

static void nothing_behind_the_length_is_looked_at(void **state)
{
	(void)state;
	assert_int_equal(text_utf8_step("\xc3\xbc", 1), 0);
	assert_int_equal(text_utf8_step("a", 0), 0);
	assert_true(text_is_utf8("a\xff", 1));
}

static void what_a_terminal_obeys_is_not_printed(void **state)
{
	char text[] = "a\t\033[m\x7f\xc2\x9b"
		      "1m\xc2\xa0\xc3\xbc\xff\xc3";

	(void)state;
	assert_int_equal(text_printable_step("\xc2\x9f", 2), 0);
	assert_int_equal(text_printable_step("\xc2\xa0", 2), 2);
	assert_int_equal(text_printable_step("~", 1), 1);
	text_make_printable(text);
	assert_string_equal(text, "a??[m???1m\xc2\xa0\xc3\xbc??");
}

static void beginnings_and_ends_are_told(void **state)
{
	(void)state;
	assert_true(text_begins("cgroup.procs", "cgroup."));
	assert_true(text_begins("a", ""));
	assert_false(text_begins("cg", "cgroup."));
	assert_true(text_ends("web.scope", ".scope"));
	assert_true(text_ends("a", ""));
	assert_false(text_ends("scope", ".scope"));
	assert_false(text_ends("web.scopes", ".scope"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_characters_are_counted),
		cmocka_unit_test(ill_formed_bytes_are_refused),
		cmocka_unit_test(nothing_behind_the_length_is_looked_at),
		cmocka_unit_test(what_a_terminal_obeys_is_not_printed),
		cmocka_unit_test(beginnings_and_ends_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
