/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>

#include "base/own.h"
#include "base/path.h"

#include "steps.h"

/* New instances of file systems: fsopen(2), a call of fsconfig(2) an option, fsmount(2). Nothing
 * names a path of the container: what comes out is attached by descriptor. */

/* The kernel's own words for what a file system context refused, if it left some: "e tmpfs: Bad
 * value for 'size'". */
static int fail_context(int context, const char *object, const char *verb, struct error *err)
{
	int errnum = errno;
	char message[128];
	ssize_t length = read(context, message, sizeof(message) - 1);

	errno = errnum;
	(void)fail_errno(err, object, verb);
	if (length <= 2)
		return -1;
	message[length] = '\0';
	message[strcspn(message, "\n")] = '\0';
	(void)fail(err, ERROR_SYSTEM, object, "%s: %s: %s", verb, strerrordesc_np(errnum),
	           message + 2);
	err->errnum = errnum;
	errno = errnum;
	return -1;
}

static int open_context(const char *type, struct error *err)
{
	int context = fsopen(type, FSOPEN_CLOEXEC);

	return context < 0 ? fail_errno(err, type, "fsopen") : context;
}

static int create(int context, const char *type, uint64_t attributes, struct error *err)
{
	int made;

	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_context(context, type, "mount", err);
	made = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)attributes);
	return made < 0 ? fail_context(context, type, "fsmount", err) : made;
}

/* As mount(2) would make it. */
int rootfs_mount_plain(const char *type, uint64_t attributes, struct error *err)
{
	bool readonly = (attributes & MOUNT_ATTR_RDONLY) && rootfs_has_superblock_flag(type);
	owned_fd context = open_context(type, err);

	if (context < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", type, 0) < 0 ||
	    (readonly && fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0))
		return fail_context(context, type, "fsconfig", err);
	return create(context, type, attributes, err);
}

static int set_datum(int context, const struct rootfs_datum *datum, struct error *err)
{
	unsigned int command = datum->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

	if (fsconfig(context, command, datum->key, datum->value, 0) < 0)
		return fail_context(context, "", "fsconfig", err);
	return 0;
}

/* File systems of the kernel's own. */
static bool is_of_the_kernel(const char *type)
{
	static const char *const types[] = {"proc",   "sysfs",  "mqueue",
	                                    "devpts", "cgroup", "cgroup2"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

bool rootfs_has_superblock_flag(const char *type)
{
	return !is_of_the_kernel(type);
}

static int set_data(int context, const struct rootfs_mount *mount, struct error *err)
{
	for (size_t i = 0; i < mount->data_count; i++) {
		if (set_datum(context, &mount->data[i], err) == 0)
			continue;
		if (mount->data[i].option == ROOTFS_NO_OPTION)
			return error_within(err, "linux.mountLabel: mounts[%zu]", mount->index);
		return error_within(err, "mounts[%zu].options[%zu]", mount->index,
		                    mount->data[i].option);
	}
	return 0;
}

static int configure(int context, const struct rootfs_mount *mount, struct error *err)
{
	if (mount->source && *mount->source &&
	    fsconfig(context, FSCONFIG_SET_STRING, "source", mount->source, 0) < 0) {
		(void)fail_context(context, mount->source, "fsconfig", err);
		return error_within(err, "mounts[%zu].source", mount->index);
	}
	if (set_data(context, mount, err) < 0)
		return -1;
	if ((mount->set & MOUNT_ATTR_RDONLY) && rootfs_has_superblock_flag(mount->type) &&
	    fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0) {
		(void)fail_context(context, "ro", "fsconfig", err);
		return error_within(err, "mounts[%zu].options", mount->index);
	}
	return 0;
}

int rootfs_reconfigure(const struct rootfs_mount *mount, struct error *err)
{
	owned_fd context = fspick(mount->changes->fd, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);

	if (context < 0) {
		(void)fail_errno(err, mount->destination, "fspick");
		return error_within(err, "mounts[%zu]", mount->index);
	}
	if (set_data(context, mount, err) < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) == 0)
		return 0;
	(void)fail_context(context, mount->destination, "remount", err);
	return error_within(err, "mounts[%zu].options", mount->index);
}

static int copy_instead(const char *path, bool recursive, const struct rootfs_mount *mount,
                        struct error *err)
{
	owned_fd tree = rootfs_clone_tree(AT_FDCWD, path, recursive);

	if (tree < 0)
		return fail_errno(err, path, "open_tree");
	if (rootfs_set_attributes(tree, mount->set, mount->clear & MOUNT_ATTR__ATIME) < 0)
		return fail_errno(err, path, "mount_setattr");
	return take_fd(&tree);
}

/* File systems that are about a namespace, and where the host's is. Without a namespace of that kind of its own the
 * container may not mount one, and the host's is the one that it would be. */
static const struct host_mount {
	const char *type, *path;
	enum namespace_type about;
	bool readonly; /* with all below it: whom it may be written by is not settled by that namespace */
} host_mounts[] = {
	{"proc",   "/proc",       NAMESPACE_PID,     false},
	{"sysfs",  "/sys",        NAMESPACE_NETWORK, true },
	{"mqueue", "/dev/mqueue", NAMESPACE_IPC,     false},
};

static int copy_host(const struct host_mount *host, const struct rootfs_mount *mount,
                     struct error *err)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	owned_fd tree = copy_instead(host->path, true, mount, err);

	if (tree < 0 || !host->readonly)
		return tree < 0 ? -1 : take_fd(&tree);
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly, sizeof(readonly)) < 0)
		return fail_errno(err, host->path, "mount_setattr");
	return take_fd(&tree);
}

