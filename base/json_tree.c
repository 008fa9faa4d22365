/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_read.h"
#include "text.h"

/* What can be asked of a tree that json_read.c made. */

const struct json *json_member(const struct json *object, const char *key)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *member = object->first; member; member = member->next)
		if (strcmp(member->key, key) == 0)
			return member;
	return NULL;
}

const char *json_member_text(const struct json *object, const char *key)
{
	const struct json *member = json_member(object, key);

	return member && member->type == JSON_STRING ? member->text : NULL;
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {"null",     "a boolean", "a number",
	                                    "a string", "an array",  "an object"};

	_Static_assert(sizeof(names) / sizeof(names[0]) == JSON_TYPES, "one name a type");
	return (unsigned int)type < JSON_TYPES ? names[type] : "nothing";
}

/* A path is written twice: to know how long it is, then with a gap where its middle has to go. */
struct path {
	char *to;
	size_t size;
	size_t total;  /* length of the whole path; 0 while it is measured */
	size_t at;     /* place in the whole path */
	size_t length; /* written */
	size_t cut;    /* bytes behind the gap that are left out */
};

static const char path_gap[] = "...";

static void put(struct path *path, char byte)
{
	size_t room = path->size - 1;
	size_t head = room > 3 ? (room - 3) / 2 : 0;
	size_t tail = room > 3 ? room - 3 - head : 0;
	size_t at = path->at++;

	if (path->total == 0)
		return;
	if (path->total > room && at == head) {
		path->length = text_whole_characters(path->to, path->length);
		for (size_t i = 0; i < 3 && path->length < room; i++)
			path->to[path->length++] = path_gap[i];
	}
	/* the rest of a character whose beginning is in the gap */
	if (path->total > room && at == path->total - tail + path->cut &&
	    ((unsigned char)byte & 0xc0) == 0x80)
		path->cut++;
	else if (path->total <= room || at < head || at >= path->total - tail)
		path->to[path->length++] = byte;
}

static void put_text(struct path *path, const char *text)
{
	for (; *text; text++)
		put(path, *text);
}

static bool is_plain(const char *key)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	return *key && key[strspn(key, plain)] == '\0';
}

static void put_key(struct path *path, const char *key)
{
	if (is_plain(key)) {
		if (path->at > 0)
			put(path, '.');
		put_text(path, key);
		return;
	}
	put_text(path, "[\"");
	for (; *key; key++) {
		if (*key == '"' || *key == '\\')
			put(path, '\\');
		/* the path is shown on terminals */
		put(path, (char)((unsigned char)*key < ' ' || *key == 0x7f ? '?' : *key));
	}
	put_text(path, "\"]");
}

static void put_steps(struct path *path, const struct json *const *steps, size_t count)
{
	char index[32];

	while (count-- > 0) {
		if (steps[count]->key) {
			put_key(path, steps[count]->key);
			continue;
		}
		(void)snprintf(index, sizeof(index), "[%zu]", steps[count]->index);
		put_text(path, index);
	}
}

const char *json_path(const struct json *value, char *path, size_t size)
{
	const struct json *steps[JSON_DEPTH_LIMIT + 1]; /* the innermost first */
	struct path measured = {.size = size};
	struct path written = {.to = path, .size = size};
	size_t count = 0;

	if (size == 0)
		return path;
	for (; value && value->parent && count <= JSON_DEPTH_LIMIT; value = value->parent)
		steps[count++] = value;
	put_steps(&measured, steps, count);
	written.total = measured.at;
	put_steps(&written, steps, count);
	path[written.length] = '\0';
	return path;
}

/* The parts of a number: digits from the first to the last that isn't 0, times a power of ten. */
struct decimal {
	bool negative;
	const char *first;
	const char *last; /* behind it; == first: the number is 0 */
	int64_t power;
};

/* Read an exponent; one that is too large is as good as any that no document is long enough for. */
static int64_t take_exponent(const char *text)
{
	bool negative = *text == '-';
	int64_t exponent = 0;

	if (*text == '-' || *text == '+')
		text++;
	for (; *text >= '0' && *text <= '9' && exponent < INT32_MAX; text++)
		exponent = exponent * 10 + (*text - '0');
	return negative ? -exponent : exponent;
}

/* Take apart a number that JSON's grammar allows. */
static struct decimal take_apart(const char *text)
{
	struct decimal number = {.negative = *text == '-'};
	bool fraction = false;

	for (text += number.negative; *text && *text != 'e' && *text != 'E'; text++) {
		if (*text == '.') {
			fraction = true;
			continue;
		}
		number.power -= fraction;
		if (*text == '0')
			continue;
		if (!number.first)
			number.first = text;
		number.last = text + 1;
	}
	/* zeros behind the last digit count as powers of ten, on either side of the point */
	for (const char *at = number.last; at && at < text; at++)
		number.power += *at != '.';
	if (*text)
		number.power += take_exponent(text + 1);
	return number;
}

/* The size of a number, where it is an integer below 2^64. */
static bool to_magnitude(const struct json *number, uint64_t *ret, bool *ret_negative)
{
	uint64_t magnitude = 0;
	struct decimal parts;

	if (!number || number->type != JSON_NUMBER)
		return false;
	parts = take_apart(number->text);
	if (parts.first && parts.power < 0)
		return false;
	for (const char *at = parts.first; at && at < parts.last; at++)
		if (*at != '.' &&
		    (__builtin_mul_overflow(magnitude, UINT64_C(10), &magnitude) ||
		     __builtin_add_overflow(magnitude, (uint64_t)(*at - '0'), &magnitude)))
			return false;
	for (; magnitude > 0 && parts.power > 0; parts.power--)
		if (__builtin_mul_overflow(magnitude, UINT64_C(10), &magnitude))
			return false;
	*ret = magnitude;
	*ret_negative = parts.negative;
	return true;
}

bool json_to_u64(const struct json *number, uint64_t *ret)
{
	uint64_t magnitude;
	bool negative;

	if (!to_magnitude(number, &magnitude, &negative) || (negative && magnitude > 0))
		return false;
	*ret = magnitude;
	return true;
}

bool json_to_i64(const struct json *number, int64_t *ret)
{
	uint64_t magnitude;
	bool negative;

	if (!to_magnitude(number, &magnitude, &negative))
		return false;
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	/* -(2^63) can't be had by negating an int64_t */
	*ret = negative && magnitude ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
	return true;
}

int json_fail(struct error *err, const struct json *value, const char *why, ...)
{
	char path[sizeof(err->object)];
	char reason[sizeof(err->reason)];
	va_list args;

	va_start(args, why);
	(void)vsnprintf(reason, sizeof(reason), why, args);
	va_end(args);
	reason[text_whole_characters(reason, strlen(reason))] = '\0';
	return fail(err, ERROR_CONFIG, json_path(value, path, sizeof(path)), "%s", reason);
}
