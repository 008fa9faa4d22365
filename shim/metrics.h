/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_METRICS_H
#define SHIM_METRICS_H

#include "base/arena.h"
#include "base/text.h"
#include "spec/spec.h"

/* What a container uses as a StatsResponse with io.containerd.cgroups.v2.Metrics.
 * Returns 0, or -1 and *err. */
int metrics_pack(const struct stats *stats, struct arena *arena, struct text *out,
                 struct error *err) FALLIBLE;

#endif
