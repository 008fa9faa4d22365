/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fdpass.h"
#include "notify.h"
#include "own.h"

int notify_bind(int dir, const char *name, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	owned_fd socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
	                 name);

	if (socket_ < 0)
		return fail_errno(err, name, "socket");
	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return fail_errno(err, name, "bind");
	}
	/* one that was started before and killed has left it */
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return fail_errno(err, name, "unlink");
	if (bind(socket_, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_errno(err, name, "bind");
	if (fchmodat(dir, name, 0777, 0) < 0) /* less the umask otherwise */
		return fail_errno(err, name, "chmod");
	return take_fd(&socket_);
}

/* What is about the service as a whole. */
static const char *const passed[] = {
	"READY=",        "RELOADING=", "STOPPING=", "MONOTONIC_USEC=",      "STATUS=",
	"ERRNO=",        "BUSERROR=",  "WATCHDOG=", "EXTEND_TIMEOUT_USEC=", "EXIT_STATUS=",
	"VARLINKERROR=",
};

static bool is_passed(const char *line)
{
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (text_begins(line, passed[i]))
			return true;
	return false;
}

size_t notify_filter(char *text)
{
	const char *line = text;
	size_t left = 0;

	while (*line) {
		size_t length = strcspn(line, "\n");
		size_t whole = length + (line[length] == '\n');

		if (is_passed(line)) {
			memmove(text + left, line, whole);
			left += whole;
		}
		line += whole;
	}
	text[left] = '\0';
	return left;
}

bool notify_is_ready(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (text_begins(line, "READY=1") && (!line[7] || line[7] == '\n'))
			return true;
	}
	return false;
}

size_t notify_receive(int socket, char *text)
{
	ssize_t n;

	do /* without room for them descriptors are closed */
		n = recv(socket, text, NOTIFY_SIZE - 1, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return notify_filter(text);
}

static int open_manager(const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	owned_fd manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t length = strlen(path);

	if (manager < 0)
		return fail_errno(err, path, "socket");
	if ((*path != '/' && *path != '@') || length < 2 || length >= sizeof(address.sun_path))
		return fail(err, ERROR_USAGE, path, "is no socket: expected /PATH or @NAME");
	memcpy(address.sun_path, path, length + 1);
	if (*path == '@')
		address.sun_path[0] = '\0';
	length += offsetof(struct sockaddr_un, sun_path);
	if (connect(manager, (const struct sockaddr *)&address, (socklen_t)length) < 0)
		return fail_errno(err, path, "connect");
	return take_fd(&manager);
}

/* It closes what we send with this message when it has come to it, and so has seen all before. */
static int await(int manager, const char *path, int wait_ms, struct error *err)
{
	static const char barrier[] = "BARRIER=1";
	owned_fd reader = -1, writer = -1;
	struct pollfd end;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, path, "pipe");
	reader = ends[0];
	writer = ends[1];
	if (fdpass_send(manager, barrier, sizeof(barrier) - 1, writer, err) < 0)
		return -1;
	(void)close(take_fd(&writer));
	end = (struct pollfd){.fd = reader};
	(void)poll(&end, 1, wait_ms); /* one that knows no barriers is not waited for any longer */
	return 0;
}

int notify_send(const char *path, const char *text, int wait_ms, struct error *err)
{
	owned_fd manager = open_manager(path, err);

	if (manager < 0 || fdpass_send(manager, text, strlen(text), -1, err) < 0)
		return error_within(err, "NOTIFY_SOCKET");
	return wait_ms > 0 ? await(manager, path, wait_ms, err) : 0;
}
