/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"
#include "base/syscalls.h"

#include "steps.h"

/* The old root lands on top of the new one at "/" and is taken off lazily, so that no directory
 * for it is needed in the image: pivot_root(2), "pivot_root(".", ".")". */
static int pivot(int root, struct error *err)
{
	if (fchdir(root) < 0)
		return fail_errno(err, "root.path", "chdir");
	if (sys_pivot_root(".", ".") < 0)
		return fail_errno(err, "root.path", "pivot_root");
	/* not heard on the host: rootfs_apply() has made it a slave */
	if (umount2(".", MNT_DETACH) < 0)
		return fail_errno(err, "/", "umount");
	return 0;
}

/* Take a mount of the host away that stays below the moved root. While one of its procfs and sysfs
 * can be seen whole, the kernel lets a user namespace in the container mount another whole one. */
static int uncover(const char *path, int64_t magic, struct error *err)
{
	for (;;) {
		owned_fd fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 || !path_is_on(fd, magic))
			return 0;
		if (umount2(path, MNT_DETACH) == 0)
			continue;
		/* locked by a user namespace: then it is covered */
		if ((errno != EINVAL && errno != EPERM) ||
		    mount("tmpfs", path, "tmpfs", MS_RDONLY, NULL) < 0)
			return fail_errno(err, path, "umount");
	}
}

/* --no-pivot: for an initramfs, whose root can't be moved. The host's mounts stay below. */
static int move(int root, struct error *err)
{
	if (uncover("/proc", PROC_SUPER_MAGIC, err) < 0 || uncover("/sys", SYSFS_MAGIC, err) < 0)
		return -1;
	if (fchdir(root) < 0)
		return fail_errno(err, "root.path", "chdir");
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return fail_errno(err, "root.path", "mount");
	if (chroot(".") < 0)
		return fail_errno(err, "root.path", "chroot");
	return 0;
}

/* A view of "/" on top of it would be seen by nobody: who stands in the root is below. */
static bool is_root_readonly(const struct spec *spec)
{
	const text_list *paths = &spec->linux_.readonly_paths;
	bool readonly = spec->root_readonly;

	for (size_t i = 0; i < paths->count; i++)
		readonly |= strspn(paths->item[i], "/") == strlen(paths->item[i]);
	return readonly;
}

static int set_readonly(struct rootfs_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->mounts_count; i++) {
		const struct rootfs_mount *mount = &plan->mounts[i];

		if (mount->fd < 0 || !mount->late_readonly ||
		    rootfs_set_attributes(mount->fd, MOUNT_ATTR_RDONLY, 0) == 0)
			continue;
		(void)fail_errno(err, "", "mount_setattr");
		return error_within(err, "mounts[%zu].options", mount->index);
	}
	if (is_root_readonly(plan->spec) &&
	    rootfs_set_attributes(plan->root, MOUNT_ATTR_RDONLY, 0) < 0)
		return fail_errno(err, "root.readonly", "mount_setattr");
	return 0;
}

/* From here on nothing is looked for in them. */
static void let_go(struct rootfs_plan *plan)
{
	struct fd_heap held = {0};

	for (size_t i = 0; i < plan->mounts_count; i++)
		fd_heap_add(&held, &plan->mounts[i].fd);
	fd_heap_add(&held, &plan->dev);
	fd_heap_add(&held, &plan->root);
	fd_heap_add(&held, &plan->under);
	fd_heap_add(&held, &plan->listing.dir);
	fd_heap_add(&held, &plan->null);
	fd_heap_close(&held);
}

/* Images name working directories that they have not got: crun and runc make them, as the container's root. Of one that
 * can't be looked at from here (a user's own, or behind a link of procfs) whoever enters it will speak. */
static int make_cwd(const struct rootfs_plan *plan, struct error *err)
{
	const char *cwd = plan->spec->process.cwd;
	owned_fd place = -1;

	if (!cwd || *cwd != '/' || strcmp(cwd, "/") == 0)
		return 0;
	place = rootfs_open_place(plan, cwd, ROOTFS_DIRECTORY, err);
	if (place >= 0 || err->errnum == EACCES || err->errnum == ELOOP)
		return 0;
	return error_within(err, "process.cwd");
}

int rootfs_enter(struct rootfs_plan *plan, struct error *err)
{
	if (make_cwd(plan, err) < 0 || rootfs_protect(plan, err) < 0 || set_readonly(plan, err) < 0)
		return -1;
	if ((plan->no_pivot ? move(plan->root, err) : pivot(plan->root, err)) < 0)
		return -1;
	let_go(plan);
	if (plan->propagation && mount(NULL, "/", NULL, plan->propagation, NULL) < 0)
		return fail_errno(err, "linux.rootfsPropagation", "mount");
	return 0;
}
