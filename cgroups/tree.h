/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CGROUPS_TREE_H
#define CGROUPS_TREE_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Where the v2 tree is mounted: /sys/fs/cgroup, /sys/fs/cgroup/unified, or what mountinfo says. */
struct tree {
	char mount[PATH_MAX];
	char controllers[512]; /* that its top has */
};
/* Returns  its top, owned by the caller, or -1 and *err (ERROR_UNSUPPORTED, ENOENT: there is none). */
int tree_find(struct tree *ret, struct error *err) FALLIBLE;

/* The cgroup of this process: the "0::" line of /proc/self/cgroup; "/" where that is outside of what
 * our cgroup namespace shows.
 * Returns  0, or -1 and *err. */
int tree_own_cgroup(char *path, size_t size, struct error *err) FALLIBLE;

/* Open a tree's top where tree_find() has found it; mount NULL: find it.
 * Returns  its descriptor, owned by the caller, or -1 and *err. */
int tree_open(const char *mount, struct error *err) FALLIBLE;

/* Open the cgroup at an absolute path ("/": the top itself), following no link. top is borrowed.
 * Returns  its descriptor, owned by the caller, or -1 and *err with errno kept. */
int tree_descend(int top, const char *path, struct error *err) FALLIBLE;

/* Make a cgroup in another one, or take the one that is there. dir is borrowed.
 * Returns  its descriptor, owned by the caller, or -1 and *err. */
int tree_make(int dir, const char *name, struct error *err) FALLIBLE;

/* Whether a path may be a container's: absolute, below the top, without "..". */
bool tree_is_below(const char *path);

/* The sub-cgroups of a cgroup, one by one. NULL and errno where it can't be read; closedir() it. */
DIR *tree_list(int dir);
const char *tree_next(DIR *list);

static inline void list_release(DIR **list)
{
	if (*list)
		(void)closedir(*list);
}
#define owned_list __attribute__((cleanup(list_release))) DIR *

#endif
