/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdalign.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/own.h"

#include "steps.h"

/* The image's content of a directory, for a tmpfs over it. The child may not allocate: names are
 * read into a buffer a level, and levels are counted. No link is followed, and no name has more
 * than one component. */

enum {
	DEPTH_MOST = 32,
	NAMES_BYTES = 2048,
	PIECE_BYTES = 1 << 20,
};

struct entry {
	int from, to; /* the directories */
	const char *name;
	struct stat st;
	int depth;
};

static int copy_directory(int from, int to, int depth, struct error *err);

static int copy_file(const struct entry *entry, struct error *err)
{
	owned_fd in =
		openat(entry->from, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	owned_fd out = -1;
	ssize_t n;

	if (in < 0)
		return fail_errno(err, entry->name, "open");
	out = openat(entry->to, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return fail_errno(err, entry->name, "create");
	do
		n = sendfile(out, in, NULL, PIECE_BYTES);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? fail_errno(err, entry->name, "write") : 0;
}

static int copy_below(const struct entry *entry, struct error *err)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	owned_fd from = openat(entry->from, entry->name, flags);
	owned_fd to = -1;

	if (from < 0)
		return fail_errno(err, entry->name, "open");
	if (mkdirat(entry->to, entry->name, 0700) < 0)
		return fail_errno(err, entry->name, "mkdir");
	to = openat(entry->to, entry->name, flags);
	if (to < 0)
		return fail_errno(err, entry->name, "open");
	return copy_directory(from, to, entry->depth + 1, err);
}

static int copy_link(const struct entry *entry, struct error *err)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(entry->from, entry->name, target, sizeof(target) - 1);

	if (length < 0)
		return fail_errno(err, entry->name, "readlink");
	target[length] = '\0';
	if (symlinkat(target, entry->to, entry->name) < 0)
		return fail_errno(err, entry->name, "symlink");
	return 0;
}

static int copy_fifo(const struct entry *entry, struct error *err)
{
	if (mknodat(entry->to, entry->name, S_IFIFO | 0600, 0) < 0)
		return fail_errno(err, entry->name, "mknod");
	return 0;
}

/* Owner, mode, times. An owner that a user namespace has no number for stays ours. */
static int copy_marks(const struct entry *entry, struct error *err)
{
	const struct timespec times[] = {entry->st.st_atim, entry->st.st_mtim};

	if (fchownat(entry->to, entry->name, entry->st.st_uid, entry->st.st_gid,
	             AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL && errno != EPERM)
		return fail_errno(err, entry->name, "chown");
	if (!S_ISLNK(entry->st.st_mode) &&
	    fchmodat(entry->to, entry->name, entry->st.st_mode & 07777, 0) < 0)
		return fail_errno(err, entry->name, "chmod");
	if (utimensat(entry->to, entry->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, entry->name, "utimensat");
	return 0;
}

static int copy_entry(struct entry *entry, struct error *err)
{
	static const struct {
		mode_t type;
		int (*copy)(const struct entry *entry, struct error *err);
	} kinds[] = {
		{S_IFREG, copy_file },
		{S_IFDIR, copy_below},
		{S_IFLNK, copy_link },
		{S_IFIFO, copy_fifo }
        };

	if (fstatat(entry->from, entry->name, &entry->st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, entry->name, "stat");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].type != (entry->st.st_mode & S_IFMT))
			continue;
		if (kinds[i].copy(entry, err) < 0)
			return -1;
		return copy_marks(entry, err);
	}
	return 0;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int copy_names(struct entry *entry, const char *names, size_t length, struct error *err)
{
	for (size_t at = 0; at < length;) {
		const struct dirent64 *found = (const void *)(names + at);

		entry->name = found->d_name;
		if (!is_dots(entry->name) && copy_entry(entry, err) < 0)
			return -1;
		at += found->d_reclen;
	}
	return 0;
}

static int copy_directory(int from, int to, int depth, struct error *err)
{
	alignas(struct dirent64) char names[NAMES_BYTES];
	struct entry entry = {.from = from, .to = to, .depth = depth};
	ssize_t n;

	if (depth > DEPTH_MOST)
		return fail(err, ERROR_UNSUPPORTED, "", "directories more than %d deep",
		            DEPTH_MOST);
	while ((n = getdents64(from, names, sizeof(names))) > 0)
		if (copy_names(&entry, names, (size_t)n, err) < 0)
			return -1;
	return n < 0 ? fail_errno(err, "", "getdents") : 0;
}

int rootfs_copy_tree(int from, int to, struct error *err)
{
	return copy_directory(from, to, 0, err);
}
