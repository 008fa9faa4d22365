/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "error.h"

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
	JSON_TYPES
};

/* One value of a document, in the arena it was read into. Strings hold no NUL byte: "\u0000" is
 * refused. */
struct json {
	enum json_type type;
	bool truth;                /* JSON_BOOL */
	const char *key;           /* in an object: the member's name; else NULL */
	const char *text;          /* JSON_STRING: the text; JSON_NUMBER: as it was written */
	size_t index;              /* place in the parent, from 0 */
	size_t count;              /* JSON_ARRAY, JSON_OBJECT: children */
	const struct json *parent; /* NULL at the top */
	struct json *first;        /* first child */
	struct json *next;         /* next child of the same parent */
};

/* Most that a document may be: defaults for configuration files. */
enum { JSON_DEPTH_LIMIT = 64, JSON_BYTES_LIMIT = 16 << 20 };

/* Read a whole document.
 *
 * name     what is read, for errors ("config.json"); borrowed.
 * ret_top  in arena.
 * Returns  0, or -1 and *err (ERROR_CONFIG; the object is name, or name:LINE for a syntax error).
 * Errors   nothing there, syntax, deeper than JSON_DEPTH_LIMIT, two members of one name in an
 *          object (its path), invalid UTF-8, a NUL in a string, something behind the value.
 * Spec     RFC 8259; a byte order mark is refused. */
int json_read(const char *name, const char *bytes, size_t length, struct arena *arena,
              const struct json **ret_top, struct error *err) FALLIBLE;

/* The member of an object, or NULL (also for NULL and for what is no object). */
const struct json *json_member(const struct json *object, const char *key);

/* The text of a string member, or NULL where it is missing or no string. For documents that we
 * wrote ourselves. */
const char *json_member_text(const struct json *object, const char *key);

/* The path of a value from the top: "linux.namespaces[2].path"; keys with other characters than
 * letters, digits, '_' and '-' are written ["a b"].
 * Returns  path, cut in its middle where it is too long; "" for the top itself. */
const char *json_path(const struct json *value, char *path, size_t size);

/* "a string", "an array", … for "expected a string, found a number". */
const char *json_type_name(enum json_type type);

/* A number as an integer: exact or not at all (1.0 and 1e3 are integers; 1.5 and 2^64 are not).
 * Returns  true and *ret; false leaves it alone. */
bool json_to_i64(const struct json *number, int64_t *ret);
bool json_to_u64(const struct json *number, uint64_t *ret);

/* Fail at a value: the object is its path.
 * Returns  -1. */
int json_fail(struct error *err, const struct json *value, const char *why, ...) PRINTF(3, 4);

#endif
