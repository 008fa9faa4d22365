/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rootfs/steps.h"

/* Lines of bytes as the option words of a mount. What is taken has a word for every datum, of which
 * there are no more than commas and ends. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"tmpfs", "bind", "overlay", "proc", "cgroup", "none"};
	owned_arena struct arena *arena = arena_new(4 << 20);
	const char *words[WORDS] = {NULL};
	struct spec_mount asked = {.destination = "/x", .source = "/source"};
	struct rootfs_mount mount = {.fd = -1};
	struct error err = {0};
	size_t most = 0;
	char *text, *at;

	if (!arena || size == 0)
		return 0;
	asked.type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	text = arena_alloc(arena, size + 1, 1);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (!text_is_utf8(text, strlen(text)))
		return 0;
	for (at = text; *at && asked.options.count < WORDS;) {
		words[asked.options.count++] = at;
		at += strcspn(at, "\n");
		if (*at)
			*at++ = '\0';
	}
	asked.options.item = words;
	if (rootfs_read_options(&asked, arena, &mount, &err) < 0) {
		if (!err.reason[0] || !err.object[0])
			abort();
		return 0;
	}
	most = asked.options.count;
	for (size_t i = 0; i < asked.options.count; i++)
		for (const char *comma = words[i]; (comma = strchr(comma, ',')); comma++)
			most++;
	if (mount.data_count > most)
		abort();
	for (size_t i = 0; i < mount.data_count; i++)
		if (!mount.data[i].key || !mount.data[i].word[0] ||
		    mount.data[i].option >= asked.options.count)
			abort();
	return 0;
}
