/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A word and what it means; tables of words end by their count, ARRAY_SIZE(). */
struct word {
	const char *word;
	int64_t value;
};

/* Look a word up, exactly as written.
 * Returns  true and *ret_value; false leaves it alone.
 * Context  any. */
bool table_value(const struct word *table, size_t count, const char *word, int64_t *ret_value);

/* The first word with this value, or NULL. Context: any. */
const char *table_word(const struct word *table, size_t count, int64_t value);

/* Write all words as "a, b or c" into text, cut with "..." where it is too small: what would be
 * right, for an error's reason.
 * Returns  text. */
const char *table_choices(const struct word *table, size_t count, char *text, size_t size);

#endif
