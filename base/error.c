/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "text.h"

/* Copy text; what doesn't fit is left out of its middle, since both ends of a path tell more. */
static void copy_shortened(char *to, size_t size, const char *text)
{
	static const char gap[] = "...";
	size_t length = strlen(text);
	size_t head = (size - sizeof(gap)) / 2;
	size_t tail = size - sizeof(gap) - head;

	if (length < size) {
		memcpy(to, text, length + 1);
		return;
	}
	head = text_whole_characters(text, head);
	while (tail > 0 && ((unsigned char)text[length - tail] & 0xc0) == 0x80)
		tail--;
	memcpy(to, text, head);
	memcpy(to + head, gap, sizeof(gap) - 1);
	memcpy(to + head + sizeof(gap) - 1, text + length - tail, tail + 1);
}

int fail(struct error *err, enum error_kind kind, const char *object, const char *why, ...)
{
	va_list args;
	int n;

	err->kind = kind;
	err->errnum = 0;
	copy_shortened(err->object, sizeof(err->object), object);
	va_start(args, why);
	n = vsnprintf(err->reason, sizeof(err->reason), why, args);
	va_end(args);
	if (n >= (int)sizeof(err->reason))
		err->reason[text_whole_characters(err->reason, sizeof(err->reason) - 1)] = '\0';
	return -1;
}

int fail_errno(struct error *err, const char *object, const char *verb)
{
	int errnum = errno;
	const char *text = strerrordesc_np(errnum);

	(void)fail(err, ERROR_SYSTEM, object, "%s: %s", verb, text ? text : "unknown error");
	err->errnum = errnum;
	errno = errnum;
	return -1;
}

int error_within(struct error *err, const char *outer, ...)
{
	char whole[2 * sizeof(err->object)];
	va_list args;
	int n;

	va_start(args, outer);
	n = vsnprintf(whole, sizeof(err->object), outer, args);
	va_end(args);
	if (n < 0)
		return -1;
	if ((size_t)n >= sizeof(err->object))
		n = (int)text_whole_characters(whole, sizeof(err->object) - 1);
	if (err->object[0])
		(void)snprintf(whole + n, sizeof(whole) - (size_t)n, ": %s", err->object);
	copy_shortened(err->object, sizeof(err->object), whole);
	return -1;
}

static void make_printable(char *text, size_t size)
{
	text[size - 1] = '\0';
	text_make_printable(text);
}

void error_import(struct error *err, const void *bytes, size_t length)
{
	memset(err, 0, sizeof(*err));
	memcpy(err, bytes, length < sizeof(*err) ? length : sizeof(*err));
	if ((unsigned)err->kind >= ERROR_KINDS)
		err->kind = ERROR_SYSTEM;
	make_printable(err->object, sizeof(err->object));
	make_printable(err->reason, sizeof(err->reason));
}
