/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/path.h"
#include "base/syscalls.h"

#include "steps.h"

enum { PROC_ROOT_INODE = 1 };

/* Theory of operation. The child stands in a new mount namespace that still is a copy of the
 * host's. First the ways back to the host are cut (propagation); a bind that shall keep one was
 * copied before. Then a copy of the root is mounted over itself, and its descriptor is the root
 * from now on: every target is resolved below it (place.c) and held, every source is a mount that
 * is attached nowhere, and move_mount(2) joins the two descriptors. No path of the container is
 * resolved twice, so swapping a link in between leads nowhere. */

/* Nothing that is mounted or unmounted from here on may reach the host, whatever is asked for. The
 * way from the host to us stays: a source that is bound with "rslave" needs it, other binds are
 * made private one by one. */
static int cut_propagation(struct error *err)
{
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return fail_errno(err, "linux.rootfsPropagation", "mount");
	return 0;
}

static bool covers_root(const struct rootfs_plan *plan)
{
	for (size_t i = 0; i < plan->mounts_count; i++)
		if (strcmp(plan->mounts[i].destination, "/") == 0)
			return true;
	return false;
}

/* Binds that shall be shared with the host are copied while their sources still are; all are, where the root will be
 * covered, which the source may lie in. */
static int copy_early(struct rootfs_plan *plan, struct error *err)
{
	bool all = covers_root(plan);

	for (size_t i = 0; i < plan->mounts_count; i++) {
		struct rootfs_mount *mount = &plan->mounts[i];

		bool shared = plan->propagation & mount->propagation & MS_SHARED;

		if (!mount->bind || mount->link || (!shared && !all))
			continue;
		mount->fd = rootfs_mount_bind(mount, err);
		if (mount->fd < 0)
			return -1;
	}
	return 0;
}

/* Mount the root over itself; plan->root is the copy. The mount that it lies in is a slave by now, so that
 * pivot_root(2) takes it, and what is mounted on it is not seen on the host. */
static int mount_root(struct rootfs_plan *plan, struct error *err)
{
	bool slave = plan->propagation & MS_SLAVE;
	struct mount_attr attr = {.propagation = slave ? MS_SLAVE : MS_PRIVATE};
	int target = open(plan->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	owned_fd tree = -1;

	plan->under = target;
	if (target < 0)
		return fail_errno(err, plan->path, "open");
	tree = sys_open_tree_attr(
		target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE,
		&attr, sizeof(attr));
	if (tree < 0) { /* before Linux 6.15 */
		tree = rootfs_clone_tree(target, "", true);
		if (tree < 0)
			return fail_errno(err, plan->path, "open_tree");
		if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
			return fail_errno(err, plan->path, "mount_setattr");
	}
	if (rootfs_attach(tree, target) < 0)
		return fail_errno(err, plan->path, "move_mount");
	plan->root = take_fd(&tree);
	return 0;
}

bool rootfs_has_datum(const struct rootfs_mount *mount, const char *key)
{
	for (size_t i = 0; i < mount->data_count; i++)
		if (strcmp(mount->data[i].key, key) == 0)
			return true;
	return false;
}

/* A new tmpfs over a directory of the image has that one's mode, unless another is asked for, and
 * its content where that is asked for. */
static int take_over(const struct rootfs_plan *plan, const struct rootfs_mount *mount, int tree,
                     struct error *err)
{
	const char *rest = mount->destination;
	int base = rootfs_base(plan, &rest);
	owned_fd covered = -1, fresh = -1;
	struct stat st;

	if (!mount->copy_up && rootfs_has_datum(mount, "mode"))
		return 0;
	covered = path_open(base, rest, O_RDONLY | O_DIRECTORY, err);
	if (covered < 0) /* what is wrong with the place will be said where it is made */
		return 0;
	fresh = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fresh < 0 || fstat(covered, &st) < 0)
		return fail_errno(err, mount->destination, "open");
	if (mount->copy_up && rootfs_copy_tree(covered, fresh, err) < 0)
		return error_within(err, "%s", mount->destination);
	if (!rootfs_has_datum(mount, "mode") && fchmod(fresh, st.st_mode & 07777) < 0)
		return fail_errno(err, mount->destination, "chmod");
	return 0;
}

static bool is_type(const struct rootfs_mount *mount, const char *type)
{
	return mount->type && strcmp(mount->type, type) == 0;
}

/* Whether its place may be on a procfs: not in what we made ourselves and hold, and is none. */
static bool may_meet_proc(const struct rootfs_plan *plan, const struct rootfs_mount *mount)
{
	const struct rootfs_mount *cover = rootfs_cover(plan, mount->destination);

	if (is_type(mount, "proc"))
		return false; /* and one on another hides nothing */
	return rootfs_climbs(mount->destination) || !cover || !cover->held ||
	       is_type(cover, "proc");
}

