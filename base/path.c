/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "own.h"
#include "path.h"
#include "syscalls.h"

/* The root's owner may change its tree under our hands at any time. Each openat2(2) resolves a
 * whole path inside the root, and what it gives back is held by descriptor: a change between two
 * calls can make the second one fail or meet another place inside the root, never one outside.
 * mkdirat(2) and O_CREAT | O_EXCL follow no link in the last component, so they are safe on a held
 * parent. */

enum { TRIES = 128 }; /* a path that meets ".." while somebody renames gives EAGAIN: openat2(2) */

static const uint64_t in_root = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
static const uint64_t strict =
	RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;

static int open_resolved(int dir, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
	                       .resolve = resolve};
	int fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = sys_openat2(dir, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

int path_open(int root, const char *path, int flags, struct error *err)
{
	int fd = open_resolved(root, path, flags, in_root);

	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

int path_open_plain(int root, const char *path, int flags, struct error *err)
{
	int fd = open_resolved(root, path, flags, in_root | RESOLVE_NO_SYMLINKS);

	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

int path_open_strict(int dir, const char *path, int flags, struct error *err)
{
	int fd = open_resolved(dir, path, flags, strict);

	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

/* Something is there, but it can't be opened: a link whose target is missing. */
static int fail_dangling(const char *path, struct error *err)
{
	(void)fail(err, ERROR_SYSTEM, path, "a symbolic link in it leads nowhere");
	err->errnum = ELOOP;
	errno = ELOOP;
	return -1;
}

/* One component of a path that is walked: prefix is the path up to it, name its last component. */
struct step {
	int root;
	const char *prefix;
	const char *name;
	const char *path; /* the whole, for errors */
	mode_t mode;
};

/* Make the directory of a step in parent, and enter it.
 * Returns  an O_PATH descriptor, or -1 and *err. */
static int make(const struct step *step, int parent, struct error *err)
{
	bool taken = false;
	int fd;

	if (mkdirat(parent, step->name, step->mode) < 0) {
		if (errno != EEXIST)
			return fail_errno(err, step->path, "mkdir");
		taken = true; /* by somebody who was faster, or by a dangling link */
	}
	fd = open_resolved(step->root, step->prefix, O_PATH | O_DIRECTORY, in_root);
	if (fd < 0 && errno == ENOENT && taken)
		return fail_dangling(step->path, err);
	return fd < 0 ? fail_errno(err, step->path, "open") : fd;
}

/* Enter the directory of a step; where it is missing it is made in parent, the step before. */
static int enter(const struct step *step, int parent, struct error *err)
{
	int fd = open_resolved(step->root, step->prefix, O_PATH | O_DIRECTORY, in_root);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? make(step, parent, err) : fail_errno(err, step->path, "open");
}

/* One component: it can be made in the root itself. */
static bool is_flat(const char *path)
{
	path += strspn(path, "/");
	return *path && !strchr(path, '/');
}

static int make_flat(int root, const char *prefix, const char *path, mode_t mode, struct error *err)
{
	const struct step step = {root, prefix, prefix + strspn(prefix, "/"), path, mode};

	return make(&step, root, err);
}

/* The directory that the first length bytes of path name, made where it is missing. */
static int make_directory(int root, const char *path, size_t length, mode_t mode, struct error *err)
{
	char prefix[PATH_MAX];
	owned_fd at = -1;
	char *end = prefix;

	errno = ENAMETOOLONG;
	if (length >= sizeof(prefix))
		return fail_errno(err, path, "mkdir");
	memcpy(prefix, path, length);
	prefix[length] = '\0';
	at = open_resolved(root, length > 0 ? prefix : "/", O_PATH | O_DIRECTORY, in_root);
	if (at >= 0 || errno != ENOENT)
		return at >= 0 ? take_fd(&at) : fail_errno(err, path, "open");
	if (is_flat(prefix))
		return make_flat(root, prefix, path, mode, err);
	at = open_resolved(root, "/", O_PATH | O_DIRECTORY, in_root);
	if (at < 0)
		return fail_errno(err, path, "open");
	for (;;) {
		char *name = end + strspn(end, "/");
		struct step step = {root, prefix, name, path, mode};
		char kept;
		int next;

		if (!*name)
			return take_fd(&at);
		end = name + strcspn(name, "/");
		kept = *end;
		*end = '\0';
		next = enter(&step, at, err);
		if (next < 0)
			return -1;
		*end = kept;
		(void)close(at);
		at = next;
	}
}

int path_make_directory(int root, const char *path, mode_t mode, struct error *err)
{
	return make_directory(root, path, strlen(path), mode, err);
}

int path_make_parent(int root, const char *path, const char **ret_name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int parent;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail(err, ERROR_CONFIG, path, "does not end in the name of a file");
	parent = make_directory(root, path, (size_t)(name - path), 0755, err);
	if (parent >= 0)
		*ret_name = name;
	return parent;
}

int path_make_file(int root, const char *path, mode_t mode, struct error *err)
{
	int there = open_resolved(root, path, O_PATH, in_root);
	owned_fd parent = -1;
	owned_fd made = -1;
	const char *name = path;

	if (there >= 0 || errno != ENOENT)
		return there >= 0 ? there : fail_errno(err, path, "open");
	parent = path_make_parent(root, path, &name, err);
	if (parent < 0)
		return -1;
	made = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (made < 0 && errno != EEXIST)
		return fail_errno(err, path, "create");
	if (made >= 0)
		there = open_resolved(parent, name, O_PATH, strict);
	else
		there = open_resolved(root, path, O_PATH, in_root);
	if (there < 0 && errno == ENOENT)
		return fail_dangling(path, err);
	return there < 0 ? fail_errno(err, path, "open") : there;
}

int path_open_proc(struct error *err)
{
	owned_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (proc < 0)
		return fail_errno(err, "/proc", "open");
	if (fstat(proc, &st) < 0)
		return fail_errno(err, "/proc", "stat");
	/* a directory of a procfs that is mounted over /proc has another inode */
	if (!path_is_on(proc, PROC_SUPER_MAGIC) || st.st_ino != 1)
		return fail(err, ERROR_SYSTEM, "/proc", "is not the root of a procfs");
	return take_fd(&proc);
}

bool path_is_on(int fd, int64_t filesystem_magic)
{
	struct statfs fs;

	/* f_type is signed and of various widths; magic numbers have 32 bits */
	return fstatfs(fd, &fs) == 0 && (uint32_t)fs.f_type == (uint32_t)filesystem_magic;
}
