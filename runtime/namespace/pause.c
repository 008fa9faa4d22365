/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "cgroups/cgroups.h"

#include "launch.h"

static int set_frozen(struct container *c, bool frozen, struct error *err)
{
	owned_fd cgroup = -1;

	if (!c->state.cgroup)
		return fail(err, ERROR_UNSUPPORTED, c->state.id,
		            "has no cgroup: nothing can freeze it");
	cgroup = cgroup_open(c->state.cgroup, err);
	return cgroup < 0 ? -1 : cgroup_freeze(cgroup, frozen, err);
}

int namespace_pause(struct container *c, struct error *err)
{
	return set_frozen(c, true, err);
}

int namespace_resume(struct container *c, struct error *err)
{
	return set_frozen(c, false, err);
}
