/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "base/table.h"
#include "base/text.h"
#include "tests/unit/cmocka.h"

/* Read a text, into an arena of 64 MiB. */
static int read_text(const char *text, struct arena *arena, const struct json **ret_top,
                     struct error *err)
{
	return json_read("c", text, strlen(text), arena, ret_top, err);
}

static struct arena *new_arena(void)
{
	struct arena *arena = arena_new(64 << 20);

	assert_non_null(arena);
	return arena;
}

static void a_document_becomes_a_tree(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct json *top = NULL;
	struct error err = {0};
	const struct json *at;

	(void)state;
	assert_int_equal(
		read_text(" {\"a\": [null, true, -1.5e3, \"x\\ny\"], \"b\": {}, \"\": []} ", arena,
	                  &top, &err),
		0);
	assert_int_equal(top->type, JSON_OBJECT);
	assert_int_equal(top->count, 3);
	assert_null(top->parent);
	assert_null(top->key);
	at = top->first;
	assert_string_equal(at->key, "a");
	assert_int_equal(at->type, JSON_ARRAY);
	assert_int_equal(at->count, 4);
	assert_ptr_equal(at->parent, top);
	at = at->first;
	assert_int_equal(at->type, JSON_NULL);
	assert_null(at->key);
	at = at->next;
	assert_true(at->type == JSON_BOOL && at->truth && at->index == 1);
	at = at->next;
	assert_int_equal(at->type, JSON_NUMBER);
	assert_string_equal(at->text, "-1.5e3");
	at = at->next;
	assert_int_equal(at->type, JSON_STRING);
	assert_string_equal(at->text, "x\ny");
	assert_null(at->next);
	at = top->first->next;
	assert_true(at->type == JSON_OBJECT && at->count == 0 && !at->first && at->index == 1);
	assert_string_equal(at->next->key, "");
}

static void any_value_may_stand_at_the_top(void **state)
{
	static const struct {
		const char *text;
		enum json_type type;
	} tops[] = {
		{"null",     JSON_NULL  },
                {"false",    JSON_BOOL  },
                {"0",        JSON_NUMBER},
		{"-0.0E+5",  JSON_NUMBER},
                {"\"\"",     JSON_STRING},
                {"[]",       JSON_ARRAY },
		{"\t\r\n{}", JSON_OBJECT},
	};
	owned_arena struct arena *arena = new_arena();
	const struct json *top = NULL;
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		assert_int_equal(read_text(tops[i].text, arena, &top, &err), 0);
		assert_int_equal(top->type, tops[i].type);
	}
}

static void escapes_are_undone(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct json *top = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(read_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc\\u20AC\\ud83d\\ude00\"",
	                           arena, &top, &err),
	                 0);
	assert_string_equal(top->text, "\"\\/\b\f\n\r\t\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
}

