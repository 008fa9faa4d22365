/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/path.h"
#include "base/table.h"
#include "base/text.h"

#include "tree.h"

enum { LINES_BYTES = 32 << 10 }; /* a line a hierarchy, of which v1 has a dozen */

static void file_release(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static bool is_tree(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int copy(char *to, size_t size, const char *text, struct error *err)
{
	size_t length = strlen(text);

	if (length >= size)
		return fail(err, ERROR_UNSUPPORTED, text, "longer than %zu bytes", size - 1);
	memcpy(to, text, length + 1);
	return 0;
}

/* Undo the "\040" of mountinfo in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		unsigned int value;

		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			value = (unsigned int)((from[1] - '0') * 64 + (from[2] - '0') * 8 +
			                       (from[3] - '0'));
			*to = (char)value;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The mount point in a line of mountinfo ("31 23 0:28 / /mnt rw - cgroup2 none rw") that shows a
 * whole v2 tree, or NULL. Spec: proc_pid_mountinfo(5). */
static char *mount_point(char *line)
{
	char *type = strstr(line, " - cgroup2 ");
	char *save = NULL;
	char *field = strtok_r(line, " ", &save);

	if (!type)
		return NULL;
	for (int i = 0; field && i < 3; i++)
		field = strtok_r(NULL, " ", &save);
	if (!field || strcmp(field, "/") != 0)
		return NULL;
	field = strtok_r(NULL, " ", &save);
	if (field)
		unescape(field);
	return field;
}

static int search_mounts(char *path, size_t size, struct error *err)
{
	OWNED(file_release) FILE *mounts = fopen("/proc/self/mountinfo", "re");
	owned_str line = NULL;
	size_t line_size = 0;

	while (mounts && getline(&line, &line_size, mounts) >= 0) {
		const char *point = mount_point(line);

		if (point && is_tree(point))
			return copy(path, size, point, err);
	}
	(void)fail(err, ERROR_UNSUPPORTED, "/sys/fs/cgroup", "no cgroup v2 tree is mounted");
	err->errnum = ENOENT;
	return -1;
}

/* The top of a v2 tree, which is one because it has controllers, or none of them but their file.
 * Returns  the descriptor, owned by the caller, or -1. */
static int open_tree_at(const char *mount, struct tree *ret)
{
	owned_fd top = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error ignored;

	if (top < 0 || fd_read_small(top, "cgroup.controllers", ret->controllers,
	                             sizeof(ret->controllers), &ignored) < 0)
		return -1;
	return take_fd(&top);
}

int tree_find(struct tree *ret, struct error *err)
{
	static const char *const usual[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	int top = -1;

	for (size_t i = 0; i < ARRAY_SIZE(usual) && top < 0; i++) {
		(void)copy(ret->mount, sizeof(ret->mount), usual[i], err);
		top = open_tree_at(ret->mount, ret);
	}
	if (top >= 0)
		return top;
	if (search_mounts(ret->mount, sizeof(ret->mount), err) < 0)
		return -1;
	top = open_tree_at(ret->mount, ret);
	return top < 0 ? fail_errno(err, ret->mount, "open") : top;
}

int tree_own_cgroup(char *path, size_t size, struct error *err)
{
	static const char file[] = "/proc/self/cgroup";
	char text[LINES_BYTES];
	char *line;

	if (fd_read_small(AT_FDCWD, file, text, sizeof(text), err) < 0)
		return -1;
	line = text_begins(text, "0::/") ? text : strstr(text, "\n0::/");
	if (!line)
		return fail(err, ERROR_UNSUPPORTED, file, "no cgroup v2 line");
	line += *line == '\n';
	line[strcspn(line, "\n")] = '\0';
	if (text_begins(line, "0::/.."))
		return copy(path, size, "/", err);
	if (text_ends(line, " (deleted)"))
		line[strlen(line) - strlen(" (deleted)")] = '\0';
	return copy(path, size, line + strlen("0::"), err);
}

int tree_open(const char *mount, struct error *err)
{
	struct tree found;
	owned_fd top = -1;

	if (!mount)
		return tree_find(&found, err);
	top = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? fail_errno(err, mount, "open") : take_fd(&top);
}

int tree_descend(int top, const char *path, struct error *err)
{
	const char *below = path + strspn(path, "/");

	return path_open_strict(top, *below ? below : ".", O_RDONLY | O_DIRECTORY, err);
}

int tree_make(int dir, const char *name, struct error *err)
{
	int made;

	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return fail_errno(err, name, "mkdir");
	made = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return made < 0 ? fail_errno(err, name, "open") : made;
}

bool tree_is_below(const char *path)
{
	const char *part = path + strspn(path, "/");

	if (*path != '/' || !*part)
		return false;
	for (; *part; part += strspn(part, "/")) {
		size_t length = strcspn(part, "/");

		if (length <= 2 && strspn(part, ".") >= length)
			return false;
		part += length;
	}
	return true;
}

DIR *tree_list(int dir)
{
	owned_fd again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = again < 0 ? NULL : fdopendir(again);

	if (list)
		(void)take_fd(&again);
	return list;
}

const char *tree_next(DIR *list)
{
	const struct dirent *entry;

	while ((entry = readdir(list)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	return NULL;
}
