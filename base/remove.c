/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "own.h"
#include "path.h"

/* A tree is emptied depth first without recursion: one open directory a level, each opened below
 * the one above without following a link or entering a mount. */

enum { LEVELS_MOST = 128 };

struct level {
	DIR *entries;
	char name[NAME_MAX + 1];
};

struct walk {
	int dir;          /* where the top lies; borrowed */
	const char *name; /* the top's name there; borrowed */
	size_t depth;     /* levels that are open */
	struct level levels[LEVELS_MOST];
};

static void walk_release(struct walk *walk)
{
	while (walk->depth > 0)
		(void)closedir(walk->levels[--walk->depth].entries);
}

/* Fail at an entry of the innermost level (NULL: at that level itself): its path is the object. */
static int fail_at(const struct walk *walk, const char *entry, const char *verb, struct error *err)
{
	char path[2 * sizeof(err->object)];
	int errnum = errno;
	size_t length = 0;

	for (size_t i = 0; i <= walk->depth && length < sizeof(path) - NAME_MAX - 2; i++) {
		const char *part = entry;

		if (i == 0)
			part = walk->name;
		else if (i < walk->depth)
			part = walk->levels[i].name;
		if (!part)
			break;
		length += (size_t)snprintf(path + length, sizeof(path) - length, "%s%.*s",
		                           i ? "/" : "", NAME_MAX, part);
	}
	errno = errnum;
	return fail_errno(err, path, verb);
}

/* Enter a directory of the innermost level, or the top.
 * Returns  0, also when it is not there any more, or -1 and *err. */
static int enter(struct walk *walk, const char *name, struct error *err)
{
	int parent = walk->depth ? dirfd(walk->levels[walk->depth - 1].entries) : walk->dir;
	struct level *level = &walk->levels[walk->depth];
	struct error ignored;
	owned_fd fd = -1;

	errno = ELOOP;
	if (walk->depth == LEVELS_MOST)
		return fail_at(walk, name, "remove", err);
	fd = path_open_strict(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, &ignored);
	if (fd < 0 && ignored.errnum == ENOENT)
		return 0;
	if (fd < 0)
		return fail_at(walk, name, "open", err);
	level->entries = fdopendir(fd);
	if (!level->entries)
		return fail_at(walk, name, "open", err);
	(void)take_fd(&fd); /* closedir() closes it */
	(void)snprintf(level->name, sizeof(level->name), "%s", name);
	walk->depth++;
	return 0;
}

/* Leave the innermost level, which is empty, and remove it. */
static int leave(struct walk *walk, struct error *err)
{
	struct level *level = &walk->levels[--walk->depth];
	int parent = walk->depth ? dirfd(walk->levels[walk->depth - 1].entries) : walk->dir;
	const char *name = walk->depth ? level->name : walk->name;

	(void)closedir(level->entries);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return fail_at(walk, name, "rmdir", err);
	return 0;
}

/* Remove the next entry of the innermost level, or enter it, or leave the level after the last. */
static int remove_next(struct walk *walk, struct error *err)
{
	DIR *entries = walk->levels[walk->depth - 1].entries;
	struct dirent *entry;

	errno = 0;
	entry = readdir(entries);
	if (!entry)
		return errno ? fail_at(walk, NULL, "read", err) : leave(walk, err);
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	if (unlinkat(dirfd(entries), entry->d_name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return fail_at(walk, entry->d_name, "unlink", err);
	return enter(walk, entry->d_name, err);
}

int file_remove_tree(int dir, const char *name, struct error *err)
{
	OWNED(walk_release) struct walk walk = {.dir = dir, .name = name};

	if (enter(&walk, name, err) < 0)
		return -1;
	while (walk.depth > 0)
		if (remove_next(&walk, err) < 0)
			return -1;
	return 0;
}
