/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/own.h"
#include "base/path.h"

#include "steps.h"

enum { ALL_READONLY_CALLS = 2 };

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

/* later    those in the procfs are made read-only when all are there.
 * Returns  1; 0 when there is nothing to protect; -1: it is to be done by descriptors. */
static int protect_by_name(struct rootfs_plan *plan, const char *path, bool later)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	const char *name = rootfs_kernels_name(plan, path);

	if (!name)
		return -1;
	if (rootfs_kind_of(plan, path, name) == ROOTFS_KIND_MISSING)
		return 0;
	if (mount(name, name, NULL, MS_BIND | MS_REC, NULL) < 0)
		return errno == ENOENT ? 0 : -1;
	if (later && plan->stands == plan->listing.of)
		return 1;
	if (mount_setattr(AT_FDCWD, name, AT_RECURSIVE, &readonly, sizeof(readonly)) == 0)
		return 1;
	(void)umount2(name, MNT_DETACH); /* it can be: it is ours, and whole */
	return -1;
}

/* Whether nothing but what protects it is below our procfs: then one call makes all of that read-only. What hooks have
 * mounted nobody knows, nor what was below a procfs of the host's that we have but copied. */
static bool is_alone(const struct rootfs_plan *plan)
{
	static const enum hook_point hooks[] = {HOOK_PRESTART, HOOK_CREATE_RUNTIME,
	                                        HOOK_CREATE_CONTAINER};
	const struct rootfs_mount *proc = rootfs_cover(plan, "/proc");

	if (!proc || plan->listing.of != proc->fd || plan->user_namespace || plan->proc_is_met ||
	    (proc->set & MOUNT_ATTR_RDONLY))
		return false;
	for (size_t i = 0; i < plan->mounts_count; i++)
		if (&plan->mounts[i] != proc && plan->mounts[i].type &&
		    strcmp(plan->mounts[i].type, "proc") == 0)
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (plan->spec->hooks[hooks[i]].count > 0)
			return false;
	return true;
}

/* The copies in our procfs, with it, which is not meant: it gets its right to be written back. */
static int set_all_readonly(struct rootfs_plan *plan, struct error *err)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
	int proc = plan->listing.of;

	if (mount_setattr(proc, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly, sizeof(readonly)) <
	            0 ||
	    mount_setattr(proc, "", AT_EMPTY_PATH, &writable, sizeof(writable)) < 0)
		return fail_errno(err, "/proc", "mount_setattr");
	return 0;
}

static int protect(struct rootfs_plan *plan, const char *path, bool later, struct error *err)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	owned_fd target = -1, tree = -1;

	if (protect_by_name(plan, path, later) >= 0)
		return 0;
	target = open_target(plan, path, err);
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

static const uint64_t empty_attributes =
	MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
static const unsigned long empty_flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

/* What hides. Of files the host's null device, whose mode and owner the container's root may not change, so
 * read-only: what the container has at that name is the image's word only. Of directories an empty one, copied once it
 * is attached: only then older kernels let it be. */
struct cover {
	const char *null;
	bool checked; /* it is one */
	/* a file that it covers already, by the name it has where we stand then: a copy is read-only too */
	const char *made;
	int stands;
	int empty; /* -1: none yet */
};

static void cover_release(struct cover *cover)
{
	fd_release(&cover->empty);
}

