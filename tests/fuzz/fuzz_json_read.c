/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/text.h"

/* Read any bytes as JSON. What is accepted must be a tree that holds together, and must say the
 * same when it is written and read once more. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every promise of struct json, and every question that can be asked of a value. */
static void check(const struct json *value)
{
	char path[40];
	uint64_t u64;
	int64_t i64;
	size_t count = 0;

	if (strlen(json_path(value, path, sizeof(path))) >= sizeof(path))
		abort();
	if (value->text && !text_is_utf8(value->text, strlen(value->text)))
		abort();
	if (value->key && json_member(value->parent, value->key) != value)
		abort();
	if (json_to_i64(value, &i64) && i64 >= 0 &&
	    (!json_to_u64(value, &u64) || u64 != (uint64_t)i64))
		abort();
	for (const struct json *child = value->first; child; child = child->next)
		if (child->parent != value || child->index != count++)
			abort();
	if (count != value->count || (!json_member(value, "") && json_member_text(value, "")))
		abort();
}

/* The value behind this one in the order of the document, or NULL. */
static const struct json *next_of(const struct json *value)
{
	if (value->first)
		return value->first;
	while (value && !value->next)
		value = value->parent;
	return value ? value->next : NULL;
}

/* Write a value without its children; arrays and objects are opened. */
static void write_value(struct json_writer *w, const struct json *value)
{
	if (value->type == JSON_OBJECT || value->type == JSON_ARRAY)
		json_open(w, value->key, value->type == JSON_OBJECT ? '{' : '[');
	else if (value->type == JSON_BOOL)
		json_bool(w, value->key, value->truth);
	else if (value->type == JSON_NUMBER)
		json_raw(w, value->key, value->text);
	else
		json_text(w, value->key, value->text); /* NULL for null */
}

static void write_tree(struct json_writer *w, const struct json *top)
{
	const struct json *next;

	for (const struct json *value = top; value; value = next) {
		const struct json *up = value;

		write_value(w, value);
		next = next_of(value);
		for (; up && up != (next ? next->parent : NULL); up = up->parent)
			if (up->type == JSON_OBJECT || up->type == JSON_ARRAY)
				json_close(w);
	}
}

static int same(const struct json *a, const struct json *b)
{
	return a->type == b->type && a->truth == b->truth && a->count == b->count &&
	       a->index == b->index && !a->key == !b->key && !a->text == !b->text &&
	       (!a->key || strcmp(a->key, b->key) == 0) &&
	       (!a->text || strcmp(a->text, b->text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(8 << 20);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out, .indent = size % 3 ? 2 : 0};
	const struct json *top = NULL;
	const struct json *again = NULL;
	struct error err = {0};

	if (!arena)
		return 0;
	if (json_read("fuzz", (const char *)data, size, arena, &top, &err) < 0) {
		if (top || !err.reason[0])
			abort();
		return 0;
	}
	for (const struct json *value = top; value; value = next_of(value))
		check(value);
	write_tree(&w, top);
	if (text_check(&out, &err) < 0)
		abort();
	if (json_read("again", out.bytes, out.length, arena, &again, &err) < 0) {
		if (arena_check(arena, &err) < 0)
			return 0;
		abort();
	}
	for (; top && again; top = next_of(top), again = next_of(again))
		if (!same(top, again))
			abort();
	if (top || again)
		abort();
	return 0;
}
