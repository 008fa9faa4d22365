/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

void spec_write_maps(struct json_writer *w, const char *key, const id_map_list *maps)
{
	json_open(w, key, '[');
	for (size_t i = 0; i < maps->count; i++) {
		json_open(w, NULL, '{');
		json_u64(w, "containerID", maps->item[i].container_id);
		json_u64(w, "hostID", maps->item[i].host_id);
		json_u64(w, "size", maps->item[i].size);
		json_close(w);
	}
	json_close(w);
}

bool spec_map_id(const id_map_list *maps, uint32_t id, uint32_t *ret_host)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct spec_id_map *map = &maps->item[i];

		if (id < map->container_id || id - map->container_id >= map->size)
			continue;
		if (ret_host)
			*ret_host = map->host_id + (id - map->container_id);
		return true;
	}
	return false;
}
