/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/json_read.h"
#include "spec/spec.h"

#include "document.h"

/* Any bytes as what a guest says that it uses. What is accepted must be JSON when it is written. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
DOCUMENT_FUZZER(NULL)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(64 << 20);
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};
	const struct json *top;
	struct stats stats;
	struct error err;

	if (!arena || json_read("stats", (const char *)data, size, arena, &top, &err) < 0 ||
	    stats_unpack(top, arena, &stats, &err) < 0)
		return 0;
	stats_write(&w, NULL, &stats);
	if (text_check(&out, &err) < 0 ||
	    json_read("stats", out.bytes, out.length, arena, &top, &err) < 0)
		abort();
	return 0;
}
