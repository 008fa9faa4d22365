/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_GROW_H
#define TESTS_FUZZ_GROW_H

#include "document.h"

/* Values for a document, made of what the reader's tables say. Memory that can't be had ends the fuzzer. */

struct maker {
	struct arena *arena;
	const struct field_type *type; /* of the document, or NULL */
	struct json *top;
	uint32_t random; /* never 0 */
};

/* A number from 0, below `below`. */
uint32_t grow_random(struct maker *m, size_t below);

void *grow_room(struct maker *m, size_t count, size_t size);
char *grow_text(struct maker *m, const char *text);

/* Any value of the document. */
struct json *grow_pick(struct maker *m);

/* What the tables say of a value, or NULL. */
const struct field_type *grow_type_of(const struct maker *m, const struct json *value);

/* A value of this type that is mostly right; of NULL, any that is small or that the document has. */
struct json *grow_value(struct maker *m, const struct field_type *type);

/* A text that is not wrong, where one of a handful is not; a power of two or beside it, as it is
 * written. */
const char *grow_word(struct maker *m, const char *(*wrong)(const char *text));
const char *grow_number(struct maker *m);

struct json *grow_copy(struct maker *m, const struct json *value);

/* As the last child; only objects take the key. */
void grow_add(struct json *parent, struct json *child, const char *key);

#endif
