/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "base64.h"

/* Returns  -1 where a character stands for none. */
static int six_bits(char c)
{
	static const char all[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(all, c) : NULL;

	return at ? (int)(at - all) : -1;
}

/* Four characters, of which the last ones fill up: as many bytes are not there, and their bits must be none.
 * Returns  how many bytes, or -1. */
static int decode_four(const char *four, int filling, unsigned char *ret)
{
	uint32_t bits = 0;

	for (int i = 0; i < 4; i++) {
		int six = i < 4 - filling ? six_bits(four[i]) : 0;

		if (six < 0)
			return -1;
		bits = bits << 6 | (uint32_t)six;
	}
	if (bits & ((1U << (8 * filling)) - 1))
		return -1;
	for (int i = 0; i < 3 - filling; i++)
		ret[i] = (unsigned char)(bits >> (16 - 8 * i));
	return 3 - filling;
}

ssize_t base64_decode(const char *text, unsigned char *ret)
{
	size_t length = strlen(text);
	ssize_t count = 0;

	if (length % 4 != 0)
		return -1;
	for (const char *four = text; *four; four += 4) {
		int filling = four[4] || four[3] != '=' ? 0 : four[2] != '=' ? 1 : 2;
		int n = decode_four(four, filling, ret + count);

		if (n < 0)
			return -1;
		count += n;
	}
	return count;
}
