/* SPDX-License-Identifier: Apache-2.0 */
/* A mount on the host, of a namespace that would end with its processes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/own.h"

#include "steps.h"

int rootfs_hold(int namespace, int dir, const char *name, struct error *err)
{
	owned_fd tree = -1;
	owned_fd file = openat(dir, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);

	if (file < 0)
		return fail_errno(err, name, "create");
	tree = rootfs_clone_tree(namespace, "", false);
	if (tree < 0)
		return fail_errno(err, name, "open_tree");
	if (move_mount(tree, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_errno(err, name, "move_mount");
	return 0;
}

int rootfs_let_go(int dir, const char *name, struct error *err)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	/* EINVAL: nothing is mounted there, for us */
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return fail_errno(err, name, "umount");
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return fail_errno(err, name, "remove");
	return 0;
}
