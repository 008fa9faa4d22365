/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/path.h"

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

		if (!mount->bind || (!shared && !all))
			continue;
		mount->fd = rootfs_mount_bind(mount, err);
		if (mount->fd < 0)
			return -1;
	}
	return 0;
}

/* The mount that the root lies in: a mount on a shared one would be seen on the host, and
 * pivot_root(2) refuses it. */
static int make_parent_private(const char *path, struct error *err)
{
	char prefix[PATH_MAX];
	size_t length = strlen(path);

	errno = ENAMETOOLONG;
	if (length >= sizeof(prefix))
		return fail_errno(err, path, "mount");
	memcpy(prefix, path, length + 1);
	while (mount(NULL, length ? prefix : "/", NULL, MS_PRIVATE, NULL) < 0) {
		if (errno != EINVAL || length == 0) /* EINVAL: no mount point */
			return fail_errno(err, path, "mount");
		while (length > 0 && prefix[length - 1] != '/')
			length--;
		while (length > 0 && prefix[length - 1] == '/')
			length--;
		prefix[length] = '\0';
	}
	return 0;
}

/* Mount the root over itself; plan->root is the copy. It is taken before the parent is cut off, so
 * that a slave still knows its master. */
static int mount_root(struct rootfs_plan *plan, struct error *err)
{
	bool slave = plan->propagation & MS_SLAVE;
	struct mount_attr attr = {.propagation = slave ? MS_SLAVE : MS_PRIVATE};
	owned_fd target = open(plan->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	owned_fd tree = -1;

	if (target < 0)
		return fail_errno(err, plan->path, "open");
	tree = rootfs_clone_tree(target, "", true);
	if (tree < 0)
		return fail_errno(err, plan->path, "open_tree");
	if (make_parent_private(plan->path, err) < 0)
		return -1;
	if (rootfs_attach(tree, target) < 0)
		return fail_errno(err, plan->path, "move_mount");
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return fail_errno(err, plan->path, "mount_setattr");
	plan->root = take_fd(&tree);
	return 0;
}

static bool has_datum(const struct rootfs_mount *mount, const char *key)
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
	owned_fd covered = path_open(base, rest, O_RDONLY | O_DIRECTORY, err);
	owned_fd fresh = -1;
	struct stat st;

	if (covered < 0) /* what is wrong with the place will be said where it is made */
		return 0;
	fresh = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fresh < 0 || fstat(covered, &st) < 0)
		return fail_errno(err, mount->destination, "open");
	if (mount->copy_up && rootfs_copy_tree(covered, fresh, err) < 0)
		return error_within(err, "%s", mount->destination);
	if (!has_datum(mount, "mode") && fchmod(fresh, st.st_mode & 07777) < 0)
		return fail_errno(err, mount->destination, "chmod");
	return 0;
}

/* The container's procfs may be replaced by another one only: what is masked in it would be bare
 * again below a volume of the image. */
static int check_cover(const char *path, int tree, int target, struct error *err)
{
	struct stat st;

	if (!path_is_on(target, PROC_SUPER_MAGIC) || path_is_on(tree, PROC_SUPER_MAGIC))
		return 0;
	if (fstat(target, &st) == 0 && st.st_ino != PROC_ROOT_INODE)
		return 0;
	return fail(err, ERROR_CONFIG, path, "would hide the proc file system");
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

/* Attach the mount where it belongs; what is missing there is made, a directory or a file as the
 * mount's root is. */
static int put(const struct rootfs_plan *plan, const struct rootfs_mount *mount, int tree,
               struct error *err)
{
	unsigned int place = mount->no_link ? ROOTFS_NO_LINK : 0;
	owned_fd target = -1;
	struct stat st;

	if (fstat(tree, &st) < 0)
		return fail_errno(err, mount->destination, "stat");
	if (S_ISDIR(st.st_mode))
		place |= ROOTFS_DIRECTORY;
	target = rootfs_open_place(plan, mount->destination, place, err);
	if (target < 0 || check_kind(mount->destination, st.st_mode, target, err) < 0 ||
	    check_cover(mount->destination, tree, target, err) < 0)
		return -1;
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
static int keep(struct rootfs_plan *plan, struct rootfs_mount *mount, int tree, struct error *err)
{
	if (mount->held || mount->late_readonly) {
		mount->fd = fcntl(tree, F_DUPFD_CLOEXEC, 0);
		if (mount->fd < 0)
			return fail_errno(err, mount->destination, "dup");
	}
	if (strcmp(mount->destination, "/") == 0) { /* the new root is what covers the old one */
		if (dup3(tree, plan->root, O_CLOEXEC) < 0)
			return fail_errno(err, mount->destination, "dup");
	}
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

static int apply_mount(struct rootfs_plan *plan, struct rootfs_mount *mount, struct error *err)
{
	owned_fd tree = make(plan, mount, err);
	bool is_tmpfs = mount->type && strcmp(mount->type, "tmpfs") == 0;

	if (tree < 0)
		return -1;
	if (is_tmpfs && take_over(plan, mount, tree, err) < 0)
		return error_within(err, "mounts[%zu].options", mount->index);
	if (put(plan, mount, tree, err) < 0)
		return error_within(err, "mounts[%zu].destination", mount->index);
	if (set_propagation(mount, tree, err) < 0)
		return -1;
	return keep(plan, mount, tree, err);
}

static int apply(struct rootfs_plan *plan, struct error *err)
{
	if (copy_early(plan, err) < 0 || cut_propagation(err) < 0)
		return -1;
	if (mount_root(plan, err) < 0)
		return error_within(err, "root.path");
	for (size_t i = 0; i < plan->mounts_count; i++)
		if (apply_mount(plan, &plan->mounts[i], err) < 0)
			return -1;
	return rootfs_make_devices(plan, err);
}

int rootfs_apply(struct rootfs_plan *plan, struct error *err)
{
	mode_t old = umask(0); /* modes are meant as they are written */
	int result = apply(plan, err);

	(void)umask(old);
	return result;
}
