/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/own.h"
#include "base/path.h"

#include "steps.h"

/* Open what shall be protected.
 * Returns  an O_PATH descriptor, owned by the caller; -1 with err->errnum ENOENT or ENOTDIR when
 *          there is nothing; else -1 and *err. */
static int open_target(const struct rootfs_plan *plan, const char *path, struct error *err)
{
	const char *rest = path;
	int base = rootfs_base(plan, &rest);

	return path_open(base, rest, O_PATH, err);
}

static bool is_missing(const struct error *err)
{
	return err->errnum == ENOENT || err->errnum == ENOTDIR;
}

static int protect(const struct rootfs_plan *plan, const char *path, struct error *err)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	owned_fd target = open_target(plan, path, err);
	owned_fd tree = -1;

	if (target < 0)
		return is_missing(err) ? 0 : -1;
	/* recursive: in a user namespace what covers something may not be left behind */
	tree = rootfs_clone_tree(target, "", true);
	if (tree < 0)
		return fail_errno(err, path, "open_tree");
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly, sizeof(readonly)) < 0)
		return fail_errno(err, path, "mount_setattr");
	if (rootfs_attach(tree, target) < 0)
		return fail_errno(err, path, "move_mount");
	return 0;
}

/* What hides: made at the first need, copied for every further one. */
struct cover {
	int null; /* the host's /dev/null, O_PATH */
	int empty; /* an empty directory, once it is attached: only then older kernels let it be copied */
};

static void cover_release(struct cover *cover)
{
	fd_release(&cover->null);
	fd_release(&cover->empty);
}

/* The host's null device: what the container has at that name is the image's word only. */
static int cover_file(struct cover *cover, struct error *err)
{
	static const char path[] = "/dev/null";
	struct stat st;
	int tree;

	if (cover->null < 0) {
		owned_fd null = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (null < 0 || fstat(null, &st) < 0)
			return fail_errno(err, path, "open");
		if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
			return fail(err, ERROR_SYSTEM, path, "is not the null device on the host");
		cover->null = take_fd(&null);
	}
	tree = rootfs_clone_tree(cover->null, "", false);
	return tree < 0 ? fail_errno(err, path, "open_tree") : tree;
}

static int cover_directory(struct cover *cover, struct error *err)
{
	static const uint64_t attributes =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int tree;

	if (cover->empty < 0)
		return rootfs_mount_plain("tmpfs", attributes, err);
	tree = rootfs_clone_tree(cover->empty, "", false);
	return tree < 0 ? fail_errno(err, "tmpfs", "open_tree") : tree;
}

static int mask(const struct rootfs_plan *plan, struct cover *cover, const char *path,
                struct error *err)
{
	owned_fd target = open_target(plan, path, err);
	owned_fd tree = -1;
	struct stat st;

	if (target < 0)
		return is_missing(err) ? 0 : -1;
	if (fstat(target, &st) < 0)
		return fail_errno(err, path, "stat");
	tree = S_ISDIR(st.st_mode) ? cover_directory(cover, err) : cover_file(cover, err);
	if (tree < 0)
		return error_within(err, "%s", path);
	if (rootfs_attach(tree, target) < 0)
		return fail_errno(err, path, "move_mount");
	if (S_ISDIR(st.st_mode) && cover->empty < 0)
		cover->empty = take_fd(&tree);
	return 0;
}

int rootfs_protect(const struct rootfs_plan *plan, struct error *err)
{
	const struct spec_linux *spec = &plan->spec->linux_;
	OWNED(cover_release) struct cover cover = {.null = -1, .empty = -1};

	for (size_t i = 0; i < spec->readonly_paths.count; i++)
		if (protect(plan, spec->readonly_paths.item[i], err) < 0)
			return error_within(err, "linux.readonlyPaths[%zu]", i);
	for (size_t i = 0; i < spec->masked_paths.count; i++)
		if (mask(plan, &cover, spec->masked_paths.item[i], err) < 0)
			return error_within(err, "linux.maskedPaths[%zu]", i);
	return 0;
}
