/* SPDX-License-Identifier: Apache-2.0 */
/* The host's part of the mounts: what only who stands outside the container's user namespace may do.
 * Detached copies of sources are made before clone, so that the child has them by inheritance. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/own.h"

#include "steps.h"

/* Nothing that the container mounts in a copy shall come back to the host, as it would not from a copy
 * that was made in its user namespace. */
static int cut_off(int tree)
{
	struct mount_attr slave = {.propagation = MS_SLAVE};

	return mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &slave, sizeof(slave));
}

static int map_ids(const struct rootfs_mount *mount, const struct rootfs_idmap *idmap, int tree,
                   struct error *err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)idmap->fd};
	unsigned int below = mount->ids_below ? AT_RECURSIVE : 0;

	if (mount_setattr(tree, "", AT_EMPTY_PATH | below, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno != EINVAL)
		return fail_errno(err, mount->source, "mount_setattr");
	(void)fail(err, ERROR_SYSTEM, mount->source,
	           "mount_setattr: %s (its file system%s can't map ids)", strerrordesc_np(EINVAL),
	           mount->ids_below ? ", or one below it," : "");
	err->errnum = EINVAL;
	return -1;
}

static int open_source(const struct rootfs_plan *plan, struct rootfs_mount *mount,
                       struct error *err)
{
	owned_fd tree = rootfs_clone_source(mount);

	if (tree < 0)
		return fail_errno(err, mount->source, "open_tree");
	if (plan->user_namespace && cut_off(tree) < 0)
		return fail_errno(err, mount->source, "mount_setattr");
	if (mount->idmap > 0 && map_ids(mount, &plan->idmaps[mount->idmap - 1], tree, err) < 0)
		return -1;
	mount->copy = take_fd(&tree);
	return 0;
}

static bool is_wanted(const struct rootfs_plan *plan, const struct rootfs_mount *mount)
{
	if (!mount->bind || mount->link)
		return false;
	return mount->idmap > 0 || mount->from_host || (plan->user_namespace && plan->privileged);
}

int rootfs_open_sources(struct rootfs_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->mounts_count; i++) {
		struct rootfs_mount *mount = &plan->mounts[i];

		if (is_wanted(plan, mount) && open_source(plan, mount, err) < 0)
			return error_within(err, "mounts[%zu].%s", mount->index,
			                    err->errnum == EINVAL ? "options" : "source");
	}
	return 0;
}

void rootfs_close_sources(struct rootfs_plan *plan)
{
	for (size_t i = 0; i < plan->mounts_count; i++) {
		fd_release(&plan->mounts[i].copy);
		plan->mounts[i].copy = -1;
	}
}
