/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/file.h"

#include "handover.h"

static int connect_to(const char *path, const char *flag, int *ret_socket, struct error *err)
{
	int socket = -1;

	if (path) {
		socket = fdpass_connect(path, err);
		if (socket < 0)
			return error_within(err, "%s", flag);
	}
	*ret_socket = socket;
	return 0;
}

int console_connect(const char *path, int *ret_socket, struct error *err)
{
	return connect_to(path, "--console-socket", ret_socket, err);
}

int console_send(int socket, int master, struct error *err)
{
	static const char name[] = "/dev/ptmx";

	if (fdpass_send(socket, name, sizeof(name) - 1, master, err) < 0)
		return error_within(err, "--console-socket");
	return 0;
}

int pidfd_connect(const char *path, const char *asked, int *ret_socket, struct error *err)
{
	return connect_to(path, asked, ret_socket, err);
}

int pidfd_send(int socket, const char *asked, int pidfd, struct error *err)
{
	static const char name[] = "pidfd";

	if (socket >= 0 && fdpass_send(socket, name, sizeof(name) - 1, pidfd, err) < 0)
		return error_within(err, "%s", asked);
	return 0;
}

int pid_file_write(const char *path, pid_t pid, struct error *err)
{
	char number[16];
	int n = snprintf(number, sizeof(number), "%d", (int)pid);

	if (path && file_replace(AT_FDCWD, path, number, (size_t)n, 0644, err) < 0)
		return error_within(err, "--pid-file");
	return 0;
}

int preserve_fds_check(unsigned int listening, unsigned int count, struct error *err)
{
	if (count > (unsigned int)INT_MAX - 3)
		return fail(err, ERROR_USAGE, "--preserve-fds", "%u is more than there can be",
		            count);
	for (int fd = 3; fd < 3 + (int)count; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 || (flags & FD_CLOEXEC))
			return fail(err, ERROR_USAGE,
			            (unsigned int)fd - 3 < listening ? "LISTEN_FDS"
			                                             : "--preserve-fds",
			            "descriptor %d was not passed to cella", fd);
	}
	return 0;
}
