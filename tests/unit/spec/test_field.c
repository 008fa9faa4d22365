/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/field.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/spec/reading.h"

/* A struct with one member of each kind, and a table for it. */
struct item {
	const char *key;
	uint32_t number;
};

struct every {
	bool set;
	const char *text;
	char letter;
	bool truth;
	struct maybe_bool maybe_truth;
	uint32_t u32;
	uint64_t u64;
	int32_t i32;
	int64_t i64;
	struct maybe_u64 maybe_u64;
	struct maybe_i64 maybe_i64;
	LIST(struct item) list;
	LIST(struct item) map;
	LIST(struct key_value) texts;
	int other;
};

static const struct word letters[] = {
	{"one", '1'},
	{"two", '2'},
};

static int read_other(const struct json *value, struct arena *arena, void *at, struct error *err)
{
	(void)arena;
	(void)err;
	*(int *)at = (int)value->count + 1;
	return 0;
}

static int check_item(const struct json *value, void *at, struct error *err)
{
	const struct item *item = at;

	return item->number == 13 ? json_fail(err, value, "13") : 0;
}

static const struct field item_members[] = {
	{"number", &field_u32, offsetof(struct item, number), REQUIRED},
};

static const struct field_type item = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct item),
	FIELD_MEMBERS(item_members),
	.check = check_item,
};
static const struct field_type list = {.kind = FIELD_LIST, .element = &item, .fewest = 1};
static const struct field_type map = {.kind = FIELD_MAP,
                                      .element = &item,
                                      .size = sizeof(struct item)};
static const struct field_type letter = {.kind = FIELD_LETTER, FIELD_WORDS(letters)};
static const struct field_type i32 = {.kind = FIELD_I32};
static const struct field_type other = {.kind = FIELD_OTHER, .read = read_other};

#define AT(member) offsetof(struct every, member)

static const struct field members[] = {
	{"text",        &field_text,       AT(text),        OPTIONAL},
	{"letter",      &letter,           AT(letter),      OPTIONAL},
	{"truth",       &field_bool,       AT(truth),       OPTIONAL},
	{"maybe_truth", &field_maybe_bool, AT(maybe_truth), OPTIONAL},
	{"u32",         &field_u32,        AT(u32),         OPTIONAL},
	{"u64",         &field_u64,        AT(u64),         OPTIONAL},
	{"i32",         &i32,              AT(i32),         OPTIONAL},
	{"i64",         &field_i64,        AT(i64),         OPTIONAL},
	{"maybe_u64",   &field_maybe_u64,  AT(maybe_u64),   OPTIONAL},
	{"maybe_i64",   &field_maybe_i64,  AT(maybe_i64),   OPTIONAL},
	{"list",        &list,             AT(list),        OPTIONAL},
	{"map",         &map,              AT(map),         OPTIONAL},
	{"texts",       &field_text_map,   AT(texts),       OPTIONAL},
	{"other",       &other,            AT(other),       OPTIONAL},
};

static const struct field_type every = {
	.kind = FIELD_OBJECT,
	.size = sizeof(struct every),
	.marks = true,
	FIELD_MEMBERS(members),
};

static const struct every *read_every(const char *text, struct arena *arena, struct error *err)
{
	const struct json *top = NULL;

	read_well(json_read("c", text, strlen(text), arena, &top, err), err);
	return field_read_document("c", &every, top, arena, err);
}

static const struct every *read_good(const char *text, struct arena *arena)
{
	struct error err = {0};
	const struct every *got = read_every(text, arena, &err);

	read_well(got ? 0 : -1, &err);
	return got;
}

