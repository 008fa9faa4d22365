/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

#ifndef LIBEXECDIR
#define LIBEXECDIR "/usr/local/libexec/cella"
#endif

static const char *remembered;

void program_remember(const char *path)
{
	remembered = path;
}

int program_path(char *path, size_t size, struct error *err)
{
	ssize_t n;

	if (remembered)
		return snprintf(path, size, "%s", remembered);
	n = readlink("/proc/self/exe", path, size - 1);
	if (n < 0)
		return fail_errno(err, "/proc/self/exe", "readlink");
	path[n] = '\0';
	return (int)n;
}

int program_helper(const char *name, char *path, size_t size, struct error *err)
{
	char *slash;

	(void)snprintf(path, size, LIBEXECDIR "/%s", name);
	if (access(path, X_OK) == 0)
		return 0;
	if (program_path(path, size, err) < 0)
		return -1;
	slash = strrchr(path, '/');
	if (slash) {
		(void)snprintf(slash + 1, size - (size_t)(slash + 1 - path), "%s", name);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return fail(err, ERROR_UNSUPPORTED, name, "is not installed in " LIBEXECDIR);
}
