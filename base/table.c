/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "table.h"

bool table_value(const struct word *table, size_t count, const char *word, int64_t *ret_value)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].word, word) == 0) {
			*ret_value = table[i].value;
			return true;
		}
	return false;
}

const char *table_word(const struct word *table, size_t count, int64_t value)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].value == value)
			return table[i].word;
	return NULL;
}

/* What stands in front of the word at a place of a table. */
static const char *separator(size_t place, size_t count)
{
	if (place == 0)
		return "";
	return place + 1 == count ? " or " : ", ";
}

const char *table_choices(const struct word *table, size_t count, char *text, size_t size)
{
	static const char gap[] = "...";
	size_t length = 0;

	if (size == 0)
		return text;
	for (size_t i = 0; i < count; i++) {
		const char *before = separator(i, count);
		size_t needed = strlen(before) + strlen(table[i].word);
		/* but for the last word there must still be room for the gap */
		size_t kept = i + 1 == count ? 1 : sizeof(gap) + 1;

		if (kept > size - length || needed > size - length - kept) {
			size_t room = size - length - 1;

			memcpy(text + length, gap, room < 3 ? room : 3);
			length += room < 3 ? room : 3;
			break;
		}
		memcpy(text + length, before, strlen(before));
		memcpy(text + length + strlen(before), table[i].word, strlen(table[i].word));
		length += needed;
	}
	text[length] = '\0';
	return text;
}
