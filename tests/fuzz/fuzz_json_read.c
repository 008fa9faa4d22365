/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "base/text.h"

#include "document.h"

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
	for (const struct json *value = top; value; value = document_next(value))
		check(value);
	document_write(&w, top);
	if (text_check(&out, &err) < 0)
		abort();
	if (json_read("again", out.bytes, out.length, arena, &again, &err) < 0) {
		if (arena_check(arena, &err) < 0)
			return 0;
		abort();
	}
	for (; top && again; top = document_next(top), again = document_next(again))
		if (!same(top, again))
			abort();
	if (top || again)
		abort();
	return 0;
}