/* clang-format 14 aligns these escapes with tabs and spaces at random */
/* clang-format off */
static const struct {
	const char *text;
	const char *object;
	const char *reason; /* its beginning */
} bad[] = {
	{"",                                        "c",      "is empty"},
	{" \r\n\t ",                                "c",      "is empty"},
	{"{",                                       "c:1",    "parse error: premature EOF"},
	{"{\"a\":\n\n[",                            "c:3",    "parse error: premature EOF"},
	{"\"open",                                  "c:1",    "parse error: premature EOF"},
	{"{}x",                                     "c:1",    "parse error: trailing garbage"},
	{"{}\n{}",                                  "c:2",    "parse error: trailing garbage"},
	{"1 2",                                     "c:1",    "parse error: trailing garbage"},
	{"{}}",                                     "c:1",    "parse error: trailing garbage"},
	{"{\n\"a\": 1,\n}",                         "c:3",    "parse error"},
	{"[1,]",                                    "c:1",    "parse error"},
	{"[1 2]",                                   "c:1",    "parse error"},
	{"{\"a\" 1}",                               "c:1",    "parse error"},
	{"{1: 2}",                                  "c:1",    "parse error"},
	{"{'a': 1}",                                "c:1",    "lexical error"},
	{"[01]",                                    "c:1",    "parse error"},
	{"[-]",                                     "c:1",    "lexical error"},
	{"[+1]",                                    "c:1",    "lexical error"},
	{"[1.]",                                    "c:1",    "lexical error"},
	{"[.5]",                                    "c:1",    "lexical error"},
	{"[1e]",                                    "c:1",    "lexical error"},
	{"[0x10]",                                  "c:1",    "lexical error"},
	{"[NaN]",                                   "c:1",    "lexical error"},
	{"[Infinity]",                              "c:1",    "lexical error"},
	{"[tru]",                                   "c:1",    "lexical error"},
	{"[True]",                                  "c:1",    "lexical error"},
	{"[\"a\nb\"]",                              "c:1",    "lexical error"},
	{"[\"\\x\"]",                               "c:1",    "lexical error"},
	{"[\"\\u12g4\"]",                           "c:1",    "lexical error"},
	{"// c\n{}",                                "c:1",    "lexical error"},
	{"/* c */ {}",                              "c:1",    "lexical error"},
	{"[1]\v",                                   "c:1",    "control character between values"},
	{"\f[1]",                                   "c:1",    "control character between values"},
	{"\xef\xbb\xbf{}",                          "c:1",    "begins with a byte order mark"},
	{"\n[\"\xc3\x28\"]",                        "c:2",    "is not UTF-8"},
	{"[\"\xc0\xaf\"]",                          "c:1",    "is not UTF-8"},
	{"[\"\xed\xa0\x80\"]",                      "c:1",    "is not UTF-8"},
	{"[\"\xff\"]",                              "c:1",    "is not UTF-8"},
	{"{\"\xff\": 1}",                           "c:1",    "is not UTF-8"},
	{"[\"\\ud800\"]",                           "c:1",    "half a surrogate pair"},
	{"[\"\\ud800\\n\"]",                        "c:1",    "half a surrogate pair"},
	{"[\"\\ud800\\ud800\"]",                    "c:1",    "half a surrogate pair"},
	{"[\"\\uDC00\"]",                           "c:1",    "half a surrogate pair"},
	{"[\"\\udfff\\ud800\"]",                    "c:1",    "half a surrogate pair"},
	{"{\"\\ud83d\": 1}",                        "c:1",    "half a surrogate pair"},
	{"[\"\\ud83d",                              "c:1",    "half a surrogate pair"},
	{"[\"\\ud8",                                "c:1",    "lexical error"},
	{"[\"a\\",                                  "c:1",    "lexical error"},
	{"[0, \"a\\u0000b\"]",                      "[1]",    "holds a NUL byte"},
	{"{\"m\": {\"a\\u0000\": 1}}",              "m",      "the name of a member"},
	{"\"a\\u0000b\"",                           "c",      "holds a NUL byte"},
	{"{\"a\\u0000\": 1}",                       "c",      "the name of a member"},
	{"{\"a\": {\"b\": 1, \"c\": 2, \"b\": 3}}", "a.b",    "is there twice"},
	{"{\"a\": 1, \"\\u0061\": 2}",              "a",      "is there twice"},
	{"{\"\": 1, \"\": 2}",                      "[\"\"]", "is there twice"},
};
/* clang-format on */

