/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_FURNISH_H
#define CGROUPS_FURNISH_H

#include "cgroups.h"

/* What a container's cgroup gets before the first process is born in it: limits, device rules, an owner.
 * Returns  0, or -1 and *err. dir is borrowed. */
int furnish(const struct cgroup_plan *plan, int dir, struct error *err) FALLIBLE;

/* cgroup_apply() where systemd makes it. */
int systemd_apply(struct cgroup_plan *plan, struct error *err) FALLIBLE;

#endif
