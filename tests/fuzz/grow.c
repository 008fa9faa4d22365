/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

#include "grow.h"

enum { TRIES = 12, DEPTH = 6 };

uint32_t grow_random(struct maker *m, size_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 17;
	m->random ^= m->random << 5;
	return m->random % (uint32_t)below;
}

void *grow_room(struct maker *m, size_t count, size_t size)
{
	void *memory = arena_alloc(m->arena, count, size);

	if (!memory)
		abort();
	return memory;
}

char *grow_text(struct maker *m, const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(grow_room(m, 1, size), text, size);
}

struct json *grow_pick(struct maker *m)
{
	size_t count = 0;
	struct json *value = m->top;

	for (const struct json *v = m->top; v; v = document_next(v))
		count++;
	for (size_t n = grow_random(m, count); n > 0; n--)
		value = document_next(value);
	return value;
}

void grow_add(struct json *parent, struct json *child, const char *key)
{
	struct json **at = &parent->first;

	while (*at)
		at = &(*at)->next;
	child->next = NULL;
	child->parent = parent;
	child->key = parent->type == JSON_OBJECT ? key : NULL;
	*at = child;
}

static struct json *new_value(struct maker *m, enum json_type type, const char *text)
{
	struct json *value = grow_room(m, 1, sizeof(*value));

	value->type = type;
	value->text = text;
	return value;
}

struct json *grow_copy(struct maker *m, const struct json *value)
{
	struct json *made = new_value(m, value->type, value->text);

	made->truth = value->truth;
	for (const struct json *child = value->first; child; child = child->next)
		grow_add(made, grow_copy(m, child), child->key);
	return made;
}

/* ---- words and numbers ---- */

static const char *const samples[] = {
	"",       "a",      "/",      "/a",     "/proc/a", "../a",   "A=b",    "PATH=/bin",
	"0",      "0-3,7",  "MB:0=9", "2MB",    "1GB",     "1.3.0",  "1.0.2",  "rwm",
	"eth0",   "all",    "0-1",    "64KB",   "root",    "a.b.c",  "bind",   "tmpfs",
	"proc",   "sysfs",  "cgroup", "mqueue", "devpts",  "ro",     "rbind",  "remount",
	"idmap",  "rslave", "nosuid", "net.a",  "read",    "openat", "clone3", "nothing",
	"true\n", "\"",     "max",    "10000",  "mlx5_0",  "a:b:c",  "8:0",    "rshared",
};

static const char *const odd_numbers[] = {"1e3", "0.5", "1e400", "18446744073709551616"};

const char *grow_word(struct maker *m, const char *(*wrong)(const char *text))
{
	const char *text = "";

	for (int i = 0; i < TRIES; i++) {
		text = samples[grow_random(m, ARRAY_SIZE(samples))];
		if (!wrong || !wrong(text))
			break;
	}
	return text;
}

const char *grow_number(struct maker *m)
{
	uint64_t number = (UINT64_C(1) << grow_random(m, 64)) + grow_random(m, 3) - 1;
	char word[32];

	if (grow_random(m, 16) == 0)
		return odd_numbers[grow_random(m, ARRAY_SIZE(odd_numbers))];
	(void)snprintf(word, sizeof(word), "%s%" PRIu64, grow_random(m, 8) ? "" : "-", number);
	return grow_text(m, word);
}

/* ---- a value of each kind ---- */

static struct json *grow(struct maker *m, const struct field_type *type, unsigned int depth);

static struct json *of_text(struct maker *m, const struct field_type *type, unsigned int depth)
{
	bool right = grow_random(m, 16) > 0;

	(void)depth;
	if (type->words && right)
		return new_value(m, JSON_STRING,
		                 type->words[grow_random(m, type->words_count)].word);
	return new_value(m, JSON_STRING, grow_word(m, right ? type->wrong : NULL));
}

static struct json *of_bool(struct maker *m, const struct field_type *type, unsigned int depth)
{
	struct json *value = new_value(m, JSON_BOOL, NULL);

	(void)type;
	(void)depth;
	value->truth = grow_random(m, 2);
	return value;
}

