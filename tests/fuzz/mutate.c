/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"

#include "grow.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

enum { ARENA = 64 << 20, TEXT_MOST = 512 };

/* All trees here are made for one input, of our own. */
static struct json *ours(const struct json *value)
{
	return (struct json *)(uintptr_t)value;
}

/* What another one is, in the place where it stands. */
static void become(struct json *value, const struct json *other)
{
	value->type = other->type;
	value->truth = other->truth;
	value->text = other->text;
	value->first = other->first;
	for (struct json *child = value->first; child; child = child->next)
		child->parent = value;
}

/* ---- deeds ---- */

static void do_drop(struct maker *m, struct json *value)
{
	struct json **at;

	(void)m;
	if (!value->parent)
		return;
	at = &ours(value->parent)->first;
	while (*at != value)
		at = &(*at)->next;
	*at = value->next;
}

static void do_grow(struct maker *m, struct json *value)
{
	become(value, grow_value(m, grow_type_of(m, value)));
}

/* Another type, mostly one that is refused. */
static void do_confuse(struct maker *m, struct json *value)
{
	become(value, grow_value(m, NULL));
}

/* A member that the table has, in the place of the one that is there. */
static void add_member(struct maker *m, struct json *object, const struct field *field)
{
	struct json *made = grow_value(m, field->type);

	for (struct json *child = object->first; child; child = child->next)
		if (strcmp(child->key, field->name) == 0) {
			become(child, made);
			return;
		}
	grow_add(object, made, field->name);
}

/* One more member, by the table or with a name from elsewhere; one more of a list. */
static void do_add(struct maker *m, struct json *value)
{
	const struct field_type *type = grow_type_of(m, value);
	const struct json *other = grow_pick(m);

	if (!document_has_children(value))
		return;
	if (type && type->kind == FIELD_OBJECT && value->type == JSON_OBJECT)
		add_member(m, value, &type->members[grow_random(m, type->members_count)]);
	else if (type && type->element)
		grow_add(value, grow_value(m, type->element), grow_word(m, type->wrong_key));
	else
		grow_add(value, grow_copy(m, other), other->key ? other->key : grow_word(m, NULL));
}

static void do_twin(struct maker *m, struct json *value)
{
	if (value->parent)
		grow_add(ours(value->parent), grow_copy(m, value), value->key);
}

static void do_graft(struct maker *m, struct json *value)
{
	become(value, grow_copy(m, grow_pick(m)));
}

static const char *other_text(struct maker *m, const char *text)
{
	size_t length = strnlen(text, TEXT_MOST);
	char *changed = grow_room(m, 1, TEXT_MOST + 1);

	memcpy(changed, text, length);
	changed[LLVMFuzzerMutate((uint8_t *)changed, length, TEXT_MOST)] = '\0';
	return changed;
}

static void do_rename(struct maker *m, struct json *value)
{
	const struct json *other = grow_pick(m);

	if (value->key)
		value->key =
			other->key && grow_random(m, 2) ? other->key : other_text(m, value->key);
}

static const char *other_number(struct maker *m, const char *text)
{
	unsigned long long number = (unsigned long long)strtoll(text, NULL, 10);
	char word[32];

	(void)snprintf(word, sizeof(word), "%lld", (long long)(number + grow_random(m, 5) - 2));
	return grow_random(m, 4) ? grow_text(m, word) : grow_number(m);
}

/* A little more or less, or some of its letters. */
static void do_nudge(struct maker *m, struct json *value)
{
	if (value->type == JSON_STRING)
		value->text = other_text(m, value->text);
	else if (value->type == JSON_NUMBER)
		value->text = other_number(m, value->text);
	else
		value->truth = !value->truth;
}

static void (*const deeds[])(struct maker *m, struct json *value) = {
	do_drop, do_grow,  do_grow,  do_confuse, do_add,   do_add,    do_add,
	do_twin, do_graft, do_nudge, do_nudge,   do_nudge, do_rename,
};

/* ---- documents ---- */

static struct json *read_tree(const uint8_t *data, size_t size, struct arena *arena)
{
	const struct json *top = NULL;
	struct error ignored;

	if (!arena || json_read("", (const char *)data, size, arena, &top, &ignored) < 0)
		return NULL;
	return ours(top);
}

/* Returns  its length, or 0 where it is too long or too deep. */
static size_t write_tree(const struct json *top, uint8_t *out, size_t most)
{
	owned_text struct text text = {.limit = most + 1};
	struct json_writer w = {.out = &text};

	document_write(&w, top);
	if (text.failed || text.length > most)
		return 0;
	memcpy(out, text.bytes, text.length);
	return text.length;
}

size_t document_mutate(const struct field_type *type, uint8_t *data, size_t size, size_t most,
                       unsigned int seed)
{
	owned_arena struct arena *arena = arena_new(ARENA);
	struct maker m = {.arena = arena, .type = type, .random = seed | 1};
	size_t length = 0;

	if (grow_random(&m, 8) > 0)
		m.top = read_tree(data, size, arena);
	if (m.top) {
		for (size_t n = 1 + grow_random(&m, 3); n > 0; n--)
			deeds[grow_random(&m, ARRAY_SIZE(deeds))](&m, grow_pick(&m));
		length = write_tree(m.top, data, most);
	}
	return length ? length : LLVMFuzzerMutate(data, size, most);
}

/* The child that stands where that one stands among its own. */
static struct json *counterpart(const struct json *parent, const struct json *child)
{
	size_t index = 0;

	for (struct json *c = parent->first; c; c = c->next, index++)
		if (child->key && c->key ? strcmp(child->key, c->key) == 0 : index == child->index)
			return c;
	return NULL;
}

/* A value of another document, into the place where it stood there, with as much around it as is missing here. */
static void transplant(struct maker *m, const struct json *value)
{
	const struct json *way[JSON_DEPTH_LIMIT + 1];
	const struct json *missing = value;
	struct json *at = m->top, *next;
	size_t depth = 0;

	for (; missing->parent; missing = missing->parent)
		way[depth++] = missing;
	while (depth > 0 && (next = counterpart(at, way[depth - 1]))) {
		at = next;
		depth--;
	}
	missing = depth > 0 ? way[depth - 1] : NULL;
	if (missing && document_has_children(at))
		grow_add(at, grow_copy(m, missing), missing->key ? missing->key : "");
	else
		become(at, grow_copy(m, missing ? missing->parent : value));
}

size_t document_cross(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                      uint8_t *out, size_t most, unsigned int seed)
{
	owned_arena struct arena *arena = arena_new(ARENA);
	struct maker m = {.arena = arena, .random = seed | 1};
	struct maker from = {.arena = arena, .random = (seed >> 3) | 1};

	m.top = read_tree(one, one_size, arena);
	from.top = read_tree(other, other_size, arena);
	if (!m.top || !from.top)
		return 0;
	for (size_t n = 1 + grow_random(&m, 3); n > 0; n--)
		transplant(&m, grow_pick(&from));
	return write_tree(m.top, out, most);
}
