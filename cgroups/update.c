/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/fd.h"
#include "base/text.h"

#include "cgroups.h"
#include "devices.h"
#include "limits.h"

/* memory.swap counts memory too: changed alone it needs the limit that is in force. */
static int fill_memory_limit(int dir, struct spec_resources *r, struct error *err)
{
	uint64_t limit;
	char now[32];

	if (!r->memory.swap.set || r->memory.swap.value <= 0 || r->memory.limit.set)
		return 0;
	if (fd_read_small(dir, "memory.max", now, sizeof(now), err) < 0)
		return error_within(err, "linux.resources.memory.swap");
	now[strcspn(now, "\n")] = '\0';
	if (text_to_u64(now, &limit) && limit <= INT64_MAX)
		r->memory.limit = (struct maybe_i64){true, (int64_t)limit};
	return 0;
}

int cgroup_update(int dir, const struct spec_resources *resources, struct arena *arena,
                  struct error *err)
{
	struct spec_resources r = *resources;
	struct cgroup_writes writes;
	struct device_program *devices;
	char controllers[256];

	if (fd_read_small(dir, "cgroup.controllers", controllers, sizeof(controllers), err) < 0)
		return -1;
	if (fill_memory_limit(dir, &r, err) < 0 ||
	    limits_plan(&r, controllers, arena, &writes, err) < 0 ||
	    devices_plan(&r, arena, &devices, err) < 0)
		return -1;
	return limits_replace(dir, &writes,
	                      r.memory.check_before_update.set &&
	                              r.memory.check_before_update.value,
	                      devices, err);
}
