/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/text.h"

#include "cgroups.h"
#include "tree.h"

int cgroup_open(const char *path, struct error *err)
{
	owned_fd top = -1;

	if (!tree_is_below(path))
		return fail(err, ERROR_STATE, path, "not the path of a cgroup");
	top = tree_open(NULL, err);
	return top < 0 ? -1 : tree_descend(top, path, err);
}

int cgroup_open_below(const char *path, const char *below, struct error *err)
{
	owned_fd dir = cgroup_open(path, err);

	if (dir < 0)
		return -1;
	if (!below[strspn(below, "/")])
		return take_fd(&dir);
	if (!tree_is_below(below))
		return fail(err, ERROR_USAGE, below,
		            "expected the path of a cgroup below the container's: /NAME");
	return tree_descend(dir, below, err);
}

int cgroup_open_of(pid_t pid, const char *path, struct error *err)
{
	size_t length = strlen(path);
	char file[32], text[PATH_MAX + 64];
	char *line;

	(void)snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (fd_read_small(AT_FDCWD, file, text, sizeof(text), err) < 0)
		return -1;
	line = strstr(text, "0::/");
	if (!line || (line != text && line[-1] != '\n'))
		return fail(err, ERROR_UNSUPPORTED, file, "no cgroup v2 line");
	line += strlen("0::");
	line[strcspn(line, "\n")] = '\0';
	if (!text_begins(line, path) || (line[length] && line[length] != '/'))
		return fail(err, ERROR_STATE, file, "'%s' is not below '%s'", line, path);
	return cgroup_open(line, err);
}