/* At the ends of what is allowed, where there are some. */
static struct json *of_number(struct maker *m, const struct field_type *type, unsigned int depth)
{
	bool bounded = type->least != 0 || type->most != 0;
	char word[32];

	(void)depth;
	if (!bounded || grow_random(m, 4) == 0)
		return new_value(m, JSON_NUMBER, grow_number(m));
	if (grow_random(m, 2))
		(void)snprintf(word, sizeof(word), "%lld",
		               (long long)type->least + (long long)grow_random(m, 20));
	else
		(void)snprintf(word, sizeof(word), "%llu",
		               (unsigned long long)type->most - grow_random(m, 3));
	return new_value(m, JSON_NUMBER, grow_text(m, word));
}

static struct json *of_object(struct maker *m, const struct field_type *type, unsigned int depth)
{
	struct json *value = new_value(m, JSON_OBJECT, NULL);

	for (size_t i = 0; i < type->members_count; i++) {
		const struct field *field = &type->members[i];

		if (field->need == REQUIRED ? grow_random(m, 32) > 0 : grow_random(m, 3) == 0)
			grow_add(value, grow(m, field->type, depth + 1), field->name);
	}
	return value;
}

static struct json *of_list(struct maker *m, const struct field_type *type, unsigned int depth)
{
	struct json *value = new_value(m, JSON_ARRAY, NULL);

	for (size_t i = type->fewest + grow_random(m, 3); i > 0; i--)
		grow_add(value, grow(m, type->element, depth + 1), NULL);
	return value;
}

static struct json *of_map(struct maker *m, const struct field_type *type, unsigned int depth)
{
	struct json *value = new_value(m, JSON_OBJECT, NULL);

	for (size_t i = grow_random(m, 3); i > 0; i--)
		grow_add(value, grow(m, type->element, depth + 1), grow_word(m, type->wrong_key));
	return value;
}

/* Of what no table says anything. */
static struct json *of_any(struct maker *m, const struct field_type *type, unsigned int depth)
{
	static const enum json_type types[] = {JSON_NULL,   JSON_BOOL,  JSON_NUMBER,
	                                       JSON_STRING, JSON_ARRAY, JSON_OBJECT};
	enum json_type kind = types[grow_random(m, ARRAY_SIZE(types))];

	(void)type;
	if (depth < DEPTH && grow_random(m, 2))
		return grow_copy(m, grow_pick(m));
	if (kind == JSON_NUMBER)
		return new_value(m, kind, grow_number(m));
	return new_value(m, kind, kind == JSON_STRING ? grow_word(m, NULL) : NULL);
}

static struct json *(*const kinds[FIELD_KINDS])(struct maker *m, const struct field_type *type,
                                                unsigned int depth) = {
	[FIELD_TEXT] = of_text,        [FIELD_LETTER] = of_text,   [FIELD_BOOL] = of_bool,
	[FIELD_MAYBE_BOOL] = of_bool,  [FIELD_U32] = of_number,    [FIELD_U64] = of_number,
	[FIELD_I32] = of_number,       [FIELD_I64] = of_number,    [FIELD_MAYBE_U64] = of_number,
	[FIELD_MAYBE_I64] = of_number, [FIELD_OBJECT] = of_object, [FIELD_LIST] = of_list,
	[FIELD_MAP] = of_map,          [FIELD_OTHER] = of_any,
};

static struct json *grow(struct maker *m, const struct field_type *type, unsigned int depth)
{
	return (type && depth < DEPTH ? kinds[type->kind] : of_any)(m, type, depth);
}

struct json *grow_value(struct maker *m, const struct field_type *type)
{
	return grow(m, type, 0);
}

/* ---- tables ---- */

static const struct field_type *member_type(const struct field_type *type, const char *name)
{
	for (size_t i = 0; i < type->members_count; i++)
		if (strcmp(type->members[i].name, name) == 0)
			return type->members[i].type;
	return NULL;
}

const struct field_type *grow_type_of(const struct maker *m, const struct json *value)
{
	const struct field_type *type;

	if (!value->parent)
		return m->type;
	type = grow_type_of(m, value->parent);
	if (!type)
		return NULL;
	if (type->kind == FIELD_OBJECT)
		return value->key ? member_type(type, value->key) : NULL;
	return type->element;
}
