/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts by name, where the name is ours alone.
 *
 * Theory of operation. mount(2) puts a mount right into its place, with one call where descriptors take five; but it
 * follows links, and names in an image are the image's. Not so in what we mounted ourselves and hold: a directory
 * that we have just made in our own tmpfs, and what the kernel has at a fixed place in its sysfs, are what they are
 * called, and nobody else has them in his hands yet. So we stand in the held directory and use the name.
 * What is mounted so needs no descriptor: it is looked for from the mount that it is in. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steps.h"

/* A name is looked up in the held directory that we stand in. Returns 0, or -1 and errno. */
static int stand_in(struct rootfs_plan *plan, int dir)
{
	if (plan->stands == dir)
		return 0;
	if (fchdir(dir) < 0)
		return -1;
	plan->stands = dir;
	return 0;
}

const char *rootfs_kernels_name(struct rootfs_plan *plan, const char *path)
{
	const struct rootfs_mount *in = rootfs_cover(plan, path);
	int base = rootfs_base(plan, &path);

	if (!in || in->bind || !in->held || in->fd != base || !rootfs_is_flat(path) ||
	    (strcmp(in->type, "proc") != 0 && strcmp(in->type, "sysfs") != 0))
		return NULL;
	return stand_in(plan, base) < 0 ? NULL : path + 1;
}

static bool is_type(const struct rootfs_mount *mount, const char *type)
{
	return mount->type && strcmp(mount->type, type) == 0;
}

/* Whether nothing is wanted of it that needs its descriptor. */
static bool is_simple(const struct rootfs_plan *plan, const struct rootfs_mount *mount)
{
	static const char *const types[] = {"tmpfs", "devpts", "mqueue", "cgroup", "cgroup2"};
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		known = known || is_type(mount, types[i]);
	if (!known || mount->bind || mount->propagation || mount->copy_up || mount->late_readonly ||
	    mount->onto_link || mount->reconfigured || !rootfs_may_at_once(mount))
		return false;
	if (strncmp(mount->type, "cgroup", strlen("cgroup")) == 0)
		return !(plan->shared &
		         1U << NAMESPACE_CGROUP); /* else it is a copy of the host's */
	return !is_type(mount, "tmpfs") ||
	       rootfs_has_datum(mount, "mode"); /* else that of the place */
}

/* Whether the name is a directory that no one but us or the kernel has made. */
static bool is_ours(const struct rootfs_mount *in, const char *name)
{
	if (is_type(in, "tmpfs") && !in->copy_up)
		return rootfs_is_flat(name) && mkdirat(in->fd, name + 1, 0755) == 0;
	return is_type(in, "sysfs") && strcmp(name, "/fs/cgroup") == 0;
}

bool rootfs_mount_by_name(struct rootfs_plan *plan, struct rootfs_mount *asked)
{
	const struct rootfs_mount *in = rootfs_cover(plan, asked->destination);
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	struct rootfs_arguments a;
	const char *name = asked->destination;

	if (plan->late || !in || in->bind || !in->held || in->fd < 0 || !is_simple(plan, asked) ||
	    rootfs_base(plan, &name) != in->fd || !is_ours(in, name))
		return false;
	if (!rootfs_mount_arguments(plan, asked, is_type(asked, "cgroup") ? "cgroup2" : asked->type,
	                            &a) ||
	    stand_in(plan, in->fd) < 0 || mount(a.source, name + 1, a.type, a.flags, a.data) < 0)
		return false;
	if ((asked->set & MOUNT_ATTR_RDONLY) && !(a.flags & MS_RDONLY) &&
	    mount_setattr(AT_FDCWD, name + 1, 0, &readonly, sizeof(readonly)) < 0) {
		(void)umount2(name + 1, MNT_DETACH);
		return false;
	}
	asked->in = in;
	plan->mounts_done++;
	return true;
}
