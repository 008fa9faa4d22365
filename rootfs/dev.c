/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/path.h"

#include "steps.h"

/* Those of procfs only where it has what they lead to. */
static const struct {
	const char *name;
	const char *to;
} links[] = {
	{"core",   "/proc/kcore"    },
        {"fd",     "/proc/self/fd"  },
        {"stdin",  "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
        {"stderr", "/proc/self/fd/2"},
        {"ptmx",   "pts/ptmx"       },
};

static bool is_node(int fd, const struct rootfs_node *node)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != (node->mode & S_IFMT))
		return false;
	return S_ISFIFO(st.st_mode) || st.st_rdev == node->number;
}

/* The host's node on a file of the container: in a user namespace of our own no node can be made,
 * and one that could would not work. Read-only, which no device is for who writes to it: its mode and its owner are
 * the host's to change, whoever the container's root is there. */
static int bind_node(const struct rootfs_plan *plan, const struct rootfs_node *node,
                     struct error *err)
{
	owned_fd tree = rootfs_clone_tree(AT_FDCWD, node->path, false);
	owned_fd target = -1;

	if (tree < 0)
		return fail_errno(err, node->path, "open_tree");
	if (!is_node(tree, node))
		return fail(err, ERROR_SYSTEM, node->path, "is another device on the host");
	if (rootfs_set_attributes(tree, MOUNT_ATTR_RDONLY, 0) < 0)
		return fail_errno(err, node->path, "mount_setattr");
	target = rootfs_open_place(plan, node->path, ROOTFS_FILE, err);
	if (target < 0)
		return -1;
	if (rootfs_attach(tree, target) < 0)
		return fail_errno(err, node->path, "move_mount");
	return 0;
}

/* Whether what is there instead of a node may be left or is to be covered.
 * Returns  as make_node(). */
static int meet_other(const struct rootfs_node *node, int there, struct error *err)
{
	struct stat st;

	if (!node->is_default)
		return fail(err, ERROR_CONFIG, node->path, "something else is there already");
	/* an image's own link, to another device perhaps, is its choice; a plain file is not */
	return there >= 0 && fstat(there, &st) == 0 && S_ISLNK(st.st_mode) ? 0 : 1;
}

/* What is at the name where a node could not be made, because it was not tried or something is there.
 * Returns  as make_node(). */
static int meet(int parent, const char *name, const struct rootfs_node *node, struct error *err)
{
	owned_fd there = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (there < 0)
		return 1;
	return is_node(there, node) ? 0 : meet_other(node, there, err);
}

/* A directory that we made has no set-group-ID bit: what root makes there is root's. */
static bool is_ours(const struct rootfs_plan *plan, const struct rootfs_node *node, int base)
{
	return base != plan->root && plan->is_root && node->uid == 0 && node->gid == 0;
}

