/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_EVENTS_H
#define CGROUPS_EVENTS_H

#include <stdbool.h>

#include "base/error.h"

enum {
	EVENTS_TIMEOUT_MS = 10000,
	LOOK_MS = 1000, /* how long nobody waits for a word of the kernel that may not come */
};

/* What cgroup.events of a cgroup says now of "populated" or "frozen".
 * Returns  0, or -1 and *err (ENOENT, ENODEV: the cgroup is gone). */
int events_read(int dir, const char *key, bool *ret_value, struct error *err) FALLIBLE;
/* Both at once. */
int events_read_both(int dir, bool *ret_populated, bool *ret_frozen, struct error *err) FALLIBLE;

/* Wait until it says so.
 * Returns  1, 0 when the time is over, or -1 and *err as above.
 * Spec     cgroup-v2.rst: the file generates a modified event (POLLPRI) on a change of value. */
int events_wait(int dir, const char *key, bool wanted, int timeout_ms, struct error *err) FALLIBLE;

#endif
