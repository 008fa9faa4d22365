/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cgroups/cgroups.h"

#include "launch.h"

int namespace_update(struct container *c, const struct spec_resources *resources, struct error *err)
{
	owned_fd cgroup = -1;

	if (!c->state.cgroup)
		return fail(err, ERROR_UNSUPPORTED, c->state.id,
		            "has no cgroup: its limits can't be changed");
	cgroup = cgroup_open(c->state.cgroup, err);
	return cgroup < 0 ? -1 : cgroup_update(cgroup, resources, c->arena, err);
}
