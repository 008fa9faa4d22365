/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "text.h"

/* Read digits of a base (at most 10) from *text on, at least one.
 * Returns  true, *ret, and *text behind the last digit; false where there is none or too many. */
static bool take_digits(const char **text, unsigned int base, uint64_t *ret)
{
	const char *at = *text;
	uint64_t number = 0;

	for (; *at >= '0' && *at < (char)('0' + base); at++)
		if (__builtin_mul_overflow(number, (uint64_t)base, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return false;
	if (at == *text)
		return false;
	*text = at;
	*ret = number;
	return true;
}

/* Decimal digits without a leading zero but "0" itself. */
static bool take_decimal(const char **text, uint64_t *ret)
{
	if ((*text)[0] == '0' && (*text)[1] >= '0' && (*text)[1] <= '9')
		return false;
	return take_digits(text, 10, ret);
}

bool text_to_u64(const char *text, uint64_t *ret)
{
	uint64_t number;

	if (!take_decimal(&text, &number) || *text)
		return false;
	*ret = number;
	return true;
}

bool text_to_i64(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	uint64_t number;

	if (!text_to_u64(text + negative, &number) || (negative && number == 0))
		return false;
	if (number > (uint64_t)INT64_MAX + negative)
		return false;
	/* -(2^63) can't be had by negating an int64_t */
	*ret = negative ? -(int64_t)(number - 1) - 1 : (int64_t)number;
	return true;
}

bool text_to_u32(const char *text, uint32_t *ret)
{
	uint64_t number;

	if (!text_to_u64(text, &number) || number > UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

bool text_to_octal(const char *text, uint32_t *ret)
{
	uint64_t number;

	if (!take_digits(&text, 8, &number) || *text || number > UINT32_MAX)
		return false;
	*ret = (uint32_t)number;
	return true;
}

bool text_to_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "kmgtp";
	const char *unit;
	uint64_t number;
	unsigned int shift = 0;

	if (!take_decimal(&text, &number))
		return false;
	unit = *text ? strchr(units, *text | 0x20) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		text++;
	}
	if (*text && strcasecmp(text, "b") != 0 && !(unit && strcasecmp(text, "ib") == 0))
		return false;
	if (number > UINT64_MAX >> shift)
		return false;
	*ret_bytes = number << shift;
	return true;
}
