/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of --console-socket: take a terminal, copy what it says to stdout and stdin to it; and of
 * --pidfd-socket: say whose the pidfd is.
 *
 * usage: console SOCKET
 * Ends when the terminal does; after 20 seconds in any case. Exit status 0: a terminal came. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return -1;
	return fd;
}

static int receive(int connection)
{
	char bytes[4096];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *c;
	int fd;

	if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) < 0)
		return -1;
	c = CMSG_FIRSTHDR(&message);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Returns whether there may be more. */
static int copy(int from, int to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n <= 0)
		return 0;
	return write(to, bytes, (size_t)n) == n;
}

static int relay(int master)
{
	struct pollfd fds[] = {
		{.fd = master,       .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN},
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return errno == EINTR ? 0 : 1;
		if (fds[1].revents && !copy(STDIN_FILENO, master))
			fds[1].fd = -1;
		if (fds[0].revents && !copy(master, STDOUT_FILENO))
			return 0;
	}
}

/* Of a pidfd, say whose it is. Returns whether it is one. */
static int print_pid(int fd)
{
	char path[64], line[256];
	int found = 0, pid;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Pid: %d", &pid) == 1;
	(void)fclose(file);
	if (found)
		(void)printf("pidfd of %d\n", pid);
	return found;
}

int main(int argc, char **argv)
{
	int listener, connection, master;

	if (argc != 2) {
		fprintf(stderr, "usage: console SOCKET\n");
		return 2;
	}
	(void)alarm(20);
	listener = listen_at(argv[1]);
	if (listener < 0) {
		perror(argv[1]);
		return 2;
	}
	connection = accept(listener, NULL, NULL);
	master = connection < 0 ? -1 : receive(connection);
	if (master < 0) {
		fprintf(stderr, "console: no terminal came\n");
		return 1;
	}
	if (print_pid(master))
		return 0;
	if (!isatty(master)) {
		fprintf(stderr, "console: what came is no terminal\n");
		return 1;
	}
	(void)close(connection);
	return relay(master);
}
