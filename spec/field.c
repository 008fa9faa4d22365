/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "field.h"

_Static_assert(offsetof(struct key_value, key) == 0, "an entry of a map begins with its key");

/* What every list is, seen without its type. */
typedef LIST(char) any_list;

_Static_assert(sizeof(any_list) == sizeof(text_list), "all lists have one layout");

/* ---- refusing ---- */

enum { QUOTE_LENGTH = 40 }; /* most of a text or number that an error repeats */

/* A text as it may be shown on a terminal, cut between characters. */
static void quote(const char *text, char *quoted, size_t size)
{
	size_t length = strlen(text);
	size_t at = 0;
	size_t step;

	while (at < length && (step = text_utf8_step(text + at, length - at)) > 0 &&
	       at + step + sizeof("...") <= size) {
		memcpy(quoted + at, text + at, step);
		at += step;
	}
	memcpy(quoted + at, at < length ? "..." : "", at < length ? sizeof("...") : 1);
	text_make_printable(quoted);
}

int field_expected(struct error *err, const struct json *value, const char *right, ...)
{
	char expected[sizeof(err->reason)];
	char found[QUOTE_LENGTH];
	va_list args;

	va_start(args, right);
	(void)vsnprintf(expected, sizeof(expected), right, args);
	va_end(args);
	if (value->type == JSON_STRING && !*value->text)
		return json_fail(err, value, "expected %s, found an empty string", expected);
	if (value->type != JSON_STRING && value->type != JSON_NUMBER)
		return json_fail(err, value, "expected %s, found %s", expected,
		                 json_type_name(value->type));
	quote(value->text, found, sizeof(found));
	return json_fail(err, value,
	                 value->type == JSON_STRING ? "expected %s, found '%s'"
	                                            : "expected %s, found %s",
	                 expected, found);
}

int field_missing(struct error *err, const struct json *object, const char *name)
{
	return field_fail(err, object, name, "is required");
}

int field_fail(struct error *err, const struct json *object, const char *name, const char *why, ...)
{
	/* a member that stands there only to have its path written */
	struct json absent = {.key = name, .parent = object};
	char reason[sizeof(err->reason)];
	va_list args;

	va_start(args, why);
	(void)vsnprintf(reason, sizeof(reason), why, args);
	va_end(args);
	return json_fail(err, &absent, "%s", reason);
}

bool field_given(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member && member->type != JSON_NULL;
}

/* ---- texts ---- */

const char *wrong_empty(const char *text)
{
	return *text ? NULL : "a text that is not empty";
}

const char *wrong_path(const char *text)
{
	return *text == '/' ? NULL : "an absolute path";
}

const char *wrong_file_name(const char *text)
{
	if (*text && !strchr(text, '/') && strcmp(text, ".") != 0 && strcmp(text, "..") != 0)
		return NULL;
	return "a name without '/'";
}

const char *wrong_variable(const char *text)
{
	return *text != '=' && strchr(text, '=') ? NULL : "NAME=value";
}

const char *wrong_list(const char *text)
{
	static const char right[] = "a list of numbers and ranges such as 0-3,7";
	static const char digits[] = "0123456789";

	text += strspn(text, " ");
	while (*text) {
		size_t first = strspn(text, digits);

		text += first;
		if (first == 0)
			return right;
		if (*text == '-') {
			size_t last = strspn(text + 1, digits);

			if (last == 0)
				return right;
			text += 1 + last;
		}
		text += strspn(text, " ");
		if (*text && *text++ != ',')
			return right;
		text += strspn(text, " ");
	}
	return NULL;
}

static int read_text(const struct field_type *type, const struct json *value, struct arena *arena,
                     void *at, struct error *err)
{
	bool none = type->empty_is_none && !*value->text;
	const char *right = type->wrong && !none ? type->wrong(value->text) : NULL;
	char choices[sizeof(err->reason) - 80]; /* what was found must fit behind them */
	int64_t meaning = 0;

	(void)arena;
	if (none)
		return 0;
	if (right)
		return field_expected(err, value, "%s", right);
	if (type->words && !table_value(type->words, type->words_count, value->text, &meaning)) {
		table_choices(type->words, type->words_count, choices, sizeof(choices));
		return field_expected(err, value, "%s", choices);
	}
	if (type->kind == FIELD_LETTER)
		*(char *)at = (char)meaning;
	else
		*(const char **)at = value->text;
	return 0;
}

static int read_bool(const struct field_type *type, const struct json *value, struct arena *arena,
                     void *at, struct error *err)
{
	(void)arena;
	(void)err;
	if (type->kind == FIELD_MAYBE_BOOL)
		*(struct maybe_bool *)at = (struct maybe_bool){true, value->truth};
	else
		*(bool *)at = value->truth;
	return 0;
}

