/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_CGROUPS_H
#define CGROUPS_CGROUPS_H

/* cgroups: where a container stands in the v2 tree.
 *
 * PROMISE: each container has a cgroup of its own at linux.cgroupsPath, is born in it, can be frozen
 * and killed as a whole, and leaves no directory behind. Limits are refused by name until they are there. */

#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/host.h"
#include "base/json_write.h"
#include "spec/spec.h"

struct cgroup_plan {
	const char *
		path; /* "/cella/web", absolute in the v2 tree; NULL: no cgroup (rootless without rights) */
	const char *mount; /* where the v2 tree is: "/sys/fs/cgroup" or "/sys/fs/cgroup/unified" */
};

/* Decide the place; refuse every limit that is set by its JSON path and controller. 0 and -1 ("unlimited")
 * mean not set, as engines write them. Changes nothing.
 * Returns  0, or -1 and *err. Context: host. */
int cgroup_plan(const struct spec *spec, const struct host *host, const char *id,
                struct arena *arena, struct cgroup_plan **ret_plan, struct error *err) FALLIBLE;

void cgroup_print(const struct cgroup_plan *plan, struct json_writer *w, const char *key);

/* Make the cgroup. Parents that are missing are made too.
 * Returns  its directory's descriptor for clone3(2), owned by the caller; -1 and *err, and what was made is gone.
 * Errors   ERROR_STATE when it has processes already or is frozen. */
int cgroup_apply(const struct cgroup_plan *plan, struct error *err) FALLIBLE;

/* From here on `path` is the absolute path in the v2 tree as state.json has it; the tree is found again. */

/* Open a container's cgroup. Returns the directory's descriptor, or -1 and *err (ENOENT: gone). */
int cgroup_open(const char *path, struct error *err) FALLIBLE;

/* Freeze or thaw and wait until the kernel says so (timeout 10 s). dir is borrowed. */
int cgroup_freeze(int dir, bool frozen, struct error *err) FALLIBLE;
int cgroup_is_frozen(int dir, bool *ret_frozen, struct error *err) FALLIBLE;

/* Send a signal to every process in it and below; SIGKILL by cgroup.kill where the kernel has it. */
int cgroup_signal(int dir, int signum, struct error *err) FALLIBLE;

/* All processes in it and below, in arena, sorted. */
int cgroup_processes(int dir, struct arena *arena, pid_t **ret_pids, size_t *ret_count,
                     struct error *err) FALLIBLE;

/* Kill what is inside, wait, remove it and all below, then empty parents that cella itself made ("/cella").
 * Content when nothing is there. Returns 0, or -1 and *err. */
int cgroup_undo(const char *path, struct error *err) FALLIBLE;

#endif
