/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/own.h"
#include "base/path.h"

#include "steps.h"

static const char pts[] = "/dev/pts";
static const char console[] = "/dev/console", null[] = "/dev/null";

/* The slave on /dev/console, by its descriptor: no name of it is looked up in the container. */
static int mount_console(const struct rootfs_plan *plan, int slave, struct error *err)
{
	owned_fd tree = rootfs_clone_tree(slave, "", false);
	owned_fd target = -1;

	if (tree < 0)
		return fail_errno(err, console, "open_tree");
	target = rootfs_open_place(plan, console, ROOTFS_FILE | ROOTFS_NO_LINK, err);
	if (target < 0)
		return -1;
	if (rootfs_attach(tree, target) < 0)
		return fail_errno(err, console, "move_mount");
	return 0;
}

/* Anything may lie at these names in an image, and opening it could do anything: so first that it
 * is a devpts, then, without leaving that, its ptmx. */
static int open_master(int base, const char *path, struct error *err)
{
	owned_fd dir = path_open(base, path, O_PATH | O_DIRECTORY, err);

	if (dir < 0)
		return -1;
	if (!path_is_on(dir, DEVPTS_SUPER_MAGIC))
		return fail(err, ERROR_CONFIG, pts, "is no devpts file system");
	return path_open_strict(dir, "ptmx", O_RDWR | O_NOCTTY, err);
}

static int open_terminal(int base, const char *path, int *ret_slave, struct error *err)
{
	owned_fd master = open_master(base, path, err);
	int unlocked = 0;
	int slave;

	if (master < 0)
		return error_within(err, "process.terminal");
	slave = ioctl(master, TIOCSPTLCK, &unlocked) < 0
	                ? -1
	                : ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0) {
		(void)fail_errno(err, pts, "open a terminal");
		return error_within(err, "process.terminal");
	}
	*ret_slave = slave;
	return take_fd(&master);
}

int rootfs_terminal_below(int root, int *ret_slave, struct error *err)
{
	return open_terminal(root, pts, ret_slave, err);
}

int rootfs_terminal(struct rootfs_plan *plan, int *ret_slave, struct error *err)
{
	const char *rest = pts;
	int base = rootfs_base(plan, &rest);
	owned_fd slave = -1;
	owned_fd master = open_terminal(base, rest, &slave, err);

	if (master < 0)
		return -1;
	if (mount_console(plan, slave, err) < 0)
		return error_within(err, "process.terminal");
	*ret_slave = take_fd(&slave);
	return take_fd(&master);
}

/* Opening anything else could do anything. */
static int open_null(int base, const char *path, struct error *err)
{
	owned_fd found = path_open(base, path, O_PATH | O_NOFOLLOW, err);
	struct stat st;

	if (found < 0)
		return -1;
	if (fstat(found, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return fail(err, ERROR_CONFIG, null, "is no null device");
	return path_open(base, path, O_RDWR | O_NOFOLLOW | O_NOCTTY, err);
}

int rootfs_null_below(int root, struct error *err)
{
	return open_null(root, null, err);
}

int rootfs_null(struct rootfs_plan *plan, struct error *err)
{
	const struct rootfs_mount *cover = rootfs_cover(plan, null);
	const char *rest = null;
	int base = rootfs_base(plan, &rest);

	/* the node that we made in the tmpfs that we made need not be looked at */
	if (plan->null_made && cover && cover->fd == base && strcmp(cover->type, "tmpfs") == 0)
		plan->null = path_open(base, rest, O_RDWR | O_NOFOLLOW | O_NOCTTY, err);
	else
		plan->null = open_null(base, rest, err);
	return plan->null;
}
