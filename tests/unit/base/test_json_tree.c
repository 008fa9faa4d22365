/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/json_read.h"
#include "base/table.h"
#include "tests/unit/cmocka.h"

static const struct json *read_text(struct arena *arena, const char *text)
{
	const struct json *top = NULL;
	struct error err = {0};

	assert_int_equal(json_read("test", text, strlen(text), arena, &top, &err), 0);
	return top;
}

static void members_are_found_by_name(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct json *top = read_text(arena, "{\"id\": \"web\", \"pid\": 7, \"l\": [1]}");

	(void)state;
	assert_int_equal(json_member(top, "pid")->type, JSON_NUMBER);
	assert_null(json_member(top, "Pid"));
	assert_null(json_member(NULL, "pid"));
	assert_null(json_member(json_member(top, "l"), "pid"));
	assert_null(json_member(json_member(top, "pid"), "pid"));
	assert_string_equal(json_member_text(top, "id"), "web");
	assert_null(json_member_text(top, "pid"));
	assert_null(json_member_text(top, "none"));
	assert_null(json_member_text(NULL, "id"));
}

static void a_path_names_a_value_from_the_top(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct json *top = read_text(
		arena,
		"{\"linux\": {\"namespaces\": [1, 2, {\"path\": []}]}, \"a b\": {\"c-d_9\": 1},"
		"\"\": [[1]], \"q\\\"\\\\\\n\": 1}");
	const struct json *namespaces = json_member(json_member(top, "linux"), "namespaces");
	char path[64];

	(void)state;
	assert_string_equal(json_path(top, path, sizeof(path)), "");
	assert_string_equal(json_path(NULL, path, sizeof(path)), "");
	assert_string_equal(json_path(namespaces->first->next, path, sizeof(path)),
	                    "linux.namespaces[1]");
	assert_string_equal(
		json_path(json_member(namespaces->first->next->next, "path"), path, sizeof(path)),
		"linux.namespaces[2].path");
	assert_string_equal(
		json_path(json_member(json_member(top, "a b"), "c-d_9"), path, sizeof(path)),
		"[\"a b\"].c-d_9");
	assert_string_equal(json_path(json_member(top, "")->first->first, path, sizeof(path)),
	                    "[\"\"][0][0]");
	assert_string_equal(json_path(json_member(top, "q\"\\\n"), path, sizeof(path)),
	                    "[\"q\\\"\\\\?\"]");
}

static void a_path_that_is_too_long_loses_its_middle(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct json *value =
		read_text(arena, "{\"first\": {\"middle\": {\"last\": 1}}}")->first->first->first;
	char path[64] = "untouched";

	(void)state;
	assert_string_equal(json_path(value, path, 18), "first.middle.last");
	(void)json_path(value, path, 17);
	assert_int_equal(strlen(path), 16);
	assert_memory_equal(path, "first.", 6);
	assert_string_equal(path + 9, "le.last");
	for (size_t size = 1; size < 30; size++) {
		memset(path, 'x', sizeof(path));
		assert_true(strlen(json_path(value, path, size)) < size);
		assert_int_equal(path[size], 'x');
	}
	path[0] = 'x';
	(void)json_path(value, path, 0);
	assert_int_equal(path[0], 'x');
}

static void every_type_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(json_type_name(JSON_NULL), "null");
	assert_string_equal(json_type_name(JSON_BOOL), "a boolean");
	assert_string_equal(json_type_name(JSON_NUMBER), "a number");
	assert_string_equal(json_type_name(JSON_STRING), "a string");
	assert_string_equal(json_type_name(JSON_ARRAY), "an array");
	assert_string_equal(json_type_name(JSON_OBJECT), "an object");
}

