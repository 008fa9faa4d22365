/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_FURNISH_H
#define CGROUPS_FURNISH_H

#include "cgroups.h"

/* What a container's cgroup gets before the first process is born in it: limits, device rules, an owner.
 * Returns  0, or -1 and *err. dir is borrowed. */
int furnish(const struct cgroup_plan *plan, int dir, struct error *err) FALLIBLE;

/* Make a cgroup in another one, and move a process there.
 * Returns  its descriptor, owned by the caller, or -1 and *err. parent is borrowed. */
int furnish_below(int parent, const char *name, pid_t pid, struct error *err) FALLIBLE;

/* cgroup_apply() where systemd makes it. */
int systemd_apply(struct cgroup_plan *plan, struct error *err) FALLIBLE;

#endif
