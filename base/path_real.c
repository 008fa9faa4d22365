/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "own.h"
#include "path.h"
#include "syscalls.h"

/* The part of path.h that the child may not use: the C library allocates. */

/* Whether it is written as realpath(3) would write it. */
static bool is_canonical(const char *path)
{
	if (path[0] != '/' || !path[1])
		return false;
	while (*path == '/') {
		size_t length = strcspn(++path, "/");

		if (length == 0 || (length <= 2 && strspn(path, ".") >= length))
			return false;
		path += length;
	}
	return true;
}

int path_real_directory(const char *path, char *real)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	                             .resolve = RESOLVE_NO_SYMLINKS};
	size_t length = strlen(path);
	owned_fd fd = -1;
	struct stat st;

	if (length < PATH_MAX && is_canonical(path))
		fd = sys_openat2(AT_FDCWD, path, &how, sizeof(how));
	if (fd >= 0) {
		memcpy(real, path, length + 1);
		return 0;
	}
	if (!realpath(path, real) || stat(real, &st) < 0)
		return -1;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) ? 0 : -1;
}
