/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SPEC_READING_H
#define TESTS_UNIT_SPEC_READING_H

/* Reading in tests: texts of which only the part in question is written out. Needs cmocka.h. */

#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "spec/spec.h"
#include "tests/unit/cmocka.h"

/* cmocka's own would call our fail() */
#define FAIL(...)                                                                                  \
	do {                                                                                       \
		print_error(__VA_ARGS__);                                                          \
		print_error("\n");                                                                 \
		_fail(__FILE__, __LINE__);                                                         \
	} while (0)

static inline struct arena *new_arena(void)
{
	struct arena *arena = arena_new(64 << 20);

	assert_non_null(arena);
	return arena;
}

/* An error that isn't expected ends the test with its text. */
static inline void read_well(int result, const struct error *err)
{
	if (result < 0)
		FAIL("%s: %s", err->object, err->reason);
}

static inline const struct spec *read_spec(struct arena *arena, const char *members)
{
	const char *text = arena_format(arena, "{\"ociVersion\": \"1.3.0\"%s%s}",
	                                *members ? ", " : "", members);
	const struct spec *spec = NULL;
	struct error err = {0};

	assert_non_null(text);
	read_well(spec_read("config.json", text, strlen(text), arena, &spec, &err), &err);
	assert_non_null(spec);
	return spec;
}

/* A refusal has the kind of all refusals, exactly this object and this in its reason. */
static inline void refused_as(const struct error *err, const char *object, const char *part)
{
	assert_int_equal(err->kind, ERROR_CONFIG);
	assert_string_equal(err->object, object);
	if (!strstr(err->reason, part))
		FAIL("%s: '%s' is not in '%s'", object, part, err->reason);
}

struct refusal {
	const char *members; /* of config.json, beside ociVersion */
	const char *object;
	const char *part;
};

static inline void refused(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct arena *arena = new_arena();
		const char *text =
			arena_format(arena, "{\"ociVersion\": \"1.3.0\", %s}", refusals[i].members);
		const struct spec *spec = NULL;
		struct error err = {0};

		if (spec_read("config.json", text, strlen(text), arena, &spec, &err) == 0)
			FAIL("taken: %s", refusals[i].members);
		assert_null(spec);
		refused_as(&err, refusals[i].object, refusals[i].part);
		arena_free(arena);
	}
}

static inline void texts_are(const text_list *list, const char *joined)
{
	char text[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < list->count; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
		                           i ? " " : "", list->item[i]);
	assert_string_equal(text, joined);
}

#endif
