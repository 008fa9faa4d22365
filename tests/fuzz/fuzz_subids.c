/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "runtime/process/parts.h"

/* Any bytes as /etc/subuid, after four that say who is in the container. Maps that come of it are what the kernel
 * takes: no id is there twice, on either side, none is empty, none reaches 2^32, and the user is mapped to the
 * caller. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLER = 1000 };

static bool meet(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return (uint64_t)a < (uint64_t)b + b_size && (uint64_t)b < (uint64_t)a + a_size;
}

static void must_be_taken(const id_map_list *maps)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct spec_id_map *a = &maps->item[i];

		if (a->size == 0 || a->size > UINT32_MAX - a->container_id ||
		    a->size > UINT32_MAX - a->host_id)
			abort();
		for (size_t j = 0; j < i; j++) {
			const struct spec_id_map *b = &maps->item[j];

			if (meet(a->container_id, a->size, b->container_id, b->size) ||
			    meet(a->host_id, a->size, b->host_id, b->size))
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec_id_map ranges[SUBIDS_MOST], items[1 + 2 * SUBIDS_MOST];
	id_map_list maps = {.item = items};
	uint32_t id;
	size_t count;
	char *file;

	if (size < sizeof(id))
		return 0;
	memcpy(&id, data, sizeof(id));
	if (id == UINT32_MAX) /* refused as an id */
		return 0;
	size -= sizeof(id);
	file = malloc(size + 1);
	if (!file)
		return 0;
	memcpy(file, data + sizeof(id), size);
	file[size] = '\0';
	count = subids_in(file, "rower", CALLER, CALLER, ranges);
	subids_spread(ranges, count, id, CALLER, &maps);
	must_be_taken(&maps);
	if (items[0].container_id != id || items[0].host_id != CALLER)
		abort();
	free(file);
	return 0;
}
