/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#include "base/own.h"

#include "steps.h"

int rootfs_clone_tree(int dir, const char *path, bool recursive)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

	if (!*path)
		flags |= AT_EMPTY_PATH;
	if (recursive)
		flags |= AT_RECURSIVE;
	return open_tree(dir, path, flags);
}

int rootfs_attach(int mount, int target)
{
	return move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* The restricting attributes that a mount has now. */
static uint64_t held_attributes(int mount)
{
	static const struct {
		unsigned long flag;
		uint64_t attribute;
	} rows[] = {
		{ST_RDONLY, MOUNT_ATTR_RDONLY},
		{ST_NOSUID, MOUNT_ATTR_NOSUID},
		{ST_NODEV,  MOUNT_ATTR_NODEV },
		{ST_NOEXEC, MOUNT_ATTR_NOEXEC},
	};
	struct statvfs fs;
	uint64_t held = 0;

	if (fstatvfs(mount, &fs) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fs.f_flag & rows[i].flag)
			held |= rows[i].attribute;
	return held;
}

int rootfs_set_attributes(int mount, uint64_t set, uint64_t clear)
{
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear};

	if (set == 0 && clear == 0)
		return 0;
	if (mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno != EPERM)
		return -1;
	/* a mount of a more privileged namespace: what restricts it there can't be taken away, nor
	 * can the way it notes access times be changed */
	attr.attr_clr &= ~held_attributes(mount);
	if (!(set & MOUNT_ATTR__ATIME))
		attr.attr_clr &= ~(uint64_t)MOUNT_ATTR__ATIME;
	if (attr.attr_set == 0 && attr.attr_clr == 0)
		return 0;
	return mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

int rootfs_set_below(const struct rootfs_mount *mount, int tree)
{
	struct mount_attr attr = {.attr_set = mount->set_below, .attr_clr = mount->clear_below};

	if (attr.attr_set == 0 && attr.attr_clr == 0)
		return 0;
	return mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
}

int rootfs_clone_source(const struct rootfs_mount *mount)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

	if (mount->recursive)
		flags |= AT_RECURSIVE;
	if (mount->keep_link)
		flags |= AT_SYMLINK_NOFOLLOW;
	return open_tree(AT_FDCWD, mount->source, flags);
}

/* Our own copy, where that can be had: what restricts its mount stays locked then. The host's is that of
 * an id-mapped mount, of a source that the root of our user namespace can't reach, and of one that is not
 * in our mount namespace. */
static int take_source(struct rootfs_mount *mount)
{
	owned_fd copy = take_fd(&mount->copy);
	int tree;

	if (copy >= 0 && (mount->idmap > 0 || mount->from_host))
		return take_fd(&copy);
	tree = rootfs_clone_source(mount);
	return tree < 0 && errno == EACCES && copy >= 0 ? take_fd(&copy) : tree;
}

int rootfs_mount_bind(struct rootfs_mount *mount, struct error *err)
{
	owned_fd tree = take_source(mount);

	if (tree < 0) {
		(void)fail_errno(err, mount->source, "open_tree");
		return error_within(err, "mounts[%zu].source", mount->index);
	}
	if (rootfs_set_below(mount, tree) < 0 ||
	    rootfs_set_attributes(tree, mount->set, mount->clear) < 0) {
		(void)fail_errno(err, "", "mount_setattr");
		return error_within(err, "mounts[%zu].options", mount->index);
	}
	return take_fd(&tree);
}