static void each_kind_is_read_into_its_place(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct every *got;

	(void)state;
	got = read_good("{\"text\": \"t\", \"letter\": \"two\", \"truth\": true,"
	                " \"maybe_truth\": false, \"u32\": 4294967295,"
	                " \"u64\": 18446744073709551615, \"i32\": -2147483648,"
	                " \"i64\": -9223372036854775808, \"maybe_u64\": 0,"
	                " \"maybe_i64\": -1e2, \"list\": [{\"number\": 3},"
	                " {\"x\": [], \"number\": 4}], \"map\": {\"a\": {\"number\": 5}},"
	                " \"texts\": {\"k\": \"v\", \"l\": \"\"}, \"other\": [1, 2]}",
	                arena);
	assert_true(got->set);
	assert_string_equal(got->text, "t");
	assert_int_equal(got->letter, '2');
	assert_true(got->truth);
	assert_true(got->maybe_truth.set && !got->maybe_truth.value);
	assert_true(got->u32 == UINT32_MAX && got->u64 == UINT64_MAX);
	assert_true(got->i32 == INT32_MIN && got->i64 == INT64_MIN);
	assert_true(got->maybe_u64.set && got->maybe_u64.value == 0);
	assert_true(got->maybe_i64.set && got->maybe_i64.value == -100);
	assert_int_equal(got->list.count, 2);
	assert_int_equal(got->list.item[0].number, 3);
	assert_int_equal(got->list.item[1].number, 4);
	assert_int_equal(got->map.count, 1);
	assert_string_equal(got->map.item[0].key, "a");
	assert_int_equal(got->map.item[0].number, 5);
	assert_int_equal(got->texts.count, 2);
	assert_string_equal(got->texts.item[0].key, "k");
	assert_string_equal(got->texts.item[0].value, "v");
	assert_string_equal(got->texts.item[1].value, "");
	assert_int_equal(got->other, 3);
}

static void null_counts_as_absent_and_the_unknown_is_left_alone(void **state)
{
	owned_arena struct arena *arena = new_arena();
	const struct every *got;

	(void)state;
	got = read_good("{\"text\": null, \"letter\": null, \"u32\": null, \"list\": null,"
	                " \"map\": null, \"other\": null, \"maybe_u64\": null, \"new\": {},"
	                " \"Text\": 5}",
	                arena);
	assert_true(got->set);
	assert_null(got->text);
	assert_int_equal(got->letter, 0);
	assert_int_equal(got->u32, 0);
	assert_true(!got->maybe_u64.set && !got->list.item && got->list.count == 0);
	assert_true(got->map.count == 0 && got->other == 0);
}

static void a_refusal_says_where_and_what_would_be_right(void **state)
{
	static const struct refusal cases[] = {
		{"[]",							 "c",                   "expected an object, found an array"        },
		{"{\"text\": 1}",					      "text",                "expected a string, found a number"         },
		{"{\"letter\": \"three\"}",                                    "letter",              "expected one or two, found 'three'"        },
		{"{\"letter\": \"\"}",					 "letter",              "expected one or two, found an empty string"},
		{"{\"letter\": \"a\\u001b[1m\\u009b\"}",                       "letter",              "found 'a?[1m\?\?'"                         },
		{"{\"letter\": \"0123456789012345678901234567890123456789\"}", "letter",
	         "found '012345678901234567890123456789012345...'"										},
		{"{\"truth\": 0}",					     "truth",               "expected a boolean, found a number"        },
		{"{\"u32\": 4294967296}",                                      "u32",
	         "expected a whole number from 0 to 4294967295, found 4294967296"                                                                 },
		{"{\"u64\": -1}",					      "u64",                 "from 0 to 18446744073709551615, found -1"  },
		{"{\"u64\": 0.5}",					     "u64",                 "expected a whole number"                   },
		{"{\"i32\": 2147483648}",                                      "i32",                 "from -2147483648 to 2147483647"            },
		{"{\"i64\": 9223372036854775808}",                             "i64",
	         "from -9223372036854775808 to 9223372036854775807"									       },
		{"{\"list\": []}",					     "list",                "expected at least 1 of them, found 0"      },
		{"{\"list\": [{\"number\": 1}, {}]}",                          "list[1].number",      "is required"                               },
		{"{\"list\": [{\"number\": null}]}",                           "list[0].number",      "is required"                               },
		{"{\"list\": [null]}",					 "list[0]",             "expected an object, found null"            },
		{"{\"list\": [{\"number\": 13}]}",                             "list[0]",             "13"                                        },
		{"{\"map\": {\"a b\": {\"number\": true}}}",                   "map[\"a b\"].number",
	         "expected a number, found a boolean"											     },
		{"{\"map\": {\"\": {\"number\": 1}}}",                         "map[\"\"]",           "a key that is a text"                      },
		{"{\"texts\": {\"a\": null}}",                                 "texts.a",             "expected a string, found null"             },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		owned_arena struct arena *arena = new_arena();
		struct error err = {0};

		assert_null(read_every(cases[i].members, arena, &err));
		refused_as(&err, cases[i].object, cases[i].part);
	}
}

