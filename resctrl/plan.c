/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"

#include "parts.h"

enum { RDTGROUP_MAGIC = 0x7655821 };

int resctrl_open(struct error *err)
{
	owned_fd root = open("/sys/fs/resctrl", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || !path_is_on(root, RDTGROUP_MAGIC))
		return fail(err, ERROR_UNSUPPORTED, "/sys/fs/resctrl",
		            "resctrl is not mounted there, or this processor has none");
	return take_fd(&root);
}

const char *group_name(const struct spec *spec, const char *id)
{
	const char *named = spec->linux_.intel_rdt.clos_id;

	if (!named || !*named)
		return id;
	return strcmp(named, "/") == 0 ? DEFAULT_GROUP : named;
}

int resctrl_plan(const struct spec *spec, const char *id, int root, struct arena *arena,
                 struct resctrl_plan **ret_plan, struct error *err)
{
	const char *named = spec->linux_.intel_rdt.clos_id;
	struct resctrl_plan *plan = ARENA_NEW(arena, struct resctrl_plan);

	if (!plan)
		return arena_check(arena, err);
	plan->shared = named && *named;
	plan->group = group_name(spec, id);
	plan->schemata = schemata_join(spec->linux_.intel_rdt.l3_cache_schema,
	                               spec->linux_.intel_rdt.mem_bw_schema,
	                               &spec->linux_.intel_rdt.schemata, arena);
	if (spec->linux_.intel_rdt.enable_monitoring)
		plan->monitor = arena_format(arena, "%s/mon_groups/%s", plan->group, id);
	plan->makes_group = faccessat(root, plan->group, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	if (plan->makes_group && errno != ENOENT)
		return fail_errno(err, "linux.intelRdt.closID", "look up");
	if (plan->shared && plan->makes_group && !plan->schemata)
		return fail(err, ERROR_CONFIG, "linux.intelRdt.closID",
		            "there is no group '%.100s', and no schemata to make one with", named);
	if (plan->shared && !plan->makes_group && plan->schemata &&
	    schemata_check(root, plan->group, plan->schemata, err) < 0)
		return error_within(err, "linux.intelRdt");
	if (!plan->shared) /* one of our id is ours, also when an earlier life has left it */
		plan->makes_group = true;
	*ret_plan = plan;
	return arena_check(arena, err);
}

const char *resctrl_makes(const struct resctrl_plan *plan, struct arena *arena)
{
	return arena_format(arena, "%s%s%s%s", plan->monitor ? plan->monitor : "",
	                    plan->monitor ? "\n" : "", plan->shared ? "" : plan->group,
	                    plan->shared ? "" : "\n");
}
