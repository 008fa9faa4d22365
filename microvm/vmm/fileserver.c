/* SPDX-License-Identifier: Apache-2.0 */
/* The process beside the monitor. It is forked before there is a machine, so it has nothing of one but what it is sent;
 * it keeps the capabilities to act for the guest's users, and sees the shares. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "base/process.h"

#include "program.h"

enum { SOCKET = 3 };

/* A descriptor each file that the guest knows. */
static int raise_limit(struct error *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fail_errno(err, "file server", "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? fail_errno(err, "file server", "setrlimit")
	                                            : 0;
}

/* The container's stdio is not its; instead a pipe that nobody reads. */
static int leave_stdio(struct error *err)
{
	owned_fd reader = -1, writer = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, "file server", "pipe");
	reader = ends[0];
	writer = ends[1];
	for (int i = 0; i < 3; i++)
		if (dup2(i == 0 ? reader : writer, i) < 0)
			return fail_errno(err, "file server", "dup");
	return close(STDIN_FILENO) < 0 ? fail_errno(err, "file server", "close") : 0;
}

static int serve(int socket, unsigned int queues, struct error *err)
{
	owned_fd root = open("/shares", O_PATH | O_DIRECTORY | O_CLOEXEC);
	owned_fd proc = path_open_proc(err);
	struct virtio_fs_service service = {
		.socket = socket,
		.root = root,
		.proc = proc,
		.request_queues = queues,
		.options = &fuse_shared,
	};

	if (proc < 0)
		return -1;
	if (root < 0)
		return fail_errno(err, "/shares", "open");
	(void)umask(0);
	/* its tables are as large as they may become: a node touches a page of them, not two megabytes */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		log_debug("file server: huge pages: %s", strerrordesc_np(errno));
	if (raise_limit(err) < 0 || leave_stdio(err) < 0 || lockdown(LOCKDOWN_FILESERVER, err) < 0)
		return -1;
	return virtio_fs_serve(&service, err);
}

int fileserver_start(unsigned int queues, int *ret_socket, int *ret_pidfd, struct error *err)
{
	owned_fd ours = -1, theirs = -1;
	int ends[2];
	pid_t pid, self = getpid();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "file server", "socketpair");
	ours = ends[0];
	theirs = ends[1];
	pid = process_clone(0, -1, ret_pidfd, err);
	if (pid < 0)
		return -1;
	if (pid == 0) {
		struct error why;

		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self ||
		    dup2(theirs, SOCKET) < 0 || fcntl(SOCKET, F_SETFD, FD_CLOEXEC) < 0 ||
		    fd_close_from(SOCKET + 1, &why) < 0)
			_exit(1);
		_exit(serve(SOCKET, queues, &why) < 0);
	}
	*ret_socket = take_fd(&ours);
	return 0;
}
