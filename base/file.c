/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "fd.h"
#include "file.h"
#include "own.h"

enum { TRIES = 16 };

/* A new file beside another: it vanishes unless its name is emptied. */
struct fresh {
	int dir;
	char name[PATH_MAX];
};

static void fresh_release(struct fresh *fresh)
{
	if (fresh->name[0])
		(void)unlinkat(fresh->dir, fresh->name, 0);
}

/* Make an empty file beside name that nobody else has.
 * Returns  its descriptor, or -1 and errno. */
static int open_beside(struct fresh *fresh, const char *name, mode_t mode)
{
	const char *slash = strrchr(name, '/');
	int folder = slash ? (int)(slash + 1 - name) : 0;
	struct timespec now = {0};
	int fd = -1;
	int n;

	for (int i = 0; i < TRIES && fd < 0; i++) {
		/* whoever is at it in the same moment has another name, or O_EXCL tells */
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		n = snprintf(fresh->name, sizeof(fresh->name), "%.*s.new-%lx%lx", folder, name,
		             (unsigned long)now.tv_sec, (unsigned long)now.tv_nsec);
		errno = ENAMETOOLONG;
		if (n >= 0 && (size_t)n < sizeof(fresh->name))
			fd = openat(fresh->dir, fresh->name,
			            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		fresh->name[0] = '\0';
	return fd;
}

int file_create(int dir, const char *name, const void *bytes, size_t length, mode_t mode,
                struct error *err)
{
	OWNED(fresh_release) struct fresh fresh = {.dir = dir};
	owned_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return fail_errno(err, name, "create");
	(void)snprintf(fresh.name, sizeof(fresh.name), "%s", name);
	if (fd_write_whole(fd, name, bytes, length, err) < 0)
		return -1;
	if (close(take_fd(&fd)) < 0)
		return fail_errno(err, name, "close");
	fresh.name[0] = '\0'; /* kept */
	return 0;
}

int file_replace(int dir, const char *name, const void *bytes, size_t length, mode_t mode,
                 struct error *err)
{
	OWNED(fresh_release) struct fresh fresh = {.dir = dir};
	owned_fd fd = open_beside(&fresh, name, mode);

	if (fd < 0)
		return fail_errno(err, name, "create");
	if (fd_write_whole(fd, name, bytes, length, err) < 0)
		return -1;
	if (close(take_fd(&fd)) < 0)
		return fail_errno(err, name, "close");
	if (renameat(dir, fresh.name, dir, name) < 0)
		return fail_errno(err, name, "rename");
	fresh.name[0] = '\0'; /* kept */
	return 0;
}

int file_lock(int fd, const char *name, bool wait, struct error *err)
{
	int locked;

	do
		locked = flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
	while (locked < 0 && errno == EINTR);
	return locked < 0 ? fail_errno(err, name, "lock") : 0;
}
