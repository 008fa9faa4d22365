/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "uri.h"

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, c | ('A' <= c && c <= 'F' ? 0x20 : 0)) : NULL;

	return found ? (int)(found - digits) : -1;
}

void uri_decode(char *text, bool plus)
{
	char *to = text;

	for (; *text; text++) {
		int high = *text == '%' ? digit(text[1]) : -1;
		int low = high >= 0 ? digit(text[2]) : -1;
		unsigned char byte;

		if (high >= 0 && low >= 0) {
			byte = (unsigned char)(16 * high + low);
			memcpy(to++, &byte, 1);
			text += 2;
		} else {
			*to = *text;
			if (plus && *text == '+')
				*to = ' ';
			to++;
		}
	}
	*to = '\0';
}

char *uri_split(char *uri)
{
	char *query;

	uri[strcspn(uri, "#")] = '\0';
	query = strchr(uri, '?');
	if (query)
		*query++ = '\0';
	uri_decode(uri, false);
	return query;
}
