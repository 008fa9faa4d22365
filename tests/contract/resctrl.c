/* SPDX-License-Identifier: Apache-2.0 */
/* Run a program on a machine that has resctrl, as far as the program sees: a folder stands in for it.
 *
 * usage: resctrl FOLDER PROGRAM…
 *
 * Theory of operation: a seccomp filter has some calls of the program, and of all that it starts, wait for a server,
 * a process that ends with the last of them. /sys/fs/resctrl opens as FOLDER; fstatfs(2) says that this is resctrl; a
 * group that is made in it is furnished as the kernel does, and goes with its files; `tasks` are appended to,
 * `schemata` are written anew. All else goes on to the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

enum { MAGIC = 0x7655821, GO_ON = INT_MAX };

static const char *folder;
static int root, listener;

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(name);
	(void)close(fd);
}

/* What the kernel puts into a new group. */
static void furnish(int dir)
{
	put(dir, "tasks", "");
	put(dir, "schemata", "    MB:0=100;1=100\n    L3:0=fffff;1=fffff\n");
	(void)mkdirat(dir, "mon_groups", 0755);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* ---- of the caller ---- */

static bool path_of(const struct seccomp_notif *call, char *path)
{
	uintptr_t at = call->data.args[1];
	struct iovec here = {.iov_base = path, .iov_len = PATH_MAX};
	struct iovec there = {.iov_base = (void *)at, .iov_len = PATH_MAX};
	ssize_t n = process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0);

	if (n < 0) { /* no page behind it */
		there.iov_len = 4096 - at % 4096;
		n = process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0);
	}
	return n > 0 && memchr(path, '\0', (size_t)n);
}

/* Its first argument, as ours. */
static int descriptor_of(const struct seccomp_notif *call)
{
	int process = (int)syscall(SYS_pidfd_open, call->pid, 0);
	int fd = (int)syscall(SYS_pidfd_getfd, process, (int)call->data.args[0], 0);

	(void)close(process);
	return fd;
}

static bool is_root(int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(root, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* Whether it is a folder below ours: all of them have one of these. */
static bool is_group(int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(root, &b) == 0 && a.st_dev == b.st_dev &&
	       faccessat(fd, "mon_groups", F_OK, 0) == 0;
}

/* ---- the calls: what they return, or GO_ON ---- */

static int give(const struct seccomp_notif *call, int dir, const char *path, int flags)
{
	int fd = openat(dir, path, flags | O_CLOEXEC);
	struct seccomp_notif_addfd add = {.id = call->id,
	                                  .srcfd = (uint32_t)fd,
	                                  .newfd_flags = O_CLOEXEC};
	int given = fd < 0 ? -errno : ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	(void)close(fd);
	return given;
}

static int on_openat(const struct seccomp_notif *call)
{
	char path[PATH_MAX];
	int result = GO_ON, dir;

	if (!path_of(call, path))
		return GO_ON;
	if (strcmp(path, "/sys/fs/resctrl") == 0)
		return give(call, root, ".", O_RDONLY | O_DIRECTORY);
	if ((call->data.args[2] & O_ACCMODE) != O_WRONLY ||
	    (strcmp(path, "tasks") != 0 && strcmp(path, "schemata") != 0))
		return GO_ON;
	dir = descriptor_of(call);
	if (is_group(dir))
		result = give(call, dir, path, O_WRONLY | (*path == 't' ? O_APPEND : O_TRUNC));
	(void)close(dir);
	return result;
}

static int on_fstatfs(const struct seccomp_notif *call)
{
	struct statfs fs;
	struct iovec here = {.iov_base = &fs, .iov_len = sizeof(fs)};
	struct iovec there = {.iov_base = (void *)call->data.args[1], .iov_len = sizeof(fs)};
	int fd = descriptor_of(call), result = GO_ON;

	if (is_root(fd) && fstatfs(fd, &fs) == 0) {
		fs.f_type = MAGIC;
		result = process_vm_writev((pid_t)call->pid, &here, 1, &there, 1, 0) < 0 ? -errno
		                                                                         : 0;
	}
	(void)close(fd);
	return result;
}

static int on_folder(const struct seccomp_notif *call)
{
	char path[PATH_MAX], whole[2 * PATH_MAX];
	int dir = descriptor_of(call), made;
	bool ours = is_root(dir);

	(void)close(dir);
	if (!ours || !path_of(call, path))
		return GO_ON;
	if (call->data.nr == SYS_unlinkat) {
		(void)snprintf(whole, sizeof(whole), "%s/%s", folder, path);
		return nftw(whole, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -errno;
	}
	if (mkdirat(root, path, 0755) < 0)
		return -errno;
	made = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	furnish(made);
	(void)close(made);
	return 0;
}

/* ---- the two processes ---- */

static int decide(const struct seccomp_notif *call)
{
	switch (call->data.nr) {
	case SYS_openat:
		return on_openat(call);
	case SYS_fstatfs:
		return on_fstatfs(call);
	default:
		return on_folder(call);
	}
}

static void serve(void)
{
	struct pollfd waiting = {.fd = listener, .events = POLLIN};
	struct seccomp_notif call;
	struct seccomp_notif_resp reply;

	while (poll(&waiting, 1, -1) >= 0 && !(waiting.revents & POLLHUP)) {
		int result;

		memset(&call, 0, sizeof(call));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
			continue; /* it was killed */
		result = decide(&call);
		reply = (struct seccomp_notif_resp){.id = call.id};
		if (result == GO_ON)
			reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		else if (result < 0)
			reply.error = result;
		else
			reply.val = result;
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
	}
}

static int filter(void)
{
	static const uint32_t calls[] = {SYS_openat, SYS_fstatfs, SYS_mkdirat, SYS_unlinkat};
	const uint8_t count = sizeof(calls) / sizeof(calls[0]);
	struct sock_filter code[sizeof(calls) / sizeof(calls[0]) + 3] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = {.len = count + 3, .filter = code};
	unsigned int flags =
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int fd;

	for (uint8_t i = 0; i < count; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i],
		                                           count - i, 0);
	code[count + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[count + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (fd < 0)
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		                  SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	return fd;
}

/* In a process of its own that is nobody's child and has nothing of the caller's. */
static void start_server(int channel, pid_t program)
{
	pid_t between = fork();
	int number, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (between > 0)
		(void)waitpid(between, NULL, 0);
	if (between != 0)
		return;
	if (fork() != 0 || read(channel, &number, sizeof(number)) != sizeof(number))
		_exit(0);
	listener = (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, program, 0), number, 0);
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	if (listener < 0 || write(channel, "", 1) != 1)
		_exit(1);
	for (int fd = 3; fd < 256; fd++)
		if (fd != listener && fd != root)
			(void)close(fd);
	serve();
	_exit(0);
}

int main(int argc, char **argv)
{
	int channel[2], fd;
	char taken;

	if (argc < 3 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		return 2;
	folder = argv[1];
	(void)mkdir(folder, 0755);
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (faccessat(root, "tasks", F_OK, 0) < 0)
		furnish(root);
	start_server(channel[1], getpid());
	(void)close(channel[1]);
	fd = filter();
	if (fd < 0 || write(channel[0], &fd, sizeof(fd)) != sizeof(fd) ||
	    read(channel[0], &taken, 1) != 1) {
		perror("resctrl: its server");
		return 2;
	}
	(void)execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
