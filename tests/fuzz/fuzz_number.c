/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/store.h"

/* Any text as each kind of number and as an id. A number that is taken says the same when it is printed: nothing that
 * is none is 0. An id that is taken can be a file's name. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be(const char *text, const char *printed)
{
	if (strcmp(printed, text) != 0)
		abort();
}

static void check_numbers(const char *text)
{
	char printed[32];
	uint64_t u64;
	int64_t i64;
	uint32_t u32;

	if (text_to_u64(text, &u64)) {
		(void)snprintf(printed, sizeof(printed), "%" PRIu64, u64);
		must_be(text, printed);
	}
	if (text_to_i64(text, &i64)) {
		(void)snprintf(printed, sizeof(printed), "%" PRId64, i64);
		must_be(text, printed);
	}
	if (text_to_u32(text, &u32)) {
		(void)snprintf(printed, sizeof(printed), "%" PRIu32, u32);
		must_be(text, printed);
	}
	if (text_to_size(text, &u64) && !strpbrk(text, "0123456789"))
		abort();
	if (text_to_duration(text, &u64) && !strpbrk(text, "0123456789"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256];
	struct error err = {0};

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_numbers(text);
	if (identifier_check(text, &err) < 0)
		return err.reason[0] ? 0 : (abort(), 0);
	if (!*text || strchr(text, '/') || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		abort();
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			abort();
	return 0;
}
