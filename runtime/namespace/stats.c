/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/own.h"
#include "cgroups/cgroups.h"

#include "launch.h"

static int open_cgroup(const struct container *c, struct error *err)
{
	if (!c->state.cgroup)
		return fail(err, ERROR_UNSUPPORTED, c->state.id,
		            "has no cgroup: nothing counts what it uses");
	return cgroup_open(c->state.cgroup, err);
}

int namespace_stats(struct container *c, struct arena *arena, struct stats *ret, struct error *err)
{
	owned_fd cgroup = open_cgroup(c, err);

	return cgroup < 0 ? -1 : cgroup_stats(cgroup, arena, ret, err);
}

int namespace_watch(struct container *c, int timeout_ms, enum container_event *ret,
                    struct error *err)
{
	owned_fd cgroup = -1;

	if (c->watch.population >= 0)
		return cgroup_watch(&c->watch, timeout_ms, ret, err);
	cgroup = open_cgroup(c, err);
	if (cgroup < 0 || cgroup_watch_open(cgroup, &c->watch, err) < 0) {
		if (err->errnum != ENOENT)
			return -1;
		*ret = EVENT_END; /* deleted since we looked */
		return 0;
	}
	return cgroup_watch(&c->watch, timeout_ms, ret, err);
}
