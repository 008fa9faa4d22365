/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/text.h"

#include "cgroups.h"
#include "devices.h"
#include "limits.h"
#include "systemd.h"

/* memory.swap counts memory too: changed alone it needs the limit that is in force. */
static int fill_memory_limit(int dir, struct spec_resources *r, struct error *err)
{
	uint64_t limit;
	char now[32];

	if (!r->memory.swap.set || r->memory.swap.value <= 0 || r->memory.limit.set)
		return 0;
	if (fd_read_line(dir, "memory.max", now, sizeof(now), err) < 0)
		return error_within(err, "linux.resources.memory.swap");
	if (text_to_u64(now, &limit) && limit <= INT64_MAX)
		r->memory.limit = (struct maybe_i64){true, (int64_t)limit};
	return 0;
}

/* What comes behind the files; when it fails they get back what they had. */
struct rest {
	int dir;
	int above; /* the scope's, where dir is a cgroup below that; -1 */
	struct arena *arena;
	const struct cgroup_writes *writes;
	const struct device_program *devices;
	struct systemd_scope scope;
};

static int tell_systemd(struct rest *rest, struct error *err)
{
	rest->scope.bfq = faccessat(rest->dir, "io.bfq.weight", F_OK, 0) == 0;
	if (systemd_limits(rest->writes, rest->dir, rest->arena, &rest->scope, err) < 0 ||
	    systemd_set(&rest->scope, err) < 0)
		return -1;
	/* it has written its files anew, some with what it rounds */
	if (rest->above >= 0 && limits_write(rest->above, rest->writes, err) < 0)
		return -1;
	return limits_write(rest->dir, rest->writes, err);
}

static int change_rest(void *data, struct error *err)
{
	OWNED(device_change_release) struct device_change change = {-1, -1};
	struct rest *rest = data;

	/* what systemd has been told nobody takes back */
	if (rest->devices && devices_load(rest->dir, rest->devices, &change, err) < 0)
		return -1;
	if (rest->scope.unit && tell_systemd(rest, err) < 0)
		return -1;
	return devices_change(rest->dir, &change, err);
}

int cgroup_update(const char *path, const char *unit, const struct spec_resources *resources,
                  struct arena *arena, struct error *err)
{
	owned_fd dir = cgroup_open(path, err);
	owned_fd above = -1;
	struct spec_resources r = *resources;
	struct rest rest = {.dir = dir, .above = -1, .arena = arena};
	struct limits_last last = {.run = change_rest, .data = &rest};
	struct cgroup_writes writes;
	struct device_program *devices;
	char controllers[256];

	if (dir < 0 ||
	    fd_read_small(dir, "cgroup.controllers", controllers, sizeof(controllers), err) < 0)
		return -1;
	if (fill_memory_limit(dir, &r, err) < 0 ||
	    limits_plan(&r, controllers, arena, &writes, err) < 0 ||
	    devices_plan(&r, arena, &devices, err) < 0)
		return -1;
	if (unit && path[systemd_scope_length(path, unit)]) {
		above = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (above < 0)
			return fail_errno(err, unit, "open");
		rest.above = above;
	}
	rest.writes = &writes;
	rest.devices = devices;
	rest.scope = (struct systemd_scope){.unit = unit, .user = systemd_is_users(path)};
	return limits_replace(
		dir, &writes,
		r.memory.check_before_update.set && r.memory.check_before_update.value, &last, err);
}
