/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "rootfs/steps.h"

/* Any bytes as the options of a bind and of a tmpfs, a line an option. Of what is accepted each id map has
 * ranges, none of them empty, and no option is taken for two. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OPTIONS_MOST = 16 };

static void must_be_ranges(const id_map_list *maps)
{
	if (!maps)
		return;
	if (maps->count == 0)
		abort();
	for (size_t i = 0; i < maps->count; i++)
		if (maps->item[i].size == 0)
			abort();
}

/* So many words at most: a comma ends one too. */
static size_t words_most(const text_list *options)
{
	size_t count = options->count;

	for (size_t i = 0; i < options->count; i++)
		for (const char *at = options->item[i]; (at = strchr(at, ',')); at++)
			count++;
	return count;
}

static void plan(const char *type, const text_list *options, struct arena *arena)
{
	static struct spec_id_map ranges[] = {
		{0,    100000, 1000 },
		{1000, 200000, 64536}
        };
	static const struct host host = {.privileged = true, .made_up = true};
	struct spec_mount mount = {.destination = "/x",
	                           .type = type,
	                           .source = "/y",
	                           .options = *options};
	struct spec spec = {
		.root_path = "rootfs",
		.mounts = {&mount, 1}
        };
	struct rootfs_request request = {.spec = &spec, .host = &host, .bundle = "/bundle"};
	struct rootfs_plan *made = NULL;
	struct error err;

	spec.linux_.namespaces[NAMESPACE_MOUNT].set = true;
	spec.linux_.namespaces[NAMESPACE_USER].set = true;
	spec.linux_.uid_mappings = spec.linux_.gid_mappings = (id_map_list){ranges, 2};
	if (rootfs_plan(&request, arena, &made, &err) < 0)
		return;
	if (made->mounts[0].data_count > words_most(options))
		abort();
	for (size_t i = 0; i < made->idmaps_count; i++) {
		must_be_ranges(made->idmaps[i].uids);
		must_be_ranges(made->idmaps[i].gids);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(16 << 20);
	const char *words[OPTIONS_MOST];
	text_list options = {words, 0};
	char *text = arena ? arena_text_n(arena, (const char *)data, size) : NULL;
	char *next = text;

	if (!text || strlen(text) != size)
		return 0;
	while (options.count < OPTIONS_MOST && (text = strsep(&next, "\n")))
		words[options.count++] = text;
	plan("bind", &options, arena);
	plan("tmpfs", &options, arena);
	return 0;
}