/* Returns  0; 1 when the host's has to be bound; or -1 and *err. */
static int make_node(struct rootfs_plan *plan, const struct rootfs_node *node, struct error *err)
{
	const char *rest = node->path, *name = NULL;
	int base = rootfs_base(plan, &rest);
	bool flat = rootfs_is_flat(rest);
	owned_fd made = flat ? -1 : path_make_parent(base, rest, &name, err);
	int parent = flat ? base : made;

	if (parent < 0)
		return -1;
	if (flat)
		name = rest + 1;
	if (plan->user_namespace && !S_ISFIFO(node->mode))
		return meet(parent, name, node, err);
	if (mknodat(parent, name, node->mode, node->number) < 0) {
		if (errno == EEXIST || (errno == EPERM && !S_ISFIFO(node->mode)))
			return meet(parent, name, node, err);
		return fail_errno(err, node->path, "mknod");
	}
	if (strcmp(node->path, "/dev/null") == 0)
		plan->null_made = true;
	if (!is_ours(plan, node, base) &&
	    fchownat(parent, name, node->uid, node->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, node->path, "chown");
	return 0;
}

/* What nobody asked for by name is left out where the root can't take it. */
static bool is_forgiven(const struct rootfs_node *node, const struct error *err)
{
	return node->is_default && err->errnum == EROFS;
}

/* /dev is the host's, or a volume: what is asked for must be there. */
static int find_node(const struct rootfs_plan *plan, const struct rootfs_node *node,
                     struct error *err)
{
	const char *rest = node->path;
	int base = rootfs_base(plan, &rest);
	owned_fd there = path_open(base, rest, O_PATH, err);

	if (there >= 0 && !is_node(there, node))
		return fail(err, ERROR_CONFIG, node->path,
		            "is another file in the /dev that is bound");
	return there < 0 ? -1 : 0;
}

static int provide_node(struct rootfs_plan *plan, const struct rootfs_node *node, struct error *err)
{
	int made;

	if (plan->foreign_dev && strncmp(node->path, "/dev/", strlen("/dev/")) == 0)
		return node->is_default ? 0 : find_node(plan, node, err);
	made = make_node(plan, node, err);
	return made == 1 ? bind_node(plan, node, err) : made;
}

/* Returns  1 or 0, or -1 and *err where it can't be told. */
static int is_there(const struct rootfs_plan *plan, const char *path, struct error *err)
{
	static const int missing[] = {ENOENT, ENOTDIR, ELOOP, EACCES, EXDEV};
	const char *rest = path;
	int base = rootfs_base(plan, &rest);
	struct error why;
	owned_fd fd = -1;

	if (base == plan->listing.of && rootfs_is_flat(rest) &&
	    rootfs_kind_in_proc(plan, rest + 1) == ROOTFS_KIND_MISSING)
		return 0;
	fd = path_open(base, rest, O_PATH, &why);

	if (fd >= 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
		if (why.errnum == missing[i])
			return 0;
	*err = why;
	return -1;
}

static int make_link(int dev, const char *name, const char *to, struct error *err)
{
	if (symlinkat(to, dev, name) == 0 || errno == EEXIST || errno == EROFS)
		return 0;
	return fail_errno(err, name, "symlink");
}

/* Whether what is at "/proc" is a procfs: one that we have mounted need not be looked for. */
static int has_descriptors(const struct rootfs_plan *plan, struct error *err)
{
	static const char fds[] = "/proc/self/fd";
	const struct rootfs_mount *proc = rootfs_cover(plan, fds);

	if (proc && proc->held && proc->fd >= 0 && strcmp(proc->type, "proc") == 0)
		return 1;
	return is_there(plan, fds, err);
}

static int make_links(const struct rootfs_plan *plan, int dev, struct error *err)
{
	static const char fds[] = "/proc/self/fd";
	int has_fds = has_descriptors(plan, err);

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		const char *to = links[i].to;
		/* the last step of /proc/self/fd/0 is a magic link, which is never followed here */
		int there = has_fds;

		if (strncmp(to, fds, strlen(fds)) != 0)
			there = *to == '/' ? is_there(plan, to, err) : 1;
		if (there < 0 || (there && make_link(dev, links[i].name, to, err) < 0))
			return error_within(err, "/dev");
	}
	return 0;
}

/* Returns  what is at "/dev", borrowed from the plan; or -1 and *err. */
static int open_dev(struct rootfs_plan *plan, struct error *err)
{
	const char *rest = "/dev";
	int base = rootfs_base(plan, &rest);

	if (base != plan->root && strcmp(rest, "/") == 0) /* held */
		return base;
	plan->dev = rootfs_open_place(plan, "/dev", ROOTFS_DIRECTORY | ROOTFS_NO_LINK, err);
	return plan->dev;
}

int rootfs_make_devices(struct rootfs_plan *plan, struct error *err)
{
	int dev = open_dev(plan, err);

	if (dev < 0 && err->errnum != EROFS)
		return error_within(err, "root.path");
	for (size_t i = 0; i < plan->nodes_count; i++) {
		const struct rootfs_node *node = &plan->nodes[i];

		if (provide_node(plan, node, err) == 0 || is_forgiven(node, err))
			continue;
		return node->is_default ? error_within(err, "default devices")
		                        : error_within(err, "linux.devices[%zu]", node->index);
	}
	rootfs_list(plan);
	if (plan->foreign_dev || dev < 0)
		return 0;
	return make_links(plan, dev, err);
}
