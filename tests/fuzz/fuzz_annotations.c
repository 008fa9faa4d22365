/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cgroups/systemd.h"

/* A line as the name of a unit's property, the rest as its value in gvariant's text. What is taken is a name, a type
 * that we know to write, and a value that is text. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(4 << 20);
	struct systemd_scope scope = {.unit = "fuzz.scope", .slice = "fuzz.slice"};
	struct spec spec = {0};
	struct key_value item;
	struct error err = {0};
	char *text;
	size_t name;

	if (!arena)
		return 0;
	text = arena_alloc(arena, size + 1, 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!text_is_utf8(text, strlen(text)))
		return 0;
	name = strcspn(text, "\n");
	item.value = text[name] ? text + name + 1 : "";
	text[name] = '\0';
	item.key = arena_format(arena, "org.systemd.property.%s", text);
	spec.annotations.item = &item;
	spec.annotations.count = 1;
	if (!item.key)
		return 0;
	if (systemd_annotations(&spec, arena, &scope, &err) < 0) {
		if (!err.reason[0] || !err.object[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < scope.count; i++)
		if (!scope.property[i].name || !*scope.property[i].type || !scope.property[i].value)
			abort();
	return 0;
}