/* ---- numbers ---- */

static bool is_whole_range(const struct field_type *type)
{
	return type->least == 0 && type->most == 0;
}

static void store_signed(enum field_kind kind, int64_t number, void *at)
{
	if (kind == FIELD_MAYBE_I64)
		*(struct maybe_i64 *)at = (struct maybe_i64){true, number};
	else if (kind == FIELD_I32)
		*(int32_t *)at = (int32_t)number;
	else
		*(int64_t *)at = number;
}

static int read_signed(const struct field_type *type, const struct json *value, struct arena *arena,
                       void *at, struct error *err)
{
	bool narrow = type->kind == FIELD_I32;
	int64_t least = narrow ? INT32_MIN : INT64_MIN;
	int64_t most = narrow ? INT32_MAX : INT64_MAX;
	int64_t number = 0;

	(void)arena;
	if (!is_whole_range(type)) {
		least = type->least;
		most = (int64_t)type->most;
	}
	if (!json_to_i64(value, &number) || number < least || number > most)
		return field_expected(err, value, "a whole number from %" PRId64 " to %" PRId64,
		                      least, most);
	store_signed(type->kind, number, at);
	return 0;
}

static void store_unsigned(enum field_kind kind, uint64_t number, void *at)
{
	if (kind == FIELD_MAYBE_U64)
		*(struct maybe_u64 *)at = (struct maybe_u64){true, number};
	else if (kind == FIELD_U32)
		*(uint32_t *)at = (uint32_t)number;
	else
		*(uint64_t *)at = number;
}

static int read_unsigned(const struct field_type *type, const struct json *value,
                         struct arena *arena, void *at, struct error *err)
{
	uint64_t least = 0;
	uint64_t most = type->kind == FIELD_U32 ? UINT32_MAX : UINT64_MAX;
	uint64_t number = 0;

	(void)arena;
	if (!is_whole_range(type)) {
		least = (uint64_t)type->least;
		most = type->most;
	}
	if (!json_to_u64(value, &number) || number < least || number > most)
		return field_expected(err, value, "a whole number from %" PRIu64 " to %" PRIu64,
		                      least, most);
	store_unsigned(type->kind, number, at);
	return 0;
}

/* ---- what holds other values ---- */

static int read_object(const struct field_type *type, const struct json *value, struct arena *arena,
                       void *at, struct error *err)
{
	if (type->marks)
		*(bool *)at = true;
	for (size_t i = 0; i < type->members_count; i++) {
		const struct field *field = &type->members[i];
		const struct json *member = json_member(value, field->name);

		if (member && member->type != JSON_NULL) {
			if (field_read(field->type, member, arena, (char *)at + field->offset,
			               err) < 0)
				return -1;
		} else if (field->need == REQUIRED) {
			return field_missing(err, value, field->name);
		}
	}
	return 0;
}

static size_t size_of(const struct field_type *type);

/* Room for as many items.
 * Returns  0, or -1 and *err; 0 and no list where there are none. */
static int make_list(size_t count, size_t size, struct arena *arena, any_list *list,
                     struct error *err)
{
	if (count == 0)
		return 0;
	/* a table that forgot its size would have its items written over each other */
	if (size == 0)
		return fail(err, ERROR_SYSTEM, "", "a table of the reader has no size");
	list->item = arena_alloc(arena, count, size);
	if (!list->item)
		return arena_check(arena, err);
	list->count = count;
	return 0;
}

static int read_list(const struct field_type *type, const struct json *value, struct arena *arena,
                     void *at, struct error *err)
{
	size_t size = size_of(type->element);
	any_list *list = at;
	char *item;

	if (value->count < type->fewest)
		return json_fail(err, value, "expected at least %zu of them, found %zu",
		                 type->fewest, value->count);
	if (make_list(value->count, size, arena, list, err) < 0)
		return -1;
	item = list->item;
	for (const struct json *child = value->first; child; child = child->next, item += size)
		if (field_read(type->element, child, arena, item, err) < 0)
			return -1;
	return 0;
}

static int read_map(const struct field_type *type, const struct json *value, struct arena *arena,
                    void *at, struct error *err)
{
	any_list *list = at;
	char *item;

	if (make_list(value->count, type->size, arena, list, err) < 0)
		return -1;
	item = list->item;
	for (const struct json *child = value->first; child; child = child->next) {
		const char *right =
			type->wrong_key ? type->wrong_key(child->key) : wrong_empty(child->key);

		if (right)
			return json_fail(err, child, "expected a key that is %s", right);
		*(const char **)(void *)item = child->key;
		if (field_read(type->element, child, arena, item + type->value_offset, err) < 0)
			return -1;
		item += type->size;
	}
	return 0;
}

