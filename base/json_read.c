/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "json_read.h"
#include "own.h"
#include "text.h"

/* Reading goes over the bytes twice. check_bytes() refuses what yajl would let through: vertical
 * tabs as white space, overlong UTF-8, half a surrogate pair in an escape (which yajl turns into
 * '?'). Then yajl tells what it finds, and each event becomes a node of the tree; a callback that
 * returns STOP ends that. */

enum { SMALL_OBJECT = 16, GO_ON = 1, STOP = 0 };

struct source {
	const char *name;
	const char *bytes;
	size_t length;
};

struct reader {
	struct arena *arena;
	struct error *err;
	bool failed; /* *err is written */
	int depth;   /* arrays and objects that are open */
	char *key;   /* of the member whose value comes next */
	struct json *top;
	struct json *open[JSON_DEPTH_LIMIT];
	struct json *last[JSON_DEPTH_LIMIT]; /* child of open[], NULL before the first */
};

/* A new value at its place in the tree; NULL where the arena is exhausted. */
static struct json *add(struct reader *reader, enum json_type type)
{
	struct json *value = ARENA_NEW(reader->arena, struct json);
	struct json *parent;
	struct json **last;

	if (!value)
		return NULL;
	value->type = type;
	if (reader->depth == 0) {
		reader->top = value;
		return value;
	}
	parent = reader->open[reader->depth - 1];
	last = &reader->last[reader->depth - 1];
	value->parent = parent;
	value->index = parent->count++;
	value->key = reader->key;
	reader->key = NULL;
	if (*last)
		(*last)->next = value;
	else
		parent->first = value;
	*last = value;
	return value;
}

static int open_container(struct reader *reader, enum json_type type)
{
	struct json *value = add(reader, type);

	if (!value)
		return STOP;
	if (reader->depth == JSON_DEPTH_LIMIT) {
		reader->failed = true;
		(void)json_fail(reader->err, value, "nested deeper than %d levels",
		                JSON_DEPTH_LIMIT);
		return STOP;
	}
	reader->open[reader->depth] = value;
	reader->last[reader->depth] = NULL;
	reader->depth++;
	return GO_ON;
}

static int on_null(void *context)
{
	return add(context, JSON_NULL) ? GO_ON : STOP;
}

static int on_bool(void *context, int truth)
{
	struct json *value = add(context, JSON_BOOL);

	if (!value)
		return STOP;
	value->truth = truth != 0;
	return GO_ON;
}

static int on_number(void *context, const char *text, size_t length)
{
	struct reader *reader = context;
	struct json *value = add(reader, JSON_NUMBER);

	if (!value)
		return STOP;
	value->text = arena_text_n(reader->arena, text, length);
	return value->text ? GO_ON : STOP;
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
	struct reader *reader = context;
	struct json *value = add(reader, JSON_STRING);

	if (!value)
		return STOP;
	if (memchr(text, '\0', length)) {
		reader->failed = true;
		(void)json_fail(reader->err, value, "holds a NUL byte");
		return STOP;
	}
	value->text = arena_text_n(reader->arena, (const char *)text, length);
	return value->text ? GO_ON : STOP;
}

static int on_key(void *context, const unsigned char *text, size_t length)
{
	struct reader *reader = context;

	if (memchr(text, '\0', length)) {
		reader->failed = true;
		(void)json_fail(reader->err, reader->open[reader->depth - 1],
		                "the name of a member holds a NUL byte");
		return STOP;
	}
	reader->key = arena_text_n(reader->arena, (const char *)text, length);
	return reader->key ? GO_ON : STOP;
}

static int on_start_object(void *context)
{
	return open_container(context, JSON_OBJECT);
}

static int on_start_array(void *context)
{
	return open_container(context, JSON_ARRAY);
}

static int on_end_array(void *context)
{
	struct reader *reader = context;

	reader->depth--;
	return GO_ON;
}

struct entry {
	const struct json *member;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a;
	const struct entry *right = b;

	return strcmp(left->member->key, right->member->key);
}

/* A member whose name an earlier one has, by comparing each with each. */
static const struct json *find_duplicate(const struct json *object)
{
	for (const struct json *member = object->first; member; member = member->next)
		for (const struct json *other = object->first; other != member; other = other->next)
			if (strcmp(member->key, other->key) == 0)
				return member;
	return NULL;
}

/* The same by sorting, for objects that somebody made large on purpose.
 * Returns  0 and *ret, or -1 when there is no memory. */
static int find_duplicate_sorted(const struct json *object, const struct json **ret)
{
	struct entry *entries = calloc(object->count, sizeof(*entries));
	size_t n = 0;

	if (!entries)
		return -1;
	for (const struct json *member = object->first; member; member = member->next)
		entries[n++].member = member;
	qsort(entries, n, sizeof(*entries), compare_entries);
	*ret = NULL;
	for (size_t i = 1; i < n && !*ret; i++)
		if (strcmp(entries[i - 1].member->key, entries[i].member->key) == 0)
			*ret = entries[i].member;
	free(entries);
	return 0;
}

