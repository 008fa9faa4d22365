/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { FIRST_SIZE = 256, LIMIT_DEFAULT = 64 << 20 };

static size_t limit_of(const struct text *text)
{
	return text->limit ? text->limit : LIMIT_DEFAULT;
}

/* Make room for more bytes and a NUL; false leaves the text as it was, failed. */
static bool make_room(struct text *text, size_t more)
{
	size_t size = text->size ? text->size : FIRST_SIZE;
	size_t needed;
	char *bytes;

	if (text->failed || more > limit_of(text) || text->length > limit_of(text) - more) {
		text->failed = true;
		return false;
	}
	needed = text->length + more + 1;
	if (needed <= text->size)
		return true;
	while (size < needed)
		size *= 2;
	bytes = realloc(text->bytes, size);
	if (!bytes) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->size = size;
	return true;
}

void text_free(struct text *text)
{
	free(text->bytes);
	text->bytes = NULL;
	text->length = 0;
	text->size = 0;
}

void text_append_n(struct text *text, const char *more, size_t length)
{
	if (!make_room(text, length))
		return;
	memcpy(text->bytes + text->length, more, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

void text_append(struct text *text, const char *more)
{
	text_append_n(text, more, strlen(more));
}

void text_format(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		text->failed = true;
	if (n < 0 || !make_room(text, (size_t)n))
		return;
	va_start(args, format);
	(void)vsnprintf(text->bytes + text->length, (size_t)n + 1, format, args);
	va_end(args);
	text->length += (size_t)n;
}

int text_check(const struct text *text, struct error *err)
{
	if (!text->failed)
		return 0;
	return fail(err, ERROR_SYSTEM, "text", "larger than %zu bytes, or out of memory",
	            limit_of(text));
}
