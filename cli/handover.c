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

/* What a link leads to: the link that is held, whatever has come into its place. */
static int open_behind(const char *path, int link, int flags)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX], target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	owned_fd dir = -1;

	(void)snprintf(folder, sizeof(folder), "%.*s.", slash ? (int)(slash + 1 - path) : 0, path);
	dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (n < 0 || dir < 0)
		return -1;
	target[n] = '\0';
	return openat(dir, target, flags | O_TRUNC | O_CREAT, 0644);
}

/* Something may be there that a file in its place would take from everybody: a device, a pipe, a link such as
 * /dev/stdout. A link of somebody else's may lead to where he can't write himself.
 * Returns 1 and *ret_fd to be written into; 0: a file is to be put there; -1 and *err. */
static int open_what_stays(const char *path, int *ret_fd, struct error *err)
{
	const int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	owned_fd there = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (there < 0 || fstat(there, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ||
	    (S_ISLNK(st.st_mode) && st.st_uid != geteuid()))
		return 0;
	*ret_fd = S_ISLNK(st.st_mode) ? open_behind(path, there, flags)
	                              : open(path, flags | O_NOFOLLOW);
	return *ret_fd < 0 ? fail_errno(err, path, "open") : 1;
}

int pid_file_write(const char *path, pid_t pid, struct error *err)
{
	char number[16];
	size_t length = (size_t)snprintf(number, sizeof(number), "%d", (int)pid);
	owned_fd fd = -1;
	int stays = path ? open_what_stays(path, &fd, err) : 0;

	if (stays > 0)
		stays = fd_write_whole(fd, path, number, length, err);
	else if (path && stays == 0)
		stays = file_replace(AT_FDCWD, path, number, length, 0644, err);
	return stays < 0 ? error_within(err, "--pid-file") : 0;
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
