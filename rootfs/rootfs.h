/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_ROOTFS_H
#define ROOTFS_ROOTFS_H

/* rootfs: what the container sees at "/".
 *
 * PROMISE: every mount, node, link and mask of a config is planned once, then done in the child by
 * descriptors that were resolved inside the root; nothing is left in the host's mount namespace. */

#include "base/arena.h"
#include "base/error.h"
#include "base/host.h"
#include "base/json_write.h"
#include "spec/spec.h"

struct rootfs_plan;

struct rootfs_request {
	const struct spec *spec;
	const struct host *host;
	const char *bundle; /* absolute path of the bundle */
	const char *cgroup; /* the container's directory in the v2 tree as a host path, or NULL */
	bool no_pivot;      /* --no-pivot: MS_MOVE and chroot instead of pivot_root */
};

/* Decide all that will be mounted and made; changes nothing.
 * ret_plan  in arena, borrows the spec.
 * Returns   0, or -1 and *err with the JSON path: unknown or unsupported mount options, id-mapped
 *           mounts, a missing rootfs, no mount namespace. Context: host. */
int rootfs_plan(const struct rootfs_request *request, struct arena *arena,
                struct rootfs_plan **ret_plan, struct error *err) FALLIBLE;

/* The plan as a JSON object under key. */
void rootfs_print(const struct rootfs_plan *plan, struct json_writer *w, const char *key);

/* The absolute path of the root file system on the host. */
const char *rootfs_path(const struct rootfs_plan *plan);

/* Mount everything below the rootfs: propagation, the root itself, mounts in order, devices, links.
 * Returns  0, or -1 and *err with the JSON path. Context: child, in its new namespaces and before
 * pivot_root; allocates nothing. Spec: config.md "Mounts", config-linux.md "Default Devices". */
int rootfs_apply(struct rootfs_plan *plan, struct error *err) FALLIBLE;

/* Open a new terminal in the container's /dev/pts, mount it on /dev/console, and hand out its master.
 * Returns  the master, close-on-exec, owned by the caller, *ret_slave likewise; or -1 and *err.
 * Context  child, after rootfs_apply() and before rootfs_enter(). */
int rootfs_terminal(struct rootfs_plan *plan, int *ret_slave, struct error *err) FALLIBLE;

/* The same for a further process: a new terminal of the devpts below root, mounted nowhere.
 * root     the container's "/", borrowed. Context: child, inside the container. */
int rootfs_terminal_below(int root, int *ret_slave, struct error *err) FALLIBLE;

/* Make the root "/" (pivot_root or move), mask and protect paths, set read-only and propagation.
 * Context: child, after rootfs_apply(). Returns 0, or -1 and *err. */
int rootfs_enter(struct rootfs_plan *plan, struct error *err) FALLIBLE;

/* Write linux.sysctl entries below a checked procfs. Context: child, after its namespaces are made and
 * before rootfs_enter() locks /proc/sys. Returns 0, or -1 and *err with the JSON path. */
int rootfs_sysctl(struct rootfs_plan *plan, struct error *err) FALLIBLE;

/* A mount of the one file (or directory) at path, read-only and attached nowhere: nothing can be
 * written through it.
 * Returns  its descriptor, close-on-exec, owned by the caller; or -1 and errno (EPERM without the
 *          right to mount). Spec: open_tree(2), mount_setattr(2). */
int rootfs_readonly_view(const char *path);

/* Mount option words this build honours, for `features`; ret_count gets how many. */
const char *const *rootfs_option_words(size_t *ret_count);

#endif
