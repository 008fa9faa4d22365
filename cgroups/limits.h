/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_LIMITS_H
#define CGROUPS_LIMITS_H

#include "base/error.h"
#include "spec/spec.h"

/* Refuse the first limit that is set.
 *
 * controllers  what cgroup.controllers says ("cpu memory pids"); NULL: nobody looked, all are there.
 * Returns      0, or -1 and *err (ERROR_UNSUPPORTED; the object is the limit's JSON path). */
int limits_refuse(const struct spec_resources *resources, const char *controllers,
                  struct error *err) FALLIBLE;

#endif