/* The container's procfs may be replaced by another one only: what is masked in it would be bare
 * again below a volume of the image. */
static int check_cover(struct rootfs_plan *plan, const struct rootfs_mount *mount, int tree,
                       int target, struct error *err)
{
	struct stat st;

	if (!may_meet_proc(plan, mount) || !path_is_on(target, PROC_SUPER_MAGIC))
		return 0;
	plan->proc_is_met = true;
	if (path_is_on(tree, PROC_SUPER_MAGIC))
		return 0;
	if (fstat(target, &st) == 0 && st.st_ino != PROC_ROOT_INODE)
		return 0;
	return fail(err, ERROR_CONFIG, mount->destination, "would hide the proc file system");
}

/* The kernel would say "Invalid argument". */
static int check_kind(const char *path, mode_t mode, int target, struct error *err)
{
	struct stat st;

	if (S_ISDIR(mode) || fstat(target, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	(void)fail(err, ERROR_SYSTEM, path, "mount: %s (a file can't be mounted on a directory)",
	           strerrordesc_np(ENOTDIR));
	err->errnum = ENOTDIR;
	return -1;
}

/* Whether the place has a name of one step in the root and may be no link: then it need not be opened first, as
 * move_mount(2) follows none, and takes only a directory for a directory. */
static bool put_plainly(const struct rootfs_plan *plan, const struct rootfs_mount *mount, int tree)
{
	const char *name = mount->destination;

	if (plan->late || mount->bind || !mount->no_link || !rootfs_is_flat(name) ||
	    rootfs_cover(plan, name) || (!is_type(mount, "proc") && strcmp(name, "/proc") == 0))
		return false;
	return move_mount(tree, "", plan->root, name + 1, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

/* Attach the mount where it belongs; what is missing there is made, a directory or a file as the
 * mount's root is. */
static int put(struct rootfs_plan *plan, const struct rootfs_mount *mount, int tree,
               struct error *err)
{
	unsigned int place = mount->no_link ? ROOTFS_NO_LINK : 0;
	struct stat st = {.st_mode = S_IFDIR}; /* as the root of each file system that is made */
	owned_fd target = -1;

	if (put_plainly(plan, mount, tree))
		return 0;
	if (mount->bind && fstat(tree, &st) < 0)
		return fail_errno(err, mount->destination, "stat");
	if (mount->onto_link && !mount->no_link)
		place |= ROOTFS_ONTO_LINK;
	if (S_ISDIR(st.st_mode))
		place |= ROOTFS_DIRECTORY;
	target = rootfs_open_place(plan, mount->destination, place, err);
	if (target < 0 || check_kind(mount->destination, st.st_mode, target, err) < 0 ||
	    check_cover(plan, mount, tree, target, err) < 0)
		return -1;
	if (plan->late && rootfs_is_root(plan, target))
		return fail(err, ERROR_CONFIG, mount->destination, "is the container's root");
	if (rootfs_attach(tree, target) < 0)
		return fail_errno(err, mount->destination, "move_mount");
	return 0;
}

static int set_propagation(const struct rootfs_mount *mount, int fd, struct error *err)
{
	struct mount_attr attr = {.propagation = mount->propagation & ~(uint64_t)MS_REC};
	unsigned int flags = AT_EMPTY_PATH | (mount->propagation & MS_REC ? AT_RECURSIVE : 0);

	if (attr.propagation == 0 || mount_setattr(fd, "", flags, &attr, sizeof(attr)) == 0)
		return 0;
	(void)fail_errno(err, "", "mount_setattr");
	return error_within(err, "mounts[%zu].options", mount->index);
}

/* Keep what is still to be done with a mount that is in its place. */
static int keep(struct rootfs_plan *plan, struct rootfs_mount *mount, int *tree, struct error *err)
{
	if (strcmp(mount->destination, "/") == 0) { /* the new root is what covers the old one */
		if (dup3(*tree, plan->root, O_CLOEXEC) < 0)
			return fail_errno(err, mount->destination, "dup");
		plan->stands = -1;
	}
	if (mount->held || mount->late_readonly || mount->reconfigured || plan->late)
		mount->fd = take_fd(tree);
	plan->mounts_done++;
	return 0;
}

static int make(const struct rootfs_plan *plan, struct rootfs_mount *mount, struct error *err)
{
	if (mount->fd >= 0)
		return take_fd(&mount->fd);
	return mount->bind ? rootfs_mount_bind(mount, err)
	                   : rootfs_mount_filesystem(plan, mount, err);
}

/* What its options name is changed, the rest stays, as mount(8) has it. */
static int change(struct rootfs_mount *mount, int at, struct error *err)
{
	struct statx stx;

	if (statx(at, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) < 0 ||
	    !(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)) {
		(void)fail(err, ERROR_CONFIG, mount->destination,
		           "nothing is mounted there that 'remount' could change");
		return error_within(err, "mounts[%zu].destination", mount->index);
	}
	if (rootfs_set_below(mount, at) < 0 ||
	    rootfs_set_attributes(at, mount->set, mount->clear) < 0) {
		(void)fail_errno(err, "", "mount_setattr");
		return error_within(err, "mounts[%zu].options", mount->index);
	}
	return mount->changes ? rootfs_reconfigure(mount, err) : 0;
}

static int remount(struct rootfs_plan *plan, struct rootfs_mount *mount, struct error *err)
{
	const char *rest = mount->destination;
	int base = rootfs_base(plan, &rest);
	owned_fd at = path_open(base, rest, O_PATH, err);

	if (at < 0)
		return error_within(err, "mounts[%zu].destination", mount->index);
	plan->proc_is_met = plan->proc_is_met || path_is_on(at, PROC_SUPER_MAGIC);
	if (change(mount, at, err) < 0 || set_propagation(mount, at, err) < 0)
		return -1;
	if (mount->late_readonly)
		mount->fd = take_fd(&at);
	plan->mounts_done++;
	return 0;
}

int rootfs_apply_mount(struct rootfs_plan *plan, struct rootfs_mount *mount, struct error *err)
{
	owned_fd tree = -1;

	if (mount->remount)
		return remount(plan, mount, err);

	if (mount->link) {
		if (rootfs_make_link(plan, mount, err) < 0)
			return error_within(err, "mounts[%zu].destination", mount->index);
		plan->mounts_done++;
		return 0;
	}
	if (rootfs_mount_by_name(plan, mount))
		return 0;
	tree = make(plan, mount, err);
	if (tree < 0)
		return -1;
	if (is_type(mount, "tmpfs") && take_over(plan, mount, tree, err) < 0)
		return error_within(err, "mounts[%zu].options", mount->index);
	if (put(plan, mount, tree, err) < 0)
		return error_within(err, "mounts[%zu].destination", mount->index);
	if (keep(plan, mount, &tree, err) < 0)
		return -1;
	return set_propagation(mount, mount->fd >= 0 ? mount->fd : tree, err);
}

static int apply(struct rootfs_plan *plan, struct error *err)
{
	if (copy_early(plan, err) < 0 || cut_propagation(err) < 0)
		return -1;
	if (mount_root(plan, err) < 0)
		return error_within(err, "root.path");
	for (size_t i = 0; i < plan->mounts_count; i++)
		if (rootfs_apply_mount(plan, &plan->mounts[i], err) < 0)
			return -1;
	return rootfs_make_devices(plan, err);
}

int rootfs_apply(struct rootfs_plan *plan, struct error *err)
{
	(void)umask(0); /* modes are meant as they are written */
	return apply(plan, err);
}

/* ---- for what CRIU restores, which makes the mounts itself ---- */

static bool is_below(const char *path, const char *above)
{
	size_t length = strlen(above);

	return strncmp(path, above, length) == 0 && path[length] == '/';
}

/* Whether what is mounted there is not on the disk: its content, places for further mounts too, is restored. */
static bool is_restored_place(const struct rootfs_plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!plan->mounts[i].bind &&
		    is_below(plan->mounts[index].destination, plan->mounts[i].destination))
			return true;
	return false;
}

static int make_place(struct rootfs_plan *plan, size_t index, struct error *err)
{
	struct rootfs_mount *mount = &plan->mounts[index];
	owned_fd place = -1;

	if (mount->remount || is_restored_place(plan, index))
		return 0;
	if (mount->bind) /* there may be places in it */
		return rootfs_apply_mount(plan, mount, err);
	place = rootfs_open_place(plan, mount->destination, ROOTFS_DIRECTORY, err);
	return place < 0 ? error_within(err, "mounts[%zu].destination", mount->index) : 0;
}

int rootfs_restore_places(struct rootfs_plan *plan, struct error *err)
{
	if (rootfs_restore_root(plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->mounts_count; i++)
		if (make_place(plan, i, err) < 0)
			return -1;
	return 0;
}

int rootfs_restore_root(struct rootfs_plan *plan, struct error *err)
{
	if (cut_propagation(err) < 0)
		return -1;
	return mount_root(plan, err) < 0 ? error_within(err, "root.path") : 0;
}

int rootfs_make_readonly(const char *path, struct error *err)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mount_setattr(AT_FDCWD, path, 0, &readonly, sizeof(readonly)) < 0)
		return fail_errno(err, path, "mount_setattr");
	return 0;
}