static void bad_documents_are_refused(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		owned_arena struct arena *arena = new_arena();
		const struct json *top = NULL;
		struct error err = {.kind = ERROR_SYSTEM};
		int result = read_text(bad[i].text, arena, &top, &err);

		if (result == -1 && !top && err.kind == ERROR_CONFIG &&
		    strcmp(err.object, bad[i].object) == 0 &&
		    strncmp(err.reason, bad[i].reason, strlen(bad[i].reason)) == 0)
			continue;
		print_error("%s gives %d, %s: %s\n", bad[i].text, result, err.object, err.reason);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void a_nul_byte_between_values_is_refused(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct json *top = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(json_read("c", "{}\0", 3, arena, &top, &err), -1);
	assert_int_equal(json_read("c", "\0\0", 2, arena, &top, &err), -1);
	assert_int_equal(json_read("c", "\"a\0b\"", 5, arena, &top, &err), -1);
	assert_null(top);
}

/* depth brackets of a kind around nothing. */
static int read_nested(size_t depth, const char *open, struct error *err)
{
	owned_arena struct arena *arena = new_arena();
	owned_text struct text text = {0};
	const struct json *top = NULL;

	for (size_t i = 0; i < depth; i++)
		text_append(&text, open);
	if (open[0] == '{')
		text_append(&text, "1");
	for (size_t i = 0; i < depth; i++)
		text_append(&text, open[0] == '{' ? "}" : "]");
	assert_int_equal(text_check(&text, err), 0);
	return json_read("c", text.bytes, text.length, arena, &top, err);
}

static void nesting_is_read_to_its_limit_and_not_deeper(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(read_nested(JSON_DEPTH_LIMIT, "[", &err), 0);
	assert_int_equal(read_nested(JSON_DEPTH_LIMIT, "{\"a\":", &err), 0);
	assert_int_equal(read_nested(JSON_DEPTH_LIMIT + 1, "[", &err), -1);
	assert_string_equal(err.reason, "nested deeper than 64 levels");
	assert_int_equal(read_nested(JSON_DEPTH_LIMIT + 1, "{\"a\":", &err), -1);
	assert_memory_equal(err.object, "a.a.a", 5);
	assert_int_equal(read_nested(100000, "[", &err), -1);
	assert_int_equal(read_nested(100000, "{\"a\":", &err), -1);
}

/* An object of count members; the one at `again` has the name of the first. */
static int read_members(size_t count, size_t again, struct error *err)
{
	owned_arena struct arena *arena = new_arena();
	owned_text struct text text = {0};
	const struct json *top = NULL;

	text_append(&text, "{\"k0\":0");
	for (size_t i = 1; i < count; i++)
		text_format(&text, ",\"k%zu\":%zu", i == again ? 0 : i, i);
	text_append(&text, "}");
	assert_int_equal(text_check(&text, err), 0);
	if (json_read("c", text.bytes, text.length, arena, &top, err) < 0)
		return -1;
	assert_int_equal(top->count, count);
	assert_string_equal(json_member(top, "k7")->text, "7");
	return 0;
}

static void a_name_that_is_there_twice_is_found_in_objects_of_any_size(void **state)
{
	static const size_t counts[] = {8, 16, 17, 18, 1000, 100000};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		assert_int_equal(read_members(counts[i], 0, &err), 0);
		assert_int_equal(read_members(counts[i], counts[i] - 1, &err), -1);
		assert_string_equal(err.object, "k0");
		assert_string_equal(err.reason, "is there twice");
	}
}

static void the_same_name_in_two_objects_is_fine(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct json *top = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(read_text("{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}", arena,
	                           &top, &err),
	                 0);
}

static void a_document_is_read_to_its_limit_and_not_larger(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct json *top = NULL;
	struct error err = {0};
	char *bytes = malloc(JSON_BYTES_LIMIT + 1);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, ' ', JSON_BYTES_LIMIT + 1);
	bytes[0] = '1';
	assert_int_equal(json_read("big", bytes, JSON_BYTES_LIMIT, arena, &top, &err), 0);
	assert_int_equal(json_read("big", bytes, JSON_BYTES_LIMIT + 1, arena, &top, &err), -1);
	assert_string_equal(err.object, "big");
	assert_string_equal(err.reason, "larger than 16777216 bytes");
	free(bytes);
}

static void a_tree_that_does_not_fit_its_arena_is_an_error(void **state)
{
	static const char text[] = "{\"a\": [1, true, null, \"text\", {}, []], \"b\": 7}";
	const struct json *top = NULL;
	struct error err = {0};
	size_t limit = 0;
	int result = -1;

	(void)state;
	for (; result < 0; limit += 8) {
		owned_arena struct arena *arena = arena_new(limit);

		memset(&err, 0, sizeof(err));
		result = read_text(text, arena, &top, &err);
		if (result < 0)
			assert_string_equal(err.object, "c: memory");
		assert_true(limit < 100000);
	}
	assert_true(limit > 500);
}

static void a_long_number_is_kept_as_it_was_written(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct json *top = NULL;
	struct error err = {0};
	char text[10001];

	(void)state;
	memset(text, '9', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(read_text(text, arena, &top, &err), 0);
	assert_string_equal(top->text, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_becomes_a_tree),
		cmocka_unit_test(any_value_may_stand_at_the_top),
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(bad_documents_are_refused),
		cmocka_unit_test(a_nul_byte_between_values_is_refused),
		cmocka_unit_test(nesting_is_read_to_its_limit_and_not_deeper),
		cmocka_unit_test(a_name_that_is_there_twice_is_found_in_objects_of_any_size),
		cmocka_unit_test(the_same_name_in_two_objects_is_fine),
		cmocka_unit_test(a_document_is_read_to_its_limit_and_not_larger),
		cmocka_unit_test(a_tree_that_does_not_fit_its_arena_is_an_error),
		cmocka_unit_test(a_long_number_is_kept_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
