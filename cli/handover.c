/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/file.h"
#include "base/own.h"

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

/* Whether something is there that a file in its place would take from everybody: a device, a pipe, a link such as
 * /dev/stdout. A link of somebody else's may lead to where he can't write himself. */
static bool is_written_into(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return false;
	return !S_ISLNK(st.st_mode) || st.st_uid == geteuid();
}

static int write_into(const char *path, const char *text, struct error *err)
{
	owned_fd fd = open(path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? fail_errno(err, path, "open")
	              : fd_write_whole(fd, path, text, strlen(text), err);
}

int pid_file_write(const char *path, pid_t pid, struct error *err)
{
	char number[16];
	int n = snprintf(number, sizeof(number), "%d", (int)pid);

	if (path && (is_written_into(path)
	                     ? write_into(path, number, err)
	                     : file_replace(AT_FDCWD, path, number, (size_t)n, 0644, err)) < 0)
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
