/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cgroups/cgroups.h"

#include "launch.h"

int namespace_processes(struct container *c, pid_t **ret_pids, size_t *ret_count, struct error *err)
{
	owned_fd cgroup = -1;

	if (!c->state.cgroup)
		return fail(err, ERROR_UNSUPPORTED, c->state.id,
		            "has no cgroup: its processes can't be listed");
	cgroup = cgroup_open(c->state.cgroup, err);
	return cgroup < 0 ? -1 : cgroup_processes(cgroup, c->arena, ret_pids, ret_count, err);
}
