/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_CONTROLLERS_H
#define CGROUPS_CONTROLLERS_H

#include <stdbool.h>

#include "base/error.h"

/* Switch on, for what is below a cgroup, every controller that it has and that limits or counts. What can't be
 * switched on stays off: whoever needs it will miss its files.
 * evacuate  where processes in it are in the way, move them to its sub-cgroup "init" first.
 * dir is borrowed. Spec: cgroup-v2.rst "Controlling Controllers", "No Internal Process Constraint". */
void controllers_enable(int dir, bool evacuate);

/* Whether all of them that the top of the tree has are on, the first glance at what is so as a rule.
 * path   of the cgroup, from the top on: "" is that itself.
 * all    what cgroup.controllers of the top says.
 * fresh  we have just made the cgroup, so none is on: switch them on.
 * Returns  false where one is off, or can't be switched on here: controllers_enable() from the top down. */
bool controllers_are_on(int top, const char *path, const char *all, bool fresh);

#endif
