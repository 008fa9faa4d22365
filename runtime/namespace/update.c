/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/cgroups.h"

#include "launch.h"

int namespace_update(struct container *c, const struct spec_resources *resources, struct error *err)
{
	if (!c->state.cgroup)
		return fail(err, ERROR_UNSUPPORTED, c->state.id,
		            "has no cgroup: its limits can't be changed");
	return cgroup_update(c->state.cgroup, c->state.systemd_unit, resources, c->arena, err);
}