static void integers_are_exact_however_they_are_written(void **state)
{
	/* clang-format off */
	static const struct {
		int64_t number;
		const char *text;
	} good[] = {
		{0,         "0"},
		{0,         "-0"},
		{0,         "0.000"},
		{0,         "0e999999999999999999999"},
		{0,         "-0.0e-7"},
		{1,         "1"},
		{-1,        "-1"},
		{1,         "1.0"},
		{1000,      "1e3"},
		{1000,      "1E+3"},
		{15,        "1.5e1"},
		{15,        "150e-1"},
		{15,        "15000.00e-3"},
		{15,        "0.00015e5"},
		{1000,      "1000000000000000000000e-18"},
		{100,       "100"},
		{1205,      "120.50e1"},
		{INT64_MAX, "9223372036854775807"},
		{INT64_MIN, "-9223372036854775808"},
		{INT64_MIN, "-922337203685477580.8e1"},
		{INT64_MAX, "9.223372036854775807e18"},
	};
	/* clang-format on */
	owned_arena struct arena *arena = arena_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t number = 42;

		if (!json_to_i64(read_text(arena, good[i].text), &number))
			print_error("refused: %s\n", good[i].text);
		assert_int_equal(number, good[i].number);
	}
}

static void what_is_no_integer_leaves_the_result_alone(void **state)
{
	static const char *const bad[] = {"1.5",
	                                  "1e-1",
	                                  "0.1",
	                                  "15e-2",
	                                  "18446744073709551616",
	                                  "1e20",
	                                  "1e999999999999999999999",
	                                  "1e-999999999999999999999",
	                                  "99999999999999999999999999999",
	                                  "-1e19",
	                                  "1.8446744073709551616e19",
	                                  "\"1\"",
	                                  "null",
	                                  "true",
	                                  "[]",
	                                  "{}"};
	owned_arena struct arena *arena = arena_new(1 << 20);
	uint64_t u64 = 42;
	int64_t i64 = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (json_to_i64(read_text(arena, bad[i]), &i64) ||
		    json_to_u64(read_text(arena, bad[i]), &u64))
			print_error("accepted: %s\n", bad[i]);
		assert_true(u64 == 42 && i64 == 42);
	}
	assert_false(json_to_i64(NULL, &i64));
	assert_false(json_to_u64(NULL, &u64));
	assert_false(json_to_u64(read_text(arena, "-1"), &u64));
	assert_false(json_to_i64(read_text(arena, "9223372036854775808"), &i64));
	assert_false(json_to_i64(read_text(arena, "-9223372036854775809"), &i64));
	assert_true(u64 == 42 && i64 == 42);
}

static void unsigned_integers_reach_to_their_limit(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	uint64_t number = 42;

	(void)state;
	assert_true(json_to_u64(read_text(arena, "18446744073709551615"), &number));
	assert_true(number == UINT64_MAX);
	assert_true(json_to_u64(read_text(arena, "1.8446744073709551615E19"), &number));
	assert_true(number == UINT64_MAX);
	assert_true(json_to_u64(read_text(arena, "-0"), &number));
	assert_true(number == 0);
}

static void a_number_of_a_million_digits_is_answered_at_once(void **state)
{
	owned_arena struct arena *arena = arena_new(64 << 20);
	char *text = arena_alloc(arena, 1000010, 1);
	uint64_t number = 42;

	(void)state;
	assert_non_null(text);
	memset(text, '0', 1000000);
	memcpy(text, "0.", 2);
	memcpy(text + 1000000, "7e999999", 9);
	assert_true(json_to_u64(read_text(arena, text), &number));
	assert_int_equal(number, 7);
}

static void a_failure_at_a_value_names_its_path(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	const struct json *top = read_text(arena, "{\"mounts\": [{\"source\": 1}]}");
	struct error err = {0};

	(void)state;
	assert_int_equal(json_fail(&err, top->first->first->first, "expected %s, found %s",
	                           json_type_name(JSON_STRING), json_type_name(JSON_NUMBER)),
	                 -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.object, "mounts[0].source");
	assert_string_equal(err.reason, "expected a string, found a number");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_by_name),
		cmocka_unit_test(a_path_names_a_value_from_the_top),
		cmocka_unit_test(a_path_that_is_too_long_loses_its_middle),
		cmocka_unit_test(every_type_has_a_name),
		cmocka_unit_test(integers_are_exact_however_they_are_written),
		cmocka_unit_test(what_is_no_integer_leaves_the_result_alone),
		cmocka_unit_test(unsigned_integers_reach_to_their_limit),
		cmocka_unit_test(a_number_of_a_million_digits_is_answered_at_once),
		cmocka_unit_test(a_failure_at_a_value_names_its_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
