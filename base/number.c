/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "table.h"
#include "text.h"

/* In the order of search: "m" begins "ms" too. */
static const struct word durations[] = {
	{"ns", 1            },
        {"us", 1000         },
        {"ms", 1000000      },
	{"s",  1000000000   },
        {"m",  60000000000  },
        {"h",  3600000000000},
};

/* Read decimal digits from *text on, at least one.
 * Returns  true, *ret, and *text behind the last digit; false where there is none or too many. */
static bool take_digits(const char **text, uint64_t *ret)
{
	const char *at = *text;
	uint64_t number = 0;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return false;
	if (at == *text)
		return false;
	*text = at;
	*ret = number;
	return true;
}

/* The same without a leading zero but "0" itself. */
static bool take_decimal(const char **text, uint64_t *ret)
{
	if ((*text)[0] == '0' && (*text)[1] >= '0' && (*text)[1] <= '9')
		return false;
	return take_digits(text, ret);
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

/* The unit at *text, in nanoseconds; *text is behind it. false: there is none. */
static bool take_unit(const char **text, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++)
		if (text_begins(*text, durations[i].word)) {
			*text += strlen(durations[i].word);
			*ret = (uint64_t)durations[i].value;
			return true;
		}
	return false;
}

/* The digits behind a point, as so many parts of scale. */
static bool take_fraction(const char **text, uint64_t *ret_digits, uint64_t *ret_scale)
{
	const char *begin = *text;

	*ret_digits = 0;
	*ret_scale = 1;
	for (; **text >= '0' && **text <= '9'; (*text)++)
		if (*ret_scale < 1000000) { /* digit * unit must stay below 2^64 */
			*ret_digits = *ret_digits * 10 + (uint64_t)(**text - '0');
			*ret_scale *= 10;
		}
	return *text != begin;
}

/* "1.5h" */
static bool take_duration(const char **text, uint64_t *ret)
{
	uint64_t whole, unit, digits = 0, scale = 1;

	if (!take_digits(text, &whole))
		return false;
	if (**text == '.') {
		(*text)++;
		if (!take_fraction(text, &digits, &scale))
			return false;
	}
	return take_unit(text, &unit) && !__builtin_mul_overflow(whole, unit, ret) &&
	       !__builtin_add_overflow(
		       *ret, digits * (unit / scale) + digits * (unit % scale) / scale, ret);
}

bool text_to_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t sum = 0, part;

	if (text_to_u64(text, &part)) {
		if (__builtin_mul_overflow(part, (uint64_t)1000000000, &sum))
			return false;
		*ret_ns = sum;
		return true;
	}
	do {
		if (!take_duration(&text, &part) || __builtin_add_overflow(sum, part, &sum))
			return false;
	} while (*text);
	*ret_ns = sum;
	return true;
}