static void texts_are_judged_as_their_names_say(void **state)
{
	static const struct {
		const char *(*wrong)(const char *text);
		const char *text;
		bool right;
	} cases[] = {
		{wrong_empty,     "x",            true },
		{wrong_empty,     "",             false},
		{wrong_path,      "/",            true },
		{wrong_path,      "a/b",          false},
		{wrong_path,      "",             false},
		{wrong_file_name, "memory.max",   true },
		{wrong_file_name, "",             false},
		{wrong_file_name, "..",           false},
		{wrong_file_name, ".",            false},
		{wrong_file_name, "a/b",          false},
		{wrong_file_name, "...",          true },
		{wrong_variable,  "A=",           true },
		{wrong_variable,  "A=b=c",        true },
		{wrong_variable,  "A",            false},
		{wrong_variable,  "=b",           false},
		{wrong_variable,  "",             false},
		{wrong_list,      "",             true },
		{wrong_list,      "0",            true },
		{wrong_list,      "0-3,7, 9 - 1", false},
		{wrong_list,      "0-3, 7 ,9",    true },
		{wrong_list,      "0-",           false},
		{wrong_list,      "-1",           false},
		{wrong_list,      "1 2",          false},
		{wrong_list,      ",",            false},
		{wrong_list,      "all",          false},
		{wrong_list,      "1;2",          false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if ((cases[i].wrong(cases[i].text) == NULL) != cases[i].right)
			FAIL("row %zu: '%s'", i, cases[i].text);
}

static void memory_that_ends_is_an_error_and_no_half_result(void **state)
{
	static const char text[] = "{\"list\": [{\"number\": 1}, {\"number\": 2}], "
				   "\"map\": {\"a\": {\"number\": 3}}}";
	bool read = false;

	(void)state;
	for (size_t limit = 1; !read; limit += 8) {
		owned_arena struct arena *arena = arena_new(limit);
		const struct json *top = NULL;
		const struct every *got = NULL;
		struct error err = {0};

		assert_true(limit < 1 << 16);
		if (json_read("c", text, strlen(text), arena, &top, &err) == 0)
			got = field_read_document("c", &every, top, arena, &err);
		read = got != NULL;
		if (!read)
			assert_true(*err.reason);
		else
			assert_true(got->list.item[1].number == 2 && got->map.item[0].number == 3);
	}
}

static void a_table_without_a_size_is_found(void **state)
{
	static const struct field_type sizeless = {.kind = FIELD_OBJECT};
	static const struct field_type sizeless_list = {.kind = FIELD_LIST, .element = &sizeless};
	owned_arena struct arena *arena = new_arena();
	const struct json *top = NULL;
	struct error err = {0};
	text_list at = {0};

	(void)state;
	read_well(json_read("c", "[{}]", 4, arena, &top, &err), &err);
	assert_int_equal(field_read(&sizeless_list, top, arena, &at, &err), -1);
	assert_string_equal(err.reason, "a table of the reader has no size");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_read_into_its_place),
		cmocka_unit_test(null_counts_as_absent_and_the_unknown_is_left_alone),
		cmocka_unit_test(a_refusal_says_where_and_what_would_be_right),
		cmocka_unit_test(texts_are_judged_as_their_names_say),
		cmocka_unit_test(memory_that_ends_is_an_error_and_no_half_result),
		cmocka_unit_test(a_table_without_a_size_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
