/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/path.h"

#include "steps.h"

/* Where things go in the container's tree. Whoever else has that tree in his hands may rename and
 * replace anything in it while we work; what we mounted ourselves is named by its descriptor
 * instead. */

static const char dev[] = "/dev";

enum { LINKS_MOST = 40 }; /* as many as the kernel follows */

bool rootfs_covers(const char *destination, const char *path)
{
	size_t length = strlen(destination);

	if (strcmp(destination, "/") == 0)
		return true;
	return strncmp(path, destination, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0');
}

/* What is left of path below what covers it. */
static const char *below(const char *destination, const char *path)
{
	if (strcmp(destination, "/") == 0)
		return path;
	path += strlen(destination);
	return *path ? path : "/";
}

bool rootfs_climbs(const char *path)
{
	for (const char *at = strstr(path, "/.."); at; at = strstr(at + 1, "/.."))
		if (at[3] == '\0' || at[3] == '/')
			return true;
	return false;
}

const struct rootfs_mount *rootfs_cover(const struct rootfs_plan *plan, const char *path)
{
	for (size_t i = plan->mounts_done; i > 0; i--)
		if (!plan->mounts[i - 1].remount &&
		    rootfs_covers(plan->mounts[i - 1].destination, path))
			return &plan->mounts[i - 1];
	return NULL;
}

int rootfs_base(const struct rootfs_plan *plan, const char **path)
{
	const struct rootfs_mount *cover;

	if (rootfs_climbs(*path))
		return plan->root;
	cover = rootfs_cover(plan, *path);
	if (cover && cover->in) /* with all that is in it */
		cover = cover->in;
	if (cover && cover->held && cover->fd >= 0) {
		*path = below(cover->destination, *path);
		return cover->fd;
	}
	if (plan->dev < 0 || !rootfs_covers(dev, *path) ||
	    (cover && strlen(cover->destination) > strlen(dev)))
		return plan->root;
	*path = below(dev, *path);
	return plan->dev;
}

static int make(int base, const char *path, unsigned int place, struct error *err)
{
	if (place & ROOTFS_DIRECTORY)
		return path_make_directory(base, path, 0755, err);
	return path_make_file(base, path, 0644, err);
}

/* Read the link at the end of path. Returns its length, or -1 when there is none. */
static ssize_t read_link(int base, char *path, char *target, size_t size)
{
	char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct error ignored;
	owned_fd parent = -1;
	ssize_t length;

	if (slash)
		*slash = '\0';
	parent = path_open(base, slash && *path ? path : "/", O_PATH | O_DIRECTORY, &ignored);
	if (slash)
		*slash = '/';
	if (parent < 0)
		return -1;
	length = readlinkat(parent, name, target, size);
	return length <= 0 || (size_t)length >= size ? -1 : length;
}

/* Put the text of the link at path[0..end] in its place. */
static bool put_link(char *path, size_t end, const char *target)
{
	char rest[PATH_MAX];
	size_t start = end;
	int n;

	(void)snprintf(rest, sizeof(rest), "%s", path + end);
	while (start > 0 && path[start - 1] != '/')
		start--;
	if (*target == '/')
		start = 0;
	n = snprintf(path + start, PATH_MAX - start, "%s%s", target, rest);
	return n >= 0 && (size_t)n < PATH_MAX - start;
}

/* Follow the first link of path that leads nowhere by hand: what it names will be made. Images have
 * such links where the mount of a running system would be, /etc/resolv.conf above all. */
static bool follow_dangling(int base, char *path)
{
	char target[PATH_MAX];
	size_t end = 0;

	while (path[end]) {
		struct error why;
		char kept;
		ssize_t length = -1;
		int fd;

		end += strspn(path + end, "/");
		end += strcspn(path + end, "/");
		kept = path[end];
		path[end] = '\0';
		fd = path_open(base, path, O_PATH, &why);
		if (fd >= 0)
			(void)close(fd);
		else if (why.errnum == ENOENT)
			length = read_link(base, path, target, sizeof(target));
		path[end] = kept;
		if (fd >= 0)
			continue;
		if (length < 0)
			return false;
		target[length] = '\0';
		return put_link(path, end, target);
	}
	return false;
}

static int make_following(int base, const char *path, unsigned int place, struct error *err)
{
	int fd = make(base, path, place, err);
	char whole[PATH_MAX];

	if (fd >= 0 || err->errnum != ELOOP || strlen(path) >= sizeof(whole))
		return fd;
	(void)snprintf(whole, sizeof(whole), "%s", path);
	for (int i = 0; i < LINKS_MOST && fd < 0 && err->errnum == ELOOP; i++) {
		if (!follow_dangling(base, whole))
			return -1;
		fd = make(base, whole, place, err);
	}
	return fd;
}

bool rootfs_is_flat(const char *path)
{
	const char *name = path + 1;

	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Open the last component, made if it is missing, without following it. */
static int open_last(int parent, const char *name, unsigned int place)
{
	int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);
	int made;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	made = place & ROOTFS_DIRECTORY ? mkdirat(parent, name, 0755)
	                                : mknodat(parent, name, S_IFREG | 0644, 0);
	return made < 0 && errno != EEXIST ? -1 : openat(parent, name, flags);
}

static int make_no_link(int base, const char *path, unsigned int place, struct error *err)
{
	bool flat = rootfs_is_flat(path);
	const char *name = path + 1;
	owned_fd parent = flat ? -1 : path_make_parent(base, path, &name, err);
	owned_fd fd = -1;
	struct stat st;

	if (!flat && parent < 0)
		return -1;
	if (place &
	    ROOTFS_DIRECTORY) { /* no link, if it opens; why it does not is found out below */
		fd = openat(flat ? base : parent, name,
		            O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			return take_fd(&fd);
	}
	fd = open_last(flat ? base : parent, name, place);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(err, path, place & ROOTFS_DIRECTORY ? "mkdir" : "create");
	if (S_ISLNK(st.st_mode) && !(place & ROOTFS_ONTO_LINK))
		return fail(err, ERROR_CONFIG, path, "is a symbolic link in the root file system");
	return take_fd(&fd);
}

/* A link that is there already may say the same. */
static int check_link(int parent, const struct rootfs_mount *mount, const char *name,
                      struct error *err)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(parent, name, target, sizeof(target));

	if (length < 0 && errno != EINVAL)
		return fail_errno(err, mount->destination, "readlink");
	if (length >= 0 && (size_t)length == strlen(mount->link) &&
	    memcmp(target, mount->link, (size_t)length) == 0)
		return 0;
	return fail(err, ERROR_CONFIG, mount->destination,
	            "something else than the symbolic link to be copied is there already");
}

int rootfs_make_link(const struct rootfs_plan *plan, const struct rootfs_mount *mount,
                     struct error *err)
{
	const char *rest = mount->destination, *name = NULL;
	int base = rootfs_base(plan, &rest);
	owned_fd parent = path_make_parent(base, rest, &name, err);

	if (parent < 0)
		return -1;
	if (symlinkat(mount->link, parent, name) == 0)
		return 0;
	if (errno != EEXIST)
		return fail_errno(err, mount->destination, "symlink");
	return check_link(parent, mount, name, err);
}

static bool is_fresh(const struct rootfs_mount *cover)
{
	return cover && cover->held && cover->type && strcmp(cover->type, "tmpfs") == 0;
}

int rootfs_open_place(const struct rootfs_plan *plan, const char *path, unsigned int place,
                      struct error *err)
{
	const char *rest = path;
	int base = rootfs_base(plan, &rest);
	int fd;

	/* a tmpfs that we hold began empty: to make it is more likely right than to look for it */
	if ((place & ROOTFS_DIRECTORY) && base != plan->root && rootfs_is_flat(rest) &&
	    is_fresh(rootfs_cover(plan, path)))
		(void)mkdirat(base, rest + 1, 0755);
	if ((place & (ROOTFS_NO_LINK | ROOTFS_ONTO_LINK)) && strcmp(rest, "/") != 0)
		fd = make_no_link(base, rest, place, err);
	else
		fd = make_following(base, rest, place, err);
	if (fd < 0)
		(void)snprintf(err->object, sizeof(err->object), "%s", path);
	return fd;
}
