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

bool spec_is_mapped(const id_map_list *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->count; i++)
		if (id >= maps->item[i].container_id &&
		    id - maps->item[i].container_id < maps->item[i].size)
			return true;
	return false;
}