static int on_end_object(void *context)
{
	struct reader *reader = context;
	const struct json *object = reader->open[--reader->depth];
	const struct json *duplicate = NULL;

	if (object->count <= SMALL_OBJECT)
		duplicate = find_duplicate(object);
	else if (find_duplicate_sorted(object, &duplicate) < 0)
		reader->failed = fail(reader->err, ERROR_SYSTEM, "memory", "out of memory") < 0;
	if (duplicate)
		reader->failed = json_fail(reader->err, duplicate, "is there twice") < 0;
	return reader->failed ? STOP : GO_ON;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_object,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

static void handle_release(yajl_handle *handle)
{
	if (*handle)
		yajl_free(*handle);
}

/* Fail at a place of a document: the object is name:LINE. */
static int fail_at(const struct source *source, size_t offset, const char *why, struct error *err)
{
	char object[sizeof(err->object)];
	size_t line = 1;

	for (size_t i = 0; i < offset && i < source->length; i++)
		line += source->bytes[i] == '\n';
	(void)snprintf(object, sizeof(object), "%s:%zu", source->name, line);
	return fail(err, ERROR_CONFIG, object, "%s", why);
}

/* Turn what yajl says about a syntax error into one of ours. */
static int fail_syntax(const struct source *source, yajl_handle handle, size_t offset,
                       struct error *err)
{
	unsigned char *said = yajl_get_error(handle, 0, NULL, 0);
	char why[sizeof(err->reason)];

	(void)snprintf(why, sizeof(why), "%s", said ? (const char *)said : "syntax error");
	why[strcspn(why, ".\n")] = '\0'; /* our reasons have no full stop */
	if (said)
		yajl_free_error(handle, said);
	return fail_at(source, offset, why, err);
}

static int parse(const struct source *source, struct reader *reader)
{
	__attribute__((cleanup(handle_release))) yajl_handle handle =
		yajl_alloc(&callbacks, NULL, reader);
	size_t offset;
	yajl_status status;

	if (!handle)
		return fail(reader->err, ERROR_SYSTEM, source->name, "out of memory");
	status = yajl_parse(handle, (const unsigned char *)source->bytes, source->length);
	offset = yajl_get_bytes_consumed(handle);
	if (status == yajl_status_ok) {
		status = yajl_complete_parse(handle);
		offset = source->length;
	}
	if (status == yajl_status_ok)
		return 0;
	if (reader->failed) /* the outermost value has no path */
		return *reader->err->object ? -1 : error_within(reader->err, "%s", source->name);
	if (arena_check(reader->arena, reader->err) < 0)
		return error_within(reader->err, "%s", source->name);
	return fail_syntax(source, handle, offset, reader->err);
}

/* The code unit of an escape "\uXXXX" that these bytes begin with, or -1 where there is none. */
static int unicode_escape(const char *bytes, size_t length)
{
	int unit = 0;

	if (length < 6 || bytes[0] != '\\' || bytes[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int low = bytes[i] | 0x20;

		if (bytes[i] >= '0' && bytes[i] <= '9')
			unit = unit * 16 + bytes[i] - '0';
		else if (low >= 'a' && low <= 'f')
			unit = unit * 16 + low - 'a' + 10;
		else
			return -1;
	}
	return unit;
}

/* How many bytes an escape in a string takes; 0 where it is half a surrogate pair. What is no
 * escape at all is left to yajl. */
static size_t escape_step(const char *bytes, size_t length)
{
	int unit = unicode_escape(bytes, length);
	int second;

	if (unit < 0)
		return length < 2 ? 1 : 2;
	if (unit < 0xd800 || unit > 0xdfff)
		return 6;
	second = unicode_escape(bytes + 6, length - 6);
	return unit < 0xdc00 && second >= 0xdc00 && second <= 0xdfff ? 12 : 0;
}

/* Refuse what yajl doesn't, and say in our words what it says in its own. */
static int check_bytes(const struct source *source, struct error *err)
{
	const char *bytes = source->bytes;
	size_t length = source->length;
	bool in_string = false;
	bool empty = true;
	size_t step;

	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		return fail_at(source, 0, "begins with a byte order mark", err);
	for (size_t at = 0; at < length; at += step) {
		step = text_utf8_step(bytes + at, length - at);
		if (step == 0)
			return fail_at(source, at, "is not UTF-8", err);
		if (in_string && bytes[at] == '\\') {
			step = escape_step(bytes + at, length - at);
			if (step == 0)
				return fail_at(source, at, "half a surrogate pair in a string",
				               err);
		} else if (bytes[at] == '"') {
			in_string = !in_string;
		} else if (!in_string && (bytes[at] == '\v' || bytes[at] == '\f')) {
			return fail_at(source, at, "control character between values", err);
		}
		empty = empty && strchr(" \t\r\n", bytes[at]) && bytes[at];
	}
	return empty ? fail(err, ERROR_CONFIG, source->name, "is empty") : 0;
}

int json_read(const char *name, const char *bytes, size_t length, struct arena *arena,
              const struct json **ret_top, struct error *err)
{
	struct source source = {.name = name, .bytes = bytes, .length = length};
	struct reader reader = {.arena = arena, .err = err};

	if (length > JSON_BYTES_LIMIT)
		return fail(err, ERROR_CONFIG, name, "larger than %d bytes", JSON_BYTES_LIMIT);
	if (check_bytes(&source, err) < 0 || parse(&source, &reader) < 0)
		return -1;
	*ret_top = reader.top;
	return 0;
}
