/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESCTRL_RESCTRL_H
#define RESCTRL_RESCTRL_H

/* resctrl: which share of the caches and of the memory's bandwidth (linux.intelRdt).
 *
 * PROMISE: a container's processes are in the group that its config names, whose schemata are what was asked; a group
 * that stood there before is used as it is or refused, never changed; what is removed was made for this container
 * alone. A group that has a closID may be others' too, so it stays, as runc's does; closID "/" is the default one.
 *
 * `root` is a descriptor of the mounted file system, from resctrl_open(); a test gives a folder of its own.
 * Spec: runtime-spec 1.3 config-linux.md, "IntelRdt"; Documentation/filesystems/resctrl.rst. */

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

struct resctrl_plan {
	const char *group;    /* name below the root */
	const char *schemata; /* lines to write; NULL: none */
	const char *monitor;  /* "GROUP/mon_groups/ID"; NULL: none */
	bool makes_group;     /* it is not there; else it is used as it is */
	bool shared;          /* it has a closID */
};

/* /sys/fs/resctrl. Returns its descriptor, the caller's, or -1 and *err (ERROR_UNSUPPORTED). Context: host. */
int resctrl_open(struct error *err) FALLIBLE;

/* Decide. ret_plan in arena. Returns 0, or -1 and *err ("linux.intelRdt…"). Context: host.
 * Errors  a closID alone whose group is not there; one that is there with other schemata. */
int resctrl_plan(const struct spec *spec, const char *id, int root, struct arena *arena,
                 struct resctrl_plan **ret_plan, struct error *err) FALLIBLE;

/* What is made for this container and so must be removed, a folder a line, the inner one first; in arena. To be kept
 * before resctrl_apply(), for resctrl_undo(). */
const char *resctrl_makes(const struct resctrl_plan *plan, struct arena *arena);

/* Make what the plan says and put the process in; its children are born there. Returns 0, or -1 and *err. */
int resctrl_apply(const struct resctrl_plan *plan, int root, pid_t pid, struct error *err) FALLIBLE;

/* A further process of a container of this config. Returns 0, or -1 and *err. */
int resctrl_join(const struct spec *spec, const char *id, int root, pid_t pid,
                 struct error *err) FALLIBLE;

/* Change schemata of the container's group.
 * resources   its l3_cache_schema and mem_bw_schema.
 * ret_before  what they were, in arena, for resctrl_restore().
 * Returns     0, or -1 and *err with the kernel's own words. */
int resctrl_update(const struct spec *spec, const char *id, const struct spec_resources *resources,
                   int root, struct arena *arena, const char **ret_before,
                   struct error *err) FALLIBLE;
int resctrl_restore(const struct spec *spec, const char *id, const char *before, int root,
                    struct error *err) FALLIBLE;

/* Remove what resctrl_makes() named; content when it is gone. Who is left in it is in the group above then. */
int resctrl_undo(const char *makes, int root, struct error *err) FALLIBLE;

#endif
