/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of others that a plain user was given, and the maps made of them. Spec: subuid(5), subgid(5). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/owner.h"
#include "base/text.h"

#include "parts.h"

enum { FILE_LIMIT = 4 << 20 };

/* ---- a file ---- */

/* OWNER:FIRST:COUNT, taken apart. UINT32_MAX is no id. */
static bool read_line(char *line, const char *name, uint32_t uid, struct spec_id_map *ret)
{
	const char *owner = strsep(&line, ":"), *first = strsep(&line, ":");
	uint32_t number;

	if (!line || !text_to_u32(first, &ret->host_id) || !text_to_u32(line, &ret->size))
		return false;
	if (ret->size == 0 || ret->size > UINT32_MAX - ret->host_id)
		return false;
	return (name && strcmp(owner, name) == 0) || (text_to_u32(owner, &number) && number == uid);
}

/* Both end below 2^32. */
static bool overlap(const struct spec_id_map *a, const struct spec_id_map *b)
{
	return a->host_id < b->host_id + b->size && b->host_id < a->host_id + a->size;
}

/* Whether it has none that is mapped elsewhere: the kernel takes no id twice. */
static bool is_free(const struct spec_id_map *range, uint32_t own, const struct spec_id_map *others,
                    size_t count)
{
	if (own >= range->host_id && own - range->host_id < range->size)
		return false;
	for (size_t i = 0; i < count; i++)
		if (overlap(range, &others[i]))
			return false;
	return true;
}

size_t subids_in(char *bytes, const char *name, uint32_t uid, uint32_t own, struct spec_id_map *ret)
{
	size_t count = 0;

	while (bytes && count < SUBIDS_MOST) {
		char *line = strsep(&bytes, "\n");
		struct spec_id_map range = {0};

		if (read_line(line, name, uid, &range) && is_free(&range, own, ret, count))
			ret[count++] = range;
	}
	return count;
}

/* ---- maps ---- */

static void add(id_map_list *maps, uint32_t inside, uint32_t outside, uint32_t size)
{
	if (size > 0)
		maps->item[maps->count++] = (struct spec_id_map){inside, outside, size};
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void subids_spread(const struct spec_id_map *ranges, size_t count, uint32_t id, uint32_t own,
                   id_map_list *ret)
{
	uint32_t below = 0, above = id < UINT32_MAX ? id + 1 : id;

	add(ret, id, own, 1);
	for (size_t i = 0; i < count; i++) {
		uint32_t low = lesser(ranges[i].size, id - below);
		uint32_t high = lesser(ranges[i].size - low, UINT32_MAX - above);

		add(ret, below, ranges[i].host_id, low);
		add(ret, above, ranges[i].host_id + low, high);
		below += low;
		above += high;
	}
}

/* ---- both files ---- */

struct given {
	struct spec_id_map ranges[SUBIDS_MOST];
	size_t count;
};

static void look_up(const char *file, const char *name, uint32_t uid, uint32_t own,
                    struct arena *arena, struct given *ret)
{
	struct error why;
	size_t length;
	char *bytes;

	ret->count = 0;
	if (fd_read_file(AT_FDCWD, file, FILE_LIMIT, arena, &bytes, &length, &why) == 0)
		ret->count = subids_in(bytes, name, uid, own, ret->ranges);
	else if (why.errnum != ENOENT)
		log_dropped("subordinate ids", &why);
}

/* Whether there are ids beside our own, of both kinds, and who may write them into a map. */
static bool look(const struct host *host, struct arena *arena, struct given *uids,
                 struct given *gids)
{
	const char *name;

	uids->count = gids->count = 0;
	if (host->made_up)
		return false;
	name = owner_name(host->uid, arena);
	look_up("/etc/subuid", name, host->uid, host->uid, arena, uids);
	look_up("/etc/subgid", name, host->uid, host->gid, arena, gids);
	return uids->count > 0 && gids->count > 0 &&
	       (id_maps_may_be_any(host) || id_maps_have_helpers(arena));
}

int process_plan_id_maps(const struct spec_user *user, const struct host *host, struct arena *arena,
                         id_map_list *ret_uids, id_map_list *ret_gids)
{
	struct given uids, gids;
	bool more = look(host, arena, &uids, &gids);

	*ret_uids = *ret_gids = (id_map_list){0};
	ret_uids->item = arena_alloc(arena, 1 + 2 * SUBIDS_MOST, sizeof(*ret_uids->item));
	ret_gids->item = arena_alloc(arena, 1 + 2 * SUBIDS_MOST, sizeof(*ret_gids->item));
	if (!ret_uids->item || !ret_gids->item)
		return -1;
	subids_spread(uids.ranges, more ? uids.count : 0, user->uid, host->uid, ret_uids);
	subids_spread(gids.ranges, more ? gids.count : 0, user->gid, host->gid, ret_gids);
	return 0;
}
