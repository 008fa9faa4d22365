/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "microvm/image/modules.h"

/* Read any text as modules.dep and, behind a form feed, modules.builtin. In what is accepted each line
 * names a module of the list, and no module stands there twice. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct modules *modules)
{
	for (size_t i = 0; i < modules->lines_count; i++)
		if (modules->lines[i].module >= modules->count)
			abort();
	for (size_t i = 0; i < modules->count; i++)
		for (size_t j = 0; j < i; j++)
			if (modules->list[i].path == modules->list[j].path ||
			    strchr(modules->list[i].file, '/'))
				abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(16 << 20);
	struct modules modules;
	struct error err;
	char *dep, *builtin;

	if (!arena)
		return 0;
	dep = arena_text_n(arena, (const char *)data, strnlen((const char *)data, size));
	if (!dep)
		return 0;
	builtin = strchr(dep, '\f');
	if (builtin)
		*builtin++ = '\0';
	if (modules_resolve(dep, builtin ? builtin : "", arena, &modules, &err) == 0)
		check(&modules);
	return 0;
}
