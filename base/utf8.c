/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "text.h"

bool text_begins(const char *text, const char *part)
{
	return strncmp(text, part, strlen(part)) == 0;
}

bool text_ends(const char *text, const char *part)
{
	size_t length = strlen(text);
	size_t part_length = strlen(part);

	return part_length <= length && strcmp(text + length - part_length, part) == 0;
}

/* What a first byte asks of the second; all further bytes are 80..BF (RFC 3629, section 4). What a
 * second byte may not be would make an overlong form (E0, F0), a surrogate (ED) or a character
 * above U+10FFFF (F4). */
/* clang-format 14 indents every other row with spaces */
/* clang-format off */
static const struct {
	unsigned char first_least;
	unsigned char first_most;
	unsigned char length;
	unsigned char second_least;
	unsigned char second_most;
} forms[] = {
	{0xc2, 0xdf, 2, 0x80, 0xbf},
	{0xe0, 0xe0, 3, 0xa0, 0xbf},
	{0xe1, 0xec, 3, 0x80, 0xbf},
	{0xed, 0xed, 3, 0x80, 0x9f},
	{0xee, 0xef, 3, 0x80, 0xbf},
	{0xf0, 0xf0, 4, 0x90, 0xbf},
	{0xf1, 0xf3, 4, 0x80, 0xbf},
	{0xf4, 0xf4, 4, 0x80, 0x8f},
};
/* clang-format on */

size_t text_utf8_step(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;

	if (length > 0 && at[0] < 0x80)
		return 1;
	for (size_t i = 0; length > 0 && i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (at[0] < forms[i].first_least || at[0] > forms[i].first_most)
			continue;
		if (length < forms[i].length || at[1] < forms[i].second_least ||
		    at[1] > forms[i].second_most)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((at[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

size_t text_printable_step(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;
	size_t step = text_utf8_step(bytes, length);

	if (step == 1 && (at[0] < ' ' || at[0] == 0x7f))
		return 0;
	if (step == 2 && at[0] == 0xc2 && at[1] < 0xa0)
		return 0;
	return step;
}

/* Spec: RFC 8259, section 7. */
void text_quote(const char *bytes, size_t length, struct text_quoted *ret)
{
	static const char shorts[] =
		"\"\"\\\\\bb\ff\nn\rr\tt"; /* byte, letter behind the backslash */
	static const char digits[] = "0123456789abcdef";
	size_t step = text_utf8_step(bytes, length);
	unsigned char last;

	*ret = (struct text_quoted){.step = step ? step : 1};
	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2)
		if (*bytes == shorts[i]) {
			ret->buffer[0] = '\\';
			ret->buffer[1] = shorts[i + 1];
			ret->instead = ret->buffer;
			return;
		}
	if (text_printable_step(bytes, length) > 0)
		return;
	ret->instead = "\xef\xbf\xbd"; /* U+FFFD */
	if (step == 0)
		return;
	last = (unsigned char)bytes[step - 1]; /* of U+0000 to U+009F it is the number */
	memcpy(ret->buffer, "\\u00", 4);
	ret->buffer[4] = digits[last >> 4];
	ret->buffer[5] = digits[last & 15];
	ret->instead = ret->buffer;
}

void text_make_printable(char *text)
{
	size_t left = strlen(text), step;

	for (; left > 0; text += step, left -= step) {
		step = text_printable_step(text, left);
		if (step > 0)
			continue;
		step = 1;
		*text = '?';
	}
}

bool text_is_utf8(const char *bytes, size_t length)
{
	size_t step;

	for (size_t at = 0; at < length; at += step) {
		step = text_utf8_step(bytes + at, length - at);
		if (step == 0)
			return false;
	}
	return true;
}

size_t text_whole_characters(const char *text, size_t length)
{
	size_t start = length, wanted;
	unsigned char first;

	while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return length;
	first = (unsigned char)text[start - 1];
	wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
	return length - (start - 1) < wanted ? start - 1 : length;
}
