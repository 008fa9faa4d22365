/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "spec/spec.h"

#include "document.h"
#include "must.h"

/* Any bytes as what a guest says that it uses. What is accepted must be JSON when it is written, and the same when it
 * is packed again. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
DOCUMENT_FUZZER(NULL)

static void unpack(const char *bytes, size_t length, struct arena *arena, struct stats *ret)
{
	const struct json *top;
	struct error err;

	must(json_read("again", bytes, length, arena, &top, &err) == 0);
	must(stats_unpack(top, arena, ret, &err) == 0);
}

static void check_packed(const struct stats *stats, struct arena *arena)
{
	owned_text struct text first = {0}, second = {0};
	struct json_writer v = {.out = &first}, w = {.out = &second};
	struct stats again;

	stats_pack(&v, stats);
	unpack(first.bytes, first.length, arena, &again);
	stats_pack(&w, &again);
	must(first.length == second.length && memcmp(first.bytes, second.bytes, first.length) == 0);
}

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
	check_packed(&stats, arena);
	stats_write(&w, NULL, &stats);
	if (text_check(&out, &err) < 0 ||
	    json_read("stats", out.bytes, out.length, arena, &top, &err) < 0)
		abort();
	return 0;
}