static int read_other(const struct field_type *type, const struct json *value, struct arena *arena,
                      void *at, struct error *err)
{
	return type->read(value, arena, at, err);
}

/* ---- every kind ---- */

static const struct {
	enum field_kind kind;
	enum json_type json; /* JSON_TYPES: any */
	size_t size;         /* 0: the type says it */
	int (*read)(const struct field_type *type, const struct json *value, struct arena *arena,
	            void *at, struct error *err);
} kinds[] = {
	{FIELD_TEXT,       JSON_STRING, sizeof(const char *),      read_text    },
	{FIELD_LETTER,     JSON_STRING, sizeof(char),              read_text    },
	{FIELD_BOOL,       JSON_BOOL,   sizeof(bool),              read_bool    },
	{FIELD_MAYBE_BOOL, JSON_BOOL,   sizeof(struct maybe_bool), read_bool    },
	{FIELD_U32,        JSON_NUMBER, sizeof(uint32_t),          read_unsigned},
	{FIELD_U64,        JSON_NUMBER, sizeof(uint64_t),          read_unsigned},
	{FIELD_I32,        JSON_NUMBER, sizeof(int32_t),           read_signed  },
	{FIELD_I64,        JSON_NUMBER, sizeof(int64_t),           read_signed  },
	{FIELD_MAYBE_U64,  JSON_NUMBER, sizeof(struct maybe_u64),  read_unsigned},
	{FIELD_MAYBE_I64,  JSON_NUMBER, sizeof(struct maybe_i64),  read_signed  },
	{FIELD_OBJECT,     JSON_OBJECT, 0,                         read_object  },
	{FIELD_LIST,       JSON_ARRAY,  sizeof(any_list),          read_list    },
	{FIELD_MAP,        JSON_OBJECT, sizeof(any_list),          read_map     },
	{FIELD_OTHER,      JSON_TYPES,  0,                         read_other   },
};

_Static_assert(ARRAY_SIZE(kinds) == FIELD_KINDS, "one row a kind, in the order of the enum");

static size_t size_of(const struct field_type *type)
{
	return kinds[type->kind].size ? kinds[type->kind].size : type->size;
}

int field_read(const struct field_type *type, const struct json *value, struct arena *arena,
               void *at, struct error *err)
{
	enum json_type wanted = kinds[type->kind].json;

	if (wanted != JSON_TYPES && value->type != wanted)
		return json_fail(err, value, "expected %s, found %s", json_type_name(wanted),
		                 json_type_name(value->type));
	if (kinds[type->kind].read(type, value, arena, at, err) < 0)
		return -1;
	return type->check ? type->check(value, at, err) : 0;
}

void *field_read_document(const char *name, const struct field_type *type, const struct json *top,
                          struct arena *arena, struct error *err)
{
	any_list one = {0};

	if (make_list(1, size_of(type), arena, &one, err) < 0)
		return NULL;
	if (field_read(type, top, arena, one.item, err) < 0) {
		if (!*err->object)
			(void)error_within(err, "%s", name);
		return NULL;
	}
	return arena_check(arena, err) < 0 ? NULL : one.item;
}

/* ---- types without a choice ---- */

/* clang-format off: one line a type */
const struct field_type field_text = {.kind = FIELD_TEXT};
const struct field_type field_filled_text = {.kind = FIELD_TEXT, .wrong = wrong_empty};
const struct field_type field_path = {.kind = FIELD_TEXT, .wrong = wrong_path};
static const struct field_type variable = {.kind = FIELD_TEXT, .wrong = wrong_variable};
const struct field_type field_bool = {.kind = FIELD_BOOL};
const struct field_type field_maybe_bool = {.kind = FIELD_MAYBE_BOOL};
const struct field_type field_u32 = {.kind = FIELD_U32};
const struct field_type field_u64 = {.kind = FIELD_U64};
const struct field_type field_i64 = {.kind = FIELD_I64};
const struct field_type field_maybe_u32 = {.kind = FIELD_MAYBE_U64, .most = UINT32_MAX};
const struct field_type field_maybe_u64 = {.kind = FIELD_MAYBE_U64};
const struct field_type field_maybe_i64 = {.kind = FIELD_MAYBE_I64};
const struct field_type field_texts = {.kind = FIELD_LIST, .element = &field_text};
const struct field_type field_paths = {.kind = FIELD_LIST, .element = &field_path};
const struct field_type field_variables = {.kind = FIELD_LIST, .element = &variable};
const struct field_type field_u32s = {.kind = FIELD_LIST, .element = &field_u32};
const struct field_type field_text_map = {
	.kind = FIELD_MAP,
	.element = &field_text,
	.size = sizeof(struct key_value),
	.value_offset = offsetof(struct key_value, value),
};
/* clang-format on */
