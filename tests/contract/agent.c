/* SPDX-License-Identifier: Apache-2.0 */
/* The agent of SCMP_ACT_NOTIFY in the tests: each connection brings a container process state and the listener
 * of a filter. The state goes to FILE.N (N = 1, 2, …); each call that waits is refused with ENOSPC.
 * usage: agent SOCKET FILE [FOLDER]    FOLDER: tell by "taken" in it that a call has come, refuse it when it has "answer" */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0)
		return -1;
	return fd;
}

/* All bytes up to the end of the connection; the descriptor comes with the first. */
static int receive(int connection, char *text, size_t size)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = text, .iov_len = size - 1};
	struct msghdr message = {.msg_iov = &iov,
	                         .msg_iovlen = 1,
	                         .msg_control = control.bytes,
	                         .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	size_t length = n > 0 ? (size_t)n : 0;
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	while (n > 0 && length < size - 1) {
		n = read(connection, text + length, size - 1 - length);
		length += n > 0 ? (size_t)n : 0;
	}
	text[length] = '\0';
	return fd;
}

/* Hold a call until somebody says so. */
static void hold(const char *folder)
{
	char taken[4096], answer[4096];

	(void)snprintf(taken, sizeof(taken), "%s/taken", folder);
	(void)snprintf(answer, sizeof(answer), "%s/answer", folder);
	(void)close(creat(taken, 0600));
	while (access(answer, F_OK) < 0)
		(void)usleep(10000);
}

static void answer(int listener, const char *folder)
{
	struct seccomp_notif call;
	struct seccomp_notif_resp reply;

	for (;;) {
		memset(&call, 0, sizeof(call));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
			if (errno == EINTR)
				continue;
			_exit(0);
		}
		if (folder)
			hold(folder);
		reply = (struct seccomp_notif_resp){.id = call.id, .error = -ENOSPC};
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	}
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	int listener;

	if (argc < 3)
		return 2;
	(void)alarm(30);
	(void)signal(SIGCHLD, SIG_IGN);
	listener = listen_at(argv[1]);
	if (listener < 0) {
		perror(argv[1]);
		return 2;
	}
	for (int n = 1;; n++) {
		int connection = accept(listener, NULL, NULL);
		int fd = connection < 0 ? -1 : receive(connection, text, sizeof(text));
		char path[4096], part[4096 + 8];
		FILE *file;

		if (fd < 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s.%d", argv[2], n);
		(void)snprintf(part, sizeof(part), "%s.part", path);
		file = fopen(part, "w");
		if (!file || fputs(text, file) < 0 || fclose(file) != 0 || rename(part, path) < 0)
			perror(path);
		(void)close(connection);
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)alarm(30);
			(void)close(listener);
			answer(fd, argv[3]);
		}
		(void)close(fd);
	}
}
