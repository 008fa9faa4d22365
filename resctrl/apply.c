/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"

#include "parts.h"

enum { PATH_SIZE = 4096 };

static int make(int root, const char *path, struct error *err)
{
	if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
		return fail_errno(err, path, "mkdir");
	return 0;
}

/* One that has come since it was looked for is another container's, or, of our id, what an earlier life has left. */
static int make_group(const struct resctrl_plan *plan, int root, struct error *err)
{
	bool made = mkdirat(root, plan->group, 0755) == 0;

	if (!made && errno != EEXIST)
		return fail_errno(err, plan->group, "mkdir");
	if (!plan->schemata)
		return 0;
	if (!made && plan->shared)
		return schemata_check(root, plan->group, plan->schemata, err);
	if (schemata_write(root, plan->group, plan->schemata, err) == 0)
		return 0;
	if (made)
		(void)unlinkat(root, plan->group, AT_REMOVEDIR);
	return -1;
}

static int put_in(int root, const char *group, pid_t pid, struct error *err)
{
	owned_fd dir = path_open_strict(root, group, O_PATH | O_DIRECTORY, err);
	char number[16];

	if (dir < 0)
		return -1;
	(void)snprintf(number, sizeof(number), "%d\n", (int)pid);
	if (fd_write_file(dir, "tasks", number, err) < 0)
		return error_within(err, "%s", group);
	return 0;
}

int resctrl_apply(const struct resctrl_plan *plan, int root, pid_t pid, struct error *err)
{
	if (plan->makes_group && make_group(plan, root, err) < 0)
		return error_within(err, "linux.intelRdt");
	if (put_in(root, plan->group, pid, err) < 0)
		return error_within(err, "linux.intelRdt");
	if (plan->monitor &&
	    (make(root, plan->monitor, err) < 0 || put_in(root, plan->monitor, pid, err) < 0))
		return error_within(err, "linux.intelRdt.enableMonitoring");
	return 0;
}

int resctrl_join(const struct spec *spec, const char *id, int root, pid_t pid, struct error *err)
{
	const char *group = group_name(spec, id);
	char monitor[PATH_SIZE];

	if (put_in(root, group, pid, err) < 0)
		return error_within(err, "linux.intelRdt");
	if (!spec->linux_.intel_rdt.enable_monitoring)
		return 0;
	(void)snprintf(monitor, sizeof(monitor), "%s/mon_groups/%s", group, id);
	if (put_in(root, monitor, pid, err) < 0)
		return error_within(err, "linux.intelRdt.enableMonitoring");
	return 0;
}

int resctrl_update(const struct spec *spec, const char *id, const struct spec_resources *resources,
                   int root, struct arena *arena, const char **ret_before, struct error *err)
{
	const char *schemata =
		schemata_join(resources->l3_cache_schema, resources->mem_bw_schema, NULL, arena);
	const char *group = group_name(spec, id);
	owned_fd dir = -1;
	size_t length;
	char *before;

	if (!schemata)
		return arena_check(arena, err);
	if (strcmp(group, DEFAULT_GROUP) == 0)
		return fail(err, ERROR_CONFIG, "linux.intelRdt.closID",
		            "the default group is not the container's to change");
	dir = path_open_strict(root, group, O_PATH | O_DIRECTORY, err);
	if (dir < 0 ||
	    fd_read_file(dir, "schemata", SCHEMATA_LIMIT, arena, &before, &length, err) < 0)
		return -1;
	*ret_before = before;
	return schemata_write(root, group, schemata, err);
}

int resctrl_restore(const struct spec *spec, const char *id, const char *before, int root,
                    struct error *err)
{
	return schemata_write(root, group_name(spec, id), before, err);
}

int resctrl_undo(const char *makes, int root, struct error *err)
{
	while (*makes) {
		size_t length = strcspn(makes, "\n");
		char path[PATH_SIZE];

		(void)snprintf(path, sizeof(path), "%.*s", (int)length, makes);
		if (length > 0 && unlinkat(root, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return fail_errno(err, path, "rmdir");
		makes += length + (makes[length] == '\n');
	}
	return 0;
}