static int check_null(struct cover *cover, struct error *err)
{
	struct stat st;

	if (cover->checked)
		return 0;
	if (fstatat(AT_FDCWD, cover->null, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, cover->null, "stat");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return fail(err, ERROR_SYSTEM, cover->null, "is not the null device on the host");
	cover->checked = true;
	return 0;
}

static int cover_file(struct cover *cover, struct error *err)
{
	owned_fd tree = -1;

	if (check_null(cover, err) < 0)
		return -1;
	tree = rootfs_clone_tree(AT_FDCWD, cover->null, false);
	if (tree < 0)
		return fail_errno(err, cover->null, "open_tree");
	if (rootfs_set_attributes(tree, MOUNT_ATTR_RDONLY, 0) < 0)
		return fail_errno(err, cover->null, "mount_setattr");
	return take_fd(&tree);
}

static int cover_directory(const struct cover *cover, struct error *err)
{
	int tree;

	if (cover->empty < 0)
		return rootfs_mount_plain("tmpfs", empty_attributes, err);
	tree = rootfs_clone_tree(cover->empty, "", false);
	return tree < 0 ? fail_errno(err, "tmpfs", "open_tree") : tree;
}

/* Returns  whether the file is covered, or -1 and errno. */
static int cover_by_name(const struct rootfs_plan *plan, struct cover *cover, const char *name)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	bool is_copied = cover->made && cover->stands == plan->stands;

	if (mount(is_copied ? cover->made : cover->null, name, NULL, MS_BIND, NULL) < 0)
		return -1;
	if (is_copied)
		return 1;
	if (mount_setattr(AT_FDCWD, name, 0, &readonly, sizeof(readonly)) < 0) {
		(void)umount2(name, MNT_DETACH); /* it can be: it is ours, and whole */
		return 0;
	}
	cover->made = name;
	cover->stands = plan->stands;
	return 1;
}

/* Where that is not known, it tells a directory that a file doesn't cover it. Returns  as protect_by_name(). */
static int mask_by_name(struct rootfs_plan *plan, struct cover *cover, const char *path)
{
	const char *name = rootfs_kernels_name(plan, path);
	enum rootfs_kind kind;
	struct error ignored;
	int covered;

	if (!name || check_null(cover, &ignored) < 0)
		return -1;
	kind = rootfs_kind_of(plan, path, name);
	if (kind == ROOTFS_KIND_MISSING)
		return 0;
	if (kind != ROOTFS_KIND_DIRECTORY) {
		covered = cover_by_name(plan, cover, name);
		if (covered >= 0)
			return covered ? 1 : -1;
		if (errno != ENOTDIR)
			return errno == ENOENT ? 0 : -1;
	}
	if (mount("tmpfs", name, "tmpfs", empty_flags, NULL) < 0)
		return errno == ENOENT ? 0 : -1;
	return 1;
}

static int mask(struct rootfs_plan *plan, struct cover *cover, const char *path, struct error *err)
{
	owned_fd target = -1, tree = -1;
	struct stat st;

	if (mask_by_name(plan, cover, path) >= 0)
		return 0;
	target = open_target(plan, path, err);
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

/* Of a whole mount: its view lies on top of it, and of all that is looked up from there. */
static bool is_whole(const struct rootfs_plan *plan, const char *path)
{
	const char *rest = path;

	(void)rootfs_base(plan, &rest);
	return strspn(rest, "/") == strlen(rest);
}

static int protect_each(struct rootfs_plan *plan, bool whole, bool later, struct error *err)
{
	const text_list *paths = &plan->spec->linux_.readonly_paths;

	for (size_t i = 0; i < paths->count; i++)
		if (is_whole(plan, paths->item[i]) == whole &&
		    protect(plan, paths->item[i], later, err) < 0)
			return error_within(err, "linux.readonlyPaths[%zu]", i);
	return 0;
}

/* Views of whole mounts last: they take with them what is masked by then. */
int rootfs_protect(struct rootfs_plan *plan, struct error *err)
{
	const struct spec_linux *spec = &plan->spec->linux_;
	bool later = spec->readonly_paths.count > ALL_READONLY_CALLS && is_alone(plan);
	OWNED(cover_release) struct cover cover = {.null = "/dev/null", .empty = -1};

	if (protect_each(plan, false, later, err) < 0)
		return -1;
	if (later && set_all_readonly(plan, err) < 0)
		return error_within(err, "linux.readonlyPaths");
	for (size_t i = 0; i < spec->masked_paths.count; i++)
		if (mask(plan, &cover, spec->masked_paths.item[i], err) < 0)
			return error_within(err, "linux.maskedPaths[%zu]", i);
	return protect_each(plan, true, later, err);
}
