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

#endif