/* Who mounts the tree in the host's cgroup namespace sets its options (nsdelegate, …) for everybody, and by
 * naming none takes them away: the host's own mount is copied.
 * Returns  the mount, or -1: there is none at the usual places. */
static int copy_cgroups(const struct rootfs_mount *mount)
{
	static const char *const tops[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		struct error ignored;
		owned_fd tree = copy_instead(tops[i], false, mount, &ignored);

		if (tree >= 0 && path_is_on(tree, CGROUP2_SUPER_MAGIC))
			return take_fd(&tree);
	}
	return -1;
}

/* Not allowed to mount it: a copy of what is mounted on the host may do.
 * Returns  the mount, or -1 and *err, left alone where there is nothing to copy. */
static int fall_back(const struct rootfs_plan *plan, const struct rootfs_mount *mount,
                     struct error *err)
{
	bool is_cgroup = strncmp(mount->type, "cgroup", strlen("cgroup")) == 0;

	if (is_cgroup && plan->cgroup && (err->errnum == EPERM || err->errnum == EBUSY))
		return copy_instead(plan->cgroup, false, mount, err);
	for (size_t i = 0; i < ARRAY_SIZE(host_mounts); i++) {
		const struct host_mount *host = &host_mounts[i];

		if (strcmp(mount->type, host->type) == 0 && plan->user_namespace && !plan->late &&
		    (plan->shared & 1U << host->about) && err->errnum == EPERM)
			return copy_host(host, mount, err);
	}
	return -1;
}

/* The kernel gives no reason when proc or sysfs would show more than can be seen now: mount_too_revealing(). */
static int explain(const struct rootfs_mount *mount, struct error *err)
{
	bool is_proc = strcmp(mount->type, "proc") == 0;

	if ((is_proc || strcmp(mount->type, "sysfs") == 0) && err->errnum == EPERM) {
		(void)fail(err, ERROR_SYSTEM, mount->type,
		           "mount: %s (in a user namespace: its %s namespace must be new too, and "
		           "nothing be mounted over parts of the host's; within a container its %s "
		           "must not "
		           "be masked)",
		           strerrordesc_np(EPERM), is_proc ? "pid" : "network",
		           is_proc ? "/proc" : "/sys");
		err->errnum = EPERM;
	}
	if (err->errnum == ENODEV)
		return error_within(err, "mounts[%zu].type", mount->index);
	return error_within(err, "mounts[%zu]", mount->index);
}

/* Returns  the mount; or -1 and *err, *ret_told whether with the JSON path already. */
static int make(const char *type, const struct rootfs_mount *mount, bool *ret_told,
                struct error *err)
{
	owned_fd context = open_context(type, err);

	*ret_told = false;
	if (context < 0)
		return -1;
	if (configure(context, mount, err) < 0) {
		*ret_told = true;
		return -1;
	}
	return create(context, type, mount->set, err);
}

/* Those of every container, in the quick way. Why it was refused is said by the other one. */
static int make_quickly(const struct rootfs_plan *plan, const char *type,
                        const struct rootfs_mount *mount)
{
	struct error ignored;

	if (plan->late || !rootfs_may_at_once(mount) ||
	    (!is_of_the_kernel(type) && strcmp(type, "tmpfs") != 0))
		return -1;
	return rootfs_mount_at_once(plan, mount, type, &ignored);
}

int rootfs_mount_filesystem(const struct rootfs_plan *plan, const struct rootfs_mount *mount,
                            struct error *err)
{
	const char *type = strcmp(mount->type, "cgroup") == 0 ? "cgroup2" : mount->type;
	bool told = false;
	int made = -1;

	if (strcmp(type, "cgroup2") == 0 && (plan->shared & 1U << NAMESPACE_CGROUP) &&
	    !plan->user_namespace)
		made = copy_cgroups(mount);
	if (made < 0 && mount->at_once)
		made = rootfs_mount_at_once(plan, mount, type, err);
	else if (made < 0 && (made = make_quickly(plan, type, mount)) < 0)
		made = make(type, mount, &told, err);
	if (made < 0 && !told)
		made = fall_back(plan, mount, err);
	return made < 0 && !told ? explain(mount, err) : made;
}
