/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/json_read.h"
#include "base/json_write.h"
#include "tests/unit/cmocka.h"

static void one_line_has_commas_and_no_spaces(void **state)
{
	static const char *const words[] = {"a", NULL, "c"};
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};

	(void)state;
	json_open(&w, NULL, '{');
	json_text(&w, "id", "web");
	json_text(&w, "none", NULL);
	json_i64(&w, "least", INT64_MIN);
	json_u64(&w, "most", UINT64_MAX);
	json_bool(&w, "yes", true);
	json_texts(&w, "words", words, 3);
	json_texts(&w, "nothing", NULL, 0);
	json_open(&w, "in", '{');
	json_close(&w);
	json_raw(&w, "raw", "[1,2]");
	json_close(&w);
	assert_string_equal(
		out.bytes,
		"{\"id\":\"web\",\"none\":null,\"least\":-9223372036854775808,"
		"\"most\":18446744073709551615,\"yes\":true,\"words\":[\"a\",null,\"c\"],"
		"\"nothing\":[],\"in\":{},\"raw\":[1,2]}");
}

static void indented_text_has_a_line_for_each_value(void **state)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out, .indent = 2};

	(void)state;
	json_open(&w, NULL, '{');
	json_open(&w, "list", '[');
	json_i64(&w, NULL, 1);
	json_open(&w, NULL, '{');
	json_bool(&w, "a", false);
	json_close(&w);
	json_close(&w);
	json_open(&w, "empty", '[');
	json_close(&w);
	json_close(&w);
	assert_string_equal(out.bytes,
	                    "{\n  \"list\": [\n    1,\n    {\n      \"a\": false\n    }\n  ],\n"
	                    "  \"empty\": []\n}");
}

static void texts_and_names_are_escaped(void **state)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};

	(void)state;
	json_open(&w, NULL, '{');
	json_text(&w, "q\"", "\"\\\b\f\n\r\t\x01\x1f/\x7f\xc2\x9b\xc2\xa0\xc3\xbc");
	json_close(&w);
	assert_string_equal(out.bytes, "{\"q\\\"\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/"
	                               "\\u007f\\u009b\xc2\xa0\xc3\xbc\"}");
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};

	(void)state;
	json_text(&w, NULL,
	          "a\xff"
	          "b\xc3");
	assert_string_equal(out.bytes, "\"a\xef\xbf\xbd"
	                               "b\xef\xbf\xbd\"");
}

static void every_byte_comes_back_from_the_reader(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out, .indent = 4};
	const struct json *top = NULL;
	struct error err = {0};
	char text[128];

	(void)state;
	for (int i = 1; i < 128; i++)
		text[i - 1] = (char)i;
	text[127] = '\0';
	json_open(&w, NULL, '{');
	json_text(&w, text, text);
	json_close(&w);
	assert_int_equal(json_read("back", out.bytes, out.length, arena, &top, &err), 0);
	assert_string_equal(json_member_text(top, text), text);
}

static void nesting_beyond_the_limit_and_a_bracket_too_many_fail(void **state)
{
	owned_text struct text deep = {0};
	owned_text struct text over = {0};
	struct json_writer w = {.out = &deep};
	struct json_writer v = {.out = &over};
	struct error err = {0};

	(void)state;
	for (int i = 0; i < 64; i++)
		json_open(&w, NULL, '[');
	assert_int_equal(text_check(&deep, &err), 0);
	json_open(&w, NULL, '[');
	assert_int_equal(text_check(&deep, &err), -1);
	json_close(&v);
	assert_int_equal(text_check(&over, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_has_commas_and_no_spaces),
		cmocka_unit_test(indented_text_has_a_line_for_each_value),
		cmocka_unit_test(texts_and_names_are_escaped),
		cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
		cmocka_unit_test(every_byte_comes_back_from_the_reader),
		cmocka_unit_test(nesting_beyond_the_limit_and_a_bracket_too_many_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
