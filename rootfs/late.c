/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a container that lives, from a process of ours in its namespaces. Its own processes may move and replace
 * whatever we look for meanwhile: so places are resolved inside the root and held, and mounts are taken away by their
 * descriptors, never by a second look at a name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/path.h"

#include "steps.h"

/* umount2(2) knows names only, and the one of a descriptor is in /proc: the host's, as the container's may
 * be anything. The working directory is that procfs. */
static int unmount(int mount)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "self/fd/%d", mount);
	return umount2(path, MNT_DETACH);
}

static int begin(struct rootfs_plan *plan, int proc, struct error *err)
{
	plan->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (plan->root < 0)
		return fail_errno(err, "/", "open");
	return fchdir(proc) < 0 ? fail_errno(err, "/proc", "chdir") : 0;
}

static int set_readonly(const struct rootfs_mount *mount, struct error *err)
{
	if (!mount->late_readonly || rootfs_set_attributes(mount->fd, MOUNT_ATTR_RDONLY, 0) == 0)
		return 0;
	(void)fail_errno(err, "", "mount_setattr");
	return error_within(err, "mounts[%zu].options", mount->index);
}

void rootfs_take_back(struct rootfs_plan *plan)
{
	for (size_t i = plan->mounts_done; i > 0; i--) {
		struct rootfs_mount *mount = &plan->mounts[i - 1];

		if (mount->link || mount->fd < 0)
			continue;
		(void)unmount(mount->fd); /* it can't fail: it is ours, and whole */
		(void)close(take_fd(&mount->fd));
	}
}

int rootfs_add_mounts(struct rootfs_plan *plan, int proc, struct error *err)
{
	if (begin(plan, proc, err) < 0)
		return -1;
	(void)umask(0);
	for (size_t i = 0; i < plan->mounts_count; i++) {
		struct rootfs_mount *mount = &plan->mounts[i];

		if (rootfs_apply_mount(plan, mount, err) < 0 ||
		    (mount->fd >= 0 && set_readonly(mount, err) < 0)) {
			rootfs_take_back(plan);
			return -1;
		}
	}
	return 0;
}

/* ---- remove ---- */

bool rootfs_is_root(const struct rootfs_plan *plan, int fd)
{
	struct statx ours, theirs;

	return statx(plan->root, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &ours) == 0 &&
	       statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &theirs) == 0 &&
	       ours.stx_mnt_id == theirs.stx_mnt_id && ours.stx_ino == theirs.stx_ino;
}

/* A link on the way would let the container name another of its mounts: one that hides something, say. */
static int find(const struct rootfs_plan *plan, const char *path, struct error *err)
{
	owned_fd fd = path_open_plain(plan->root, path, O_PATH, err);
	struct statx stx;

	if (fd < 0 && err->errnum == ELOOP)
		return fail(err, ERROR_CONFIG, path,
		            "a symbolic link is in it: write the path without");
	if (fd < 0)
		return -1;
	if (rootfs_is_root(plan, fd))
		return fail(err, ERROR_CONFIG, path, "is the container's root");
	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &stx) < 0)
		return fail_errno(err, path, "stat");
	if (!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return fail(err, ERROR_STATE, path, "nothing is mounted there");
	return take_fd(&fd);
}

/* Whether it went with one that it was below. */
static bool has_gone(const struct rootfs_plan *plan, size_t index)
{
	for (size_t i = index + 1; i < plan->mounts_count; i++)
		if (rootfs_covers(plan->mounts[i].destination, plan->mounts[index].destination))
			return true;
	return false;
}

static int remove_all(struct rootfs_plan *plan, struct error *err)
{
	for (size_t i = plan->mounts_count; i > 0; i--) {
		struct rootfs_mount *mount = &plan->mounts[i - 1];

		if (unmount(mount->fd) < 0 && !(errno == EINVAL && has_gone(plan, i - 1))) {
			(void)fail_errno(err, mount->destination, "umount");
			return error_within(err, "mounts[%zu].destination", mount->index);
		}
	}
	return 0;
}

int rootfs_remove_mounts(struct rootfs_plan *plan, int proc, struct error *err)
{
	if (begin(plan, proc, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->mounts_count; i++) {
		struct rootfs_mount *mount = &plan->mounts[i];

		mount->fd = find(plan, mount->destination, err);
		if (mount->fd < 0)
			return error_within(err, "mounts[%zu].destination", mount->index);
	}
	return remove_all(plan, err);
}
