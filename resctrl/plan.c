/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"

#include "parts.h"

enum { RDTGROUP_MAGIC = 0x7655821, SCHEMATA_LIMIT = 1 << 16 };

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

	return named && *named ? named : id;
}

/* A group that others are in too is used as it is. */
static int check_there(const struct resctrl_plan *plan, int root, struct arena *arena,
                       struct error *err)
{
	owned_fd dir = path_open_strict(root, plan->group, O_PATH | O_DIRECTORY, err);
	size_t length;
	char *there;

	if (dir < 0 ||
	    fd_read_file(dir, "schemata", SCHEMATA_LIMIT, arena, &there, &length, err) < 0)
		return -1;
	if (!schemata_agree(plan->schemata, there))
		return fail(err, ERROR_CONFIG, plan->group,
		            "the group is there, with other schemata than these");
	return 0;
}

int resctrl_plan(const struct spec *spec, const char *id, int root, struct arena *arena,
                 struct resctrl_plan **ret_plan, struct error *err)
{
	const char *named = spec->linux_.intel_rdt.clos_id;
	struct resctrl_plan *plan = ARENA_NEW(arena, struct resctrl_plan);
	bool shared = named && *named;

	if (!plan)
		return arena_check(arena, err);
	plan->group = group_name(spec, id);
	plan->schemata = schemata_join(spec->linux_.intel_rdt.l3_cache_schema,
	                               spec->linux_.intel_rdt.mem_bw_schema,
	                               &spec->linux_.intel_rdt.schemata, arena);
	if (spec->linux_.intel_rdt.enable_monitoring)
		plan->monitor = arena_format(arena, "%s/mon_groups/%s", plan->group, id);
	plan->makes_group = faccessat(root, plan->group, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	if (plan->makes_group && errno != ENOENT)
		return fail_errno(err, "linux.intelRdt.closID", "look up");
	if (shared && plan->makes_group && !plan->schemata)
		return fail(err, ERROR_CONFIG, "linux.intelRdt.closID",
		            "there is no group '%.100s', and no schemata to make one with", named);
	if (shared && !plan->makes_group && plan->schemata &&
	    check_there(plan, root, arena, err) < 0)
		return error_within(err, "linux.intelRdt");
	if (!shared) /* one of our id is ours, also when an earlier life has left it */
		plan->makes_group = true;
	*ret_plan = plan;
	return arena_check(arena, err);
}

const char *resctrl_makes(const struct resctrl_plan *plan, struct arena *arena)
{
	return arena_format(arena, "%s%s%s%s", plan->monitor ? plan->monitor : "",
	                    plan->monitor ? "\n" : "", plan->makes_group ? plan->group : "",
	                    plan->makes_group ? "\n" : "");
}
