/* SPDX-License-Identifier: Apache-2.0 */
/* Whose ids an id-mapped mount shows. Three ways to say it: uidMappings and gidMappings of the mount; the
 * word idmap or ridmap alone, for the container's user namespace; crun's
 * idmap=uids=0-1-10#10-11-10;gids=0-100-10, triplets of the file system's first id, the host's first id,
 * and how many. With '@' in front of a triplet its second number is one of the container. */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"

#include "steps.h"

enum { RANGES_MOST = 340 }; /* of a user namespace: user_namespaces(7) */

/* ---- crun's words ---- */

/* A decimal number that ends before one of the bytes in ends, or at the end. */
static bool read_number(const char **at, uint32_t *ret)
{
	size_t digits = strspn(*at, "0123456789");
	char text[16];
	uint64_t number = 0;

	if (digits == 0 || digits >= sizeof(text))
		return false;
	memcpy(text, *at, digits);
	text[digits] = '\0';
	if (!text_to_u64(text, &number) || number > UINT32_MAX)
		return false;
	*at += digits;
	*ret = (uint32_t)number;
	return true;
}

static bool read_triplet(const char **at, struct spec_id_map *ret)
{
	uint32_t *const numbers[] = {&ret->container_id, &ret->host_id, &ret->size};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (i > 0 && *(*at)++ != '-')
			return false;
		if (!read_number(at, numbers[i]))
			return false;
	}
	return ret->size > 0;
}

/* An id of the container becomes that of the host, by the range of its user namespace that has it. */
static int make_absolute(const id_map_list *container, struct spec_id_map *map, struct error *err)
{
	for (size_t i = 0; i < container->count; i++) {
		const struct spec_id_map *range = &container->item[i];
		uint32_t above = map->host_id - range->container_id;

		if (map->host_id < range->container_id || above >= range->size)
			continue;
		if (map->size > range->size - above)
			return fail(
				err, ERROR_CONFIG, "",
				"idmap: '@' and %u ids from %u on reach over the end of a range "
				"of the user namespace: split them",
				map->size, map->host_id);
		map->host_id = range->host_id + above;
		return 0;
	}
	return fail(err, ERROR_CONFIG, "", "idmap: '@': the user namespace has no id %u",
	            map->host_id);
}

/* The triplets of one kind, up to ';' or the end. */
static int read_triplets(const char **at, const id_map_list *container, struct arena *arena,
                         id_map_list *ret, struct error *err)
{
	ret->item = arena_alloc(arena, RANGES_MOST, sizeof(*ret->item));
	if (!ret->item)
		return arena_check(arena, err);
	do {
		struct spec_id_map *map = &ret->item[ret->count];
		bool relative = **at == '@';

		*at += relative;
		if (ret->count == RANGES_MOST || !read_triplet(at, map))
			return fail(err, ERROR_CONFIG, "",
			            "idmap: expected uids=FROM-TO-COUNT#…;gids=FROM-TO-COUNT#…");
		if (relative && make_absolute(container, map, err) < 0)
			return -1;
		ret->count++;
	} while (**at == '#' && (*at)++);
	return 0;
}

struct maps {
	id_map_list uids, gids;
};

static int read_ids(const char *text, const struct spec_linux *spec, struct arena *arena,
                    struct maps *ret, struct error *err)
{
	static const char uids[] = "uids=", gids[] = "gids=";

	while (*text) {
		bool is_uids = text_begins(text, uids);
		id_map_list *list = is_uids ? &ret->uids : &ret->gids;

		if ((!is_uids && !text_begins(text, gids)) || list->count > 0)
			return fail(err, ERROR_CONFIG, "",
			            "idmap: expected 'uids=' and 'gids=', each once");
		text += strlen(uids);
		if (read_triplets(&text, is_uids ? &spec->uid_mappings : &spec->gid_mappings, arena,
		                  list, err) < 0)
			return -1;
		if (*text && *text++ != ';')
			return fail(err, ERROR_CONFIG, "",
			            "idmap: expected '#' or ';' behind a triplet");
	}
	if (ret->uids.count == 0 || ret->gids.count == 0)
		return fail(err, ERROR_CONFIG, "", "idmap: both 'uids=' and 'gids=' are needed");
	return 0;
}

/* ---- each mapping once ---- */

static bool is_same(const id_map_list *a, const id_map_list *b)
{
	if (!a || !b)
		return a == b;
	return a->count == b->count && memcmp(a->item, b->item, a->count * sizeof(*a->item)) == 0;
}

/* Returns  its number + 1. */
static size_t note(struct rootfs_plan *plan, size_t mount, const id_map_list *uids,
                   const id_map_list *gids)
{
	for (size_t i = 0; i < plan->idmaps_count; i++)
		if (is_same(plan->idmaps[i].uids, uids) && is_same(plan->idmaps[i].gids, gids))
			return i + 1;
	plan->idmaps[plan->idmaps_count] =
		(struct rootfs_idmap){.mount = mount, .uids = uids, .gids = gids, .fd = -1};
	return ++plan->idmaps_count;
}

static int refuse(const struct rootfs_request *request, const struct spec_mount *asked,
                  const struct rootfs_mount *mount, struct error *err)
{
	const struct spec_namespace *user = &request->spec->linux_.namespaces[NAMESPACE_USER];
	bool mapped = asked->uid_mappings.count > 0;

	if (!mount->bind)
		return fail(err, ERROR_UNSUPPORTED, "", "id maps are for a bind mount");
	if (!request->host->privileged)
		return fail(err, ERROR_UNSUPPORTED, "",
		            "an id-mapped mount needs the rights of the host's root");
	if (mapped && mount->ids && *mount->ids)
		return fail(err, ERROR_CONFIG, "", "idmap: the mount has uidMappings too");
	if (!mapped && !(mount->ids && *mount->ids) && !user->set)
		return fail(err, ERROR_CONFIG, "",
		            "idmap: without a user namespace the mount needs uidMappings and "
		            "gidMappings");
	return 0;
}

int rootfs_plan_idmap(const struct rootfs_request *request, struct arena *arena,
                      struct rootfs_plan *plan, struct rootfs_mount *mount, struct error *err)
{
	const struct spec_mount *asked = &request->spec->mounts.item[mount->index];
	bool mapped = asked->uid_mappings.count > 0 || asked->gid_mappings.count > 0;
	const char *member = mount->ids ? "options" : "uidMappings";
	struct maps *maps;

	if (!mapped && !mount->ids)
		return 0;
	if (refuse(request, asked, mount, err) < 0)
		return error_within(err, "mounts[%zu].%s", mount->index, member);
	if (mapped) {
		mount->idmap = note(plan, mount->index, &asked->uid_mappings, &asked->gid_mappings);
		return 0;
	}
	if (!*mount->ids) {
		mount->idmap = note(plan, mount->index, NULL, NULL);
		return 0;
	}
	maps = ARENA_NEW(arena, struct maps);
	if (!maps)
		return arena_check(arena, err);
	if (read_ids(mount->ids, &request->spec->linux_, arena, maps, err) < 0)
		return error_within(err, "mounts[%zu].options", mount->index);
	mount->idmap = note(plan, mount->index, &maps->uids, &maps->gids);
	return 0;
}

struct rootfs_idmap *rootfs_idmaps(struct rootfs_plan *plan, size_t *ret_count)
{
	*ret_count = plan->idmaps_count;
	return plan->idmaps;
}
