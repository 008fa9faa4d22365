/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fdpass.h"
#include "own.h"

/* Room for a few descriptors: all that come are closed but the first. What doesn't fit is closed by
 * the kernel (MSG_CTRUNC). */
union control {
	char bytes[CMSG_SPACE(4 * sizeof(int))];
	struct cmsghdr align;
};

int fdpass_send(int socket, const void *bytes, size_t length, int fd, struct error *err)
{
	union control control = {0};
	const char *at = bytes;

	while (length > 0) {
		/* recvmsg(2) has the same struct, so iov_base isn't const */
		union {
			const void *ours;
			void *theirs;
		} base = {.ours = at};
		struct iovec iov = {.iov_base = base.theirs, .iov_len = length};
		struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n;

		if (fd >= 0) {
			message.msg_control = control.bytes;
			message.msg_controllen = CMSG_SPACE(sizeof(fd));
			CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
			CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
			CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(fd));
			memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof(fd));
		}
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "socket", "sendmsg");
		/* a stream may take a long message in parts: the descriptor went with the first */
		fd = -1;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Take the first descriptor out of a control message, close the others. */
static void take_descriptors(const struct cmsghdr *header, int *fd)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return;
	for (size_t i = 0; i < count; i++) {
		int came;

		memcpy(&came, CMSG_DATA(header) + i * sizeof(came), sizeof(came));
		if (*fd < 0)
			*fd = came;
		else
			(void)close(came);
	}
}

ssize_t fdpass_receive(int socket, void *bytes, size_t size, int *ret_fd, struct error *err)
{
	union control control;
	struct iovec iov = {.iov_base = bytes, .iov_len = size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes};
	owned_fd fd = -1;
	ssize_t n;

	do {
		message.msg_controllen = sizeof(control.bytes);
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_errno(err, "socket", "recvmsg");
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		take_descriptors(c, &fd);
	if (message.msg_flags & MSG_TRUNC)
		return fail(err, ERROR_SYSTEM, "socket", "a message larger than %zu bytes came",
		            size);
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return n;
}

/* flags  of socket(2). */
static int connect_to(const char *object, const struct sockaddr_un *address, int flags,
                      struct error *err)
{
	owned_fd connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (connection < 0)
		return fail_errno(err, object, "socket");
	if (connect(connection, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return fail_errno(err, object, "connect");
	return take_fd(&connection);
}

static int connect_below(int dir, const char *name, int flags, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	owned_fd file = openat(dir, name, O_PATH | O_CLOEXEC);

	if (file < 0)
		return fail_errno(err, name, "open");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	return connect_to(name, &address, flags, err);
}

int fdpass_connect_at(int dir, const char *name, struct error *err)
{
	return connect_below(dir, name, 0, err);
}

int fdpass_connect_now_at(int dir, const char *name, struct error *err)
{
	return connect_below(dir, name, SOCK_NONBLOCK, err);
}

int fdpass_connect(const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);

	/* an empty path would be taken for a name without a file (unix(7), unnamed) */
	if (length == 0 || length >= sizeof(address.sun_path))
		return fdpass_connect_at(AT_FDCWD, path, err);
	memcpy(address.sun_path, path, length + 1);
	return connect_to(path, &address, 0, err);
}

/* Never waits: who listens and does not accept has no room at some time, which is an answer too. */
bool fdpass_listens_at(int dir, const char *name)
{
	struct error why;
	owned_fd probe = fdpass_connect_now_at(dir, name, &why);

	return probe >= 0 || (why.errnum != ECONNREFUSED && why.errnum != ENOENT);
}

int fdpass_listen_at(int dir, const char *name, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	owned_fd listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n;

	if (listening < 0)
		return fail_errno(err, name, "socket");
	if (dir == AT_FDCWD)
		n = snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	else
		n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
		             name);
	errno = ENAMETOOLONG;
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return fail_errno(err, name, "bind");
	/* bind(2) gives the file the mode of the socket, so there is no moment with another one */
	if (fchmod(listening, 0600) < 0)
		return fail_errno(err, name, "chmod");
	if (bind(listening, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_errno(err, name, "bind");
	if (listen(listening, 1) < 0) {
		int errnum = errno;

		(void)unlinkat(dir, name, 0);
		errno = errnum;
		return fail_errno(err, name, "listen");
	}
	return take_fd(&listening);
}
