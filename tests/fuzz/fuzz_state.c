/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "base/text.h"
#include "spec/spec.h"

#include "document.h"

/* Read any bytes as state.json. What is taken must say the same when it is written and read once more, and its other
 * form, the specification's, must be JSON. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
DOCUMENT_FUZZER(NULL)

static void written(const struct state *state, struct text *out, bool oci)
{
	struct json_writer w = {.out = out};
	struct error err;

	if (oci) {
		json_open(&w, NULL, '{');
		state_write_oci(&w, state);
		json_close(&w);
	} else {
		state_write(&w, state);
	}
	if (text_check(out, &err) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(8 << 20);
	owned_text struct text first = {0}, second = {0}, oci = {0};
	struct state state = {.id = "fuzz"}, again = {.id = "fuzz"};
	const struct json *top;
	struct error err = {0};

	if (!arena)
		return 0;
	if (state_read((const char *)data, size, arena, &state, &err) < 0) {
		if (!err.reason[0])
			abort();
		return 0;
	}
	written(&state, &first, false);
	if (state_read(first.bytes, first.length, arena, &again, &err) < 0)
		abort();
	written(&again, &second, false);
	if (first.length != second.length || memcmp(first.bytes, second.bytes, first.length) != 0)
		abort();
	written(&state, &oci, true);
	if (json_read("oci", oci.bytes, oci.length, arena, &top, &err) < 0)
		abort();
	return 0;
}
