/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/own.h"
#include "cgroups/cgroups.h"
#include "resctrl/resctrl.h"

#include "launch.h"

/* Caches and bandwidth first, as they can be put back. */
static int update_all(struct container *c, const struct spec_resources *resources,
                      struct error *err)
{
	const char *before = NULL;
	struct error ignored;
	owned_fd root = -1;

	if (container_config(c, err) < 0)
		return -1;
	if (!c->spec->linux_.intel_rdt.set)
		return fail(err, ERROR_UNSUPPORTED, c->state.id,
		            "has no linux.intelRdt: it is in nobody's group of resctrl");
	root = resctrl_open(err);
	if (root < 0 ||
	    resctrl_update(c->spec, c->state.id, resources, root, c->arena, &before, err) < 0)
		return -1;
	if (cgroup_update(c->state.cgroup, c->state.systemd_unit, resources, c->arena, err) == 0)
		return 0;
	if (before && resctrl_restore(c->spec, c->state.id, before, root, &ignored) < 0)
		log_dropped("after a failed update", &ignored);
	return -1;
}

int namespace_update(struct container *c, const struct spec_resources *resources, struct error *err)
{
	if (!c->state.cgroup)
		return fail(err, ERROR_UNSUPPORTED, c->state.id,
		            "has no cgroup: its limits can't be changed");
	if (resources->l3_cache_schema || resources->mem_bw_schema)
		return update_all(c, resources, err);
	return cgroup_update(c->state.cgroup, c->state.systemd_unit, resources, c->arena, err);
}
