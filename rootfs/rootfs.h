/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROOTFS_ROOTFS_H
#define ROOTFS_ROOTFS_H

/* rootfs: what the container sees at "/".
 *
 * PROMISE: every mount, node, link and mask of a config is planned once, then done in the child by
 * descriptors that were resolved inside the root; nothing is left in the host's mount namespace
 * but what somebody asks to be held there. */

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
	bool removal;       /* of mounts: nothing but their destinations counts */
};

/* Decide all that will be mounted and made; changes nothing.
 * ret_plan  in arena, borrows the spec.
 * Returns   0, or -1 and *err with the JSON path: unknown or unsupported mount options, id maps
 *           that can't be, a missing rootfs, no mount namespace. Context: host. */
int rootfs_plan(const struct rootfs_request *request, struct arena *arena,
                struct rootfs_plan **ret_plan, struct error *err) FALLIBLE;

/* ---- the host's part of the mounts, before there is a child ---- */

/* A user namespace whose ids are those of an id-mapped mount's files. */
struct rootfs_idmap {
	size_t mount;                   /* the first one of mounts that needs it */
	const id_map_list *uids, *gids; /* NULL: those of the container's own user namespace */
	int fd;                         /* the caller's, who makes it; -1 */
};

/* All that the plan needs, each once, to be filled in before rootfs_open_sources(). */
struct rootfs_idmap *rootfs_idmaps(struct rootfs_plan *plan, size_t *ret_count);

/* Copy the sources that a child in the container's user namespace can't reach or map: of id-mapped mounts, and of all
 * binds where there is such a namespace and we have the host's rights.
 * Returns  0, or -1 and *err with the JSON path; what is open is the plan's, until rootfs_close_sources(). */
int rootfs_open_sources(struct rootfs_plan *plan, struct error *err) FALLIBLE;
void rootfs_close_sources(struct rootfs_plan *plan);

/* ---- what all mounts of the cgroup tree share ---- */

/* Who mounts it in the host's cgroup namespace sets its options (nsdelegate, …) for everybody. */
struct rootfs_cgroup_options {
	char place[256], text[256]; /* text "": it is not mounted */
};

/* What they are now, for when a program that is not ours has had its way. */
void rootfs_note_cgroup_options(struct rootfs_cgroup_options *ret);

/* Set them again where they have changed. Returns 0, or -1 and *err. */
int rootfs_put_back_cgroup_options(const struct rootfs_cgroup_options *before,
                                   struct error *err) FALLIBLE;

/* ---- the mounts of a container that lives ---- */

/* Decide how spec.mounts are made in it, or removed.
 * Returns  as rootfs_plan(). Context: host. */
int rootfs_plan_mounts(const struct rootfs_request *request, struct arena *arena,
                       struct rootfs_plan **ret_plan, struct error *err) FALLIBLE;

/* Make them, all or none; sources are open. Mount points that were missing stay.
 * proc     descriptor of the procfs that shows this process, borrowed.
 * Context  child, in the container's namespaces; its working directory is changed, nothing is allocated. */
int rootfs_add_mounts(struct rootfs_plan *plan, int proc, struct error *err) FALLIBLE;

/* Unmount what rootfs_add_mounts() has made. Context: the process that made it. */
void rootfs_take_back(struct rootfs_plan *plan);

/* Unmount what is mounted at each destination, the last first; on -1, which no link on the way and a mount at each
 * prevents, none has been. Context: as above. */
int rootfs_remove_mounts(struct rootfs_plan *plan, int proc, struct error *err) FALLIBLE;

/* The plan as a JSON object under key. */
void rootfs_print(const struct rootfs_plan *plan, struct json_writer *w, const char *key);

/* The absolute path of the root file system on the host. */
const char *rootfs_path(const struct rootfs_plan *plan);

/* Mount everything below the rootfs: propagation, the root itself, mounts in order, devices, links.
 * Returns  0, or -1 and *err with the JSON path. Context: child, in its new namespaces and before
 * pivot_root; allocates nothing; leaves a umask of 0 and the working directory anywhere. Spec: config.md "Mounts", config-linux.md "Default Devices". */
int rootfs_apply(struct rootfs_plan *plan, struct error *err) FALLIBLE;

/* For what CRIU restores, which makes the mounts itself but not the places for them. The first makes these, as
 * rootfs_apply() would, by mounts that are of no further use; the second mounts the root over itself, as CRIU wants it.
 * Each: 0, or -1 and *err with the JSON path. Context: child, each in a new mount namespace of its own. */
int rootfs_restore_places(struct rootfs_plan *plan, struct error *err) FALLIBLE;
int rootfs_restore_root(struct rootfs_plan *plan, struct error *err) FALLIBLE;
/* The mount at path, read-only. Context: child. Returns 0, or -1 and *err. */
int rootfs_make_readonly(const char *path, struct error *err) FALLIBLE;

/* Open a new terminal in the container's /dev/pts, mount it on /dev/console, and hand out its master.
 * Returns  the master, close-on-exec, owned by the caller, *ret_slave likewise; or -1 and *err.
 * Context  child, after rootfs_apply() and before rootfs_enter(). */
int rootfs_terminal(struct rootfs_plan *plan, int *ret_slave, struct error *err) FALLIBLE;

/* The same for a further process: a new terminal of the devpts below root, mounted nowhere.
 * root     the container's "/", borrowed. Context: child, inside the container. */
int rootfs_terminal_below(int root, int *ret_slave, struct error *err) FALLIBLE;

/* Open the null device of the container: whoever begins with the host's as its stdin keeps a file open that
 * lies outside, which is none of its business, and which CRIU refuses to dump.
 * Returns  the descriptor, close-on-exec, the plan's, until the root is entered; -1 and *err where there is none.
 * Context  child, as rootfs_terminal(). */
int rootfs_null(struct rootfs_plan *plan, struct error *err) FALLIBLE;
/* The same below root, the container's "/", borrowed. Returns  likewise, but it is the caller's. */
int rootfs_null_below(int root, struct error *err) FALLIBLE;

/* Make the working directory of the process where there is none; make the root "/" (pivot_root or move), mask and
 * protect paths, set read-only and propagation.
 * The working directory is the root then.
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

/* A namespace that is to outlive its processes: mounted on a new file of this name in dir, in the mount namespace that
 * we are in, which keeps it for as long. Both are borrowed, and let go is content where nothing is.
 * Each returns  0, or -1 and *err; what was begun is for rootfs_let_go(). Context: host. Spec: namespaces(7), "Namespace
 * lifetime". */
int rootfs_hold(int namespace, int dir, const char *name, struct error *err) FALLIBLE;
int rootfs_let_go(int dir, const char *name, struct error *err) FALLIBLE;

/* A mount that an engine gives with a container: overlay, bind, ... */
struct engine_mount {
	const char *type, *source;
	const char *const *options;
	size_t options_count;
};

/* Mount it on the host at target, a path of the engine's own; may change the working directory.
 * Returns  0, or -1 and *err. Context: host, in a process made for it. */
int rootfs_engine_mount(const struct engine_mount *mount, const char *target,
                        struct error *err) FALLIBLE;

/* Take away all that is mounted at target; content when nothing is, or when target is not there. */
int rootfs_engine_unmount(const char *target, struct error *err) FALLIBLE;

/* Mount option words this build honours, for `features`; ret_count gets how many. */
const char *const *rootfs_option_words(size_t *ret_count);

#endif
