/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain user's container is given that its config does not ask for, and what it can't have then. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "runtime/process/process.h"

#include "plan.h"

/* Whether an option gives terminals to a group that is nobody's in there: gid=5 of the usual configs, where one id is
 * all that is mapped. The kernel would refuse the mount; without it they are their owner's. */
static bool is_nobodys(const char *option, const id_map_list *gids)
{
	uint32_t gid;

	return text_begins(option, "gid=") && text_to_u32(option + strlen("gid="), &gid) &&
	       !spec_map_id(gids, gid, NULL);
}

static void leave_groups(struct spec *spec, struct arena *arena)
{
	struct spec_mount *mounts = arena_alloc(arena, spec->mounts.count + 1, sizeof(*mounts));

	for (size_t i = 0; mounts && i < spec->mounts.count; i++) {
		struct spec_mount *mount = &mounts[i];
		const text_list asked = spec->mounts.item[i].options;

		*mount = spec->mounts.item[i];
		if (!mount->type || strcmp(mount->type, "devpts") != 0)
			continue;
		mount->options.count = 0;
		mount->options.item = arena_alloc(arena, asked.count + 1, sizeof(*asked.item));
		for (size_t j = 0; mount->options.item && j < asked.count; j++)
			if (is_nobodys(asked.item[j], &spec->linux_.gid_mappings))
				log_debug("mounts[%zu].options[%zu]: '%s' is not mapped: done "
				          "without",
				          i, j, asked.item[j]);
			else
				mount->options.item[mount->options.count++] = asked.item[j];
	}
	spec->mounts.item = mounts;
}

const struct spec *plan_in_user_namespace(const struct spec *asked, const id_map_list *uids,
                                          const id_map_list *gids, struct arena *arena)
{
	struct spec *spec = ARENA_NEW(arena, struct spec);

	if (!spec)
		return NULL;
	*spec = *asked;
	spec->linux_.namespaces[NAMESPACE_USER] = (struct spec_namespace){.set = true};
	spec->linux_.uid_mappings = *uids;
	spec->linux_.gid_mappings = *gids;
	leave_groups(spec, arena);
	return spec->mounts.item ? spec : NULL;
}

int plan_user_namespace(const struct spec **spec, const struct host *host, struct arena *arena,
                        struct error *err)
{
	const struct spec *asked = *spec, *given;
	id_map_list uids, gids;

	if (host->privileged || asked->linux_.namespaces[NAMESPACE_USER].set)
		return 0;
	if (process_plan_id_maps(&asked->process.user, host, arena, &uids, &gids) < 0)
		return arena_check(arena, err);
	given = plan_in_user_namespace(asked, &uids, &gids, arena);
	if (!given)
		return arena_check(arena, err);
	*spec = given;
	return 1;
}
