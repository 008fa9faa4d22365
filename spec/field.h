/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPEC_FIELD_H
#define SPEC_FIELD_H

/* The reader that tables drive. A type says how a JSON value becomes a C value and which values are
 * right; a field gives a type a name and a place in a struct. A new member of config.json is a new
 * row; only rules between values need code (`check`). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

#include "spec.h"

enum field_kind {
	FIELD_TEXT,       /* const char * */
	FIELD_LETTER,     /* char: what the word stands for */
	FIELD_BOOL,       /* bool */
	FIELD_MAYBE_BOOL, /* struct maybe_bool */
	FIELD_U32,        /* uint32_t */
	FIELD_U64,        /* uint64_t */
	FIELD_I32,        /* int32_t */
	FIELD_I64,        /* int64_t */
	FIELD_MAYBE_U64,  /* struct maybe_u64 */
	FIELD_MAYBE_I64,  /* struct maybe_i64 */
	FIELD_OBJECT,     /* a struct of its own, or members of the one around it */
	FIELD_LIST,       /* LIST(element), from an array */
	FIELD_MAP,        /* LIST(struct that begins with the key), from an object */
	FIELD_OTHER,      /* what read() makes of it */
	FIELD_KINDS
};

/* How a value is read, and which values are right; what is zero says nothing. */
struct field_type {
	enum field_kind kind;

	/* numbers; both zero: all that the kind can hold */
	int64_t least;
	uint64_t most;

	/* texts; wrong() returns what would be right, or NULL for a right one */
	const struct word *words;
	size_t words_count;
	const char *(*wrong)(const char *text);
	bool empty_is_none; /* "" stands for a member that is absent */

	/* objects */
	const struct field *members;
	size_t members_count;
	bool marks; /* the struct begins with `bool set` */

	/* lists, maps, objects in them */
	const struct field_type *element;
	size_t size;         /* of an object or an entry of a map; 0: by the kind */
	size_t value_offset; /* in an entry of a map */
	const char *(*wrong_key)(const char *text); /* as wrong() */
	size_t fewest;                              /* elements of a list */

	/* rules between values: at is what was read, value where it was read from */
	int (*check)(const struct json *value, void *at, struct error *err);
	int (*read)(const struct json *value, struct arena *arena, void *at, struct error *err);
};

enum field_need { OPTIONAL, REQUIRED };

struct field {
	const char *name;
	const struct field_type *type;
	size_t offset;
	enum field_need need;
};

#define FIELD_WORDS(table)   .words = (table), .words_count = ARRAY_SIZE(table)
#define FIELD_MEMBERS(table) .members = (table), .members_count = ARRAY_SIZE(table)

/* Read a value into the zeroed place at. Texts stay in the tree of the document.
 *
 * Returns  0, or -1 and *err: ERROR_CONFIG, the object is the JSON path. Memory that could not be
 *          had ends the reading too. */
int field_read(const struct field_type *type, const struct json *value, struct arena *arena,
               void *at, struct error *err) FALLIBLE;

/* Read a whole document into a struct of its type; name stands for it in errors without a path.
 *
 * Returns  the struct, in arena, or NULL and *err. */
void *field_read_document(const char *name, const struct field_type *type, const struct json *top,
                          struct arena *arena, struct error *err) FALLIBLE;

/* Fail at a value: "expected RIGHT, found …".
 * Returns  -1. */
int field_expected(struct error *err, const struct json *value, const char *right, ...)
	PRINTF(3, 4);

/* Fail at a member that isn't there, or at the object where there is no such member.
 * Returns  -1. */
int field_missing(struct error *err, const struct json *object, const char *name);
int field_fail(struct error *err, const struct json *object, const char *name, const char *why, ...)
	PRINTF(4, 5);

/* Whether the member is there; null counts as absent. */
bool field_given(const struct json *object, const char *name);

/* What is wrong with a text, as field_type.wrong has it. */
const char *wrong_empty(const char *text);     /* not empty */
const char *wrong_path(const char *text);      /* absolute path */
const char *wrong_file_name(const char *text); /* one component */
const char *wrong_variable(const char *text);  /* NAME=value */
const char *wrong_list(const char *text);      /* numbers and ranges: "0-3,7"; also none */

/* Types without a choice, for any table. */
extern const struct field_type field_text, field_filled_text, field_path, field_bool,
	field_maybe_bool, field_u32, field_u64, field_i64, field_maybe_u32, field_maybe_u64,
	field_maybe_i64, field_texts, field_paths, field_variables, field_u32s, field_text_map;

#endif
