/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fd.h"
#include "own.h"
#include "process.h"
#include "syscalls.h"
#include "text.h"

enum { MOST_PROCESSORS = 8192 }; /* that Linux can have */

/* "process 42", for errors. */
struct name {
	char text[32];
};

static struct name name_of(pid_t pid)
{
	struct name name;
	int errnum = errno;

	(void)snprintf(name.text, sizeof(name.text), "process %d", (int)pid);
	errno = errnum;
	return name;
}

pid_t process_clone(uint64_t flags, int cgroup, int *ret_pidfd, struct error *err)
{
	int pidfd = -1;
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	pid_t pid;

	if (flags & CLONE_PARENT)
		args.exit_signal = 0; /* a sibling has ours: clone3 refuses another one */
	if (ret_pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	}
	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	pid = sys_clone3(&args, sizeof(args));
	if (pid < 0)
		return fail_errno(err, "process", "clone");
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return pid;
}

int process_take_processors(struct error *err)
{
	unsigned char all[MOST_PROCESSORS / CHAR_BIT];

	memset(all, 0xff, sizeof(all));
	if (syscall(SYS_sched_setaffinity, 0, sizeof(all), all) < 0 && errno != EPERM)
		return fail_errno(err, "processors", "sched_setaffinity");
	return 0;
}

int process_wait(pid_t pid, struct error *err)
{
	int status = 0;
	pid_t ended;

	do /* __WALL: a child of CLONE_PARENT may not send SIGCHLD */
		ended = waitpid(pid, &status, __WALL);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		return fail_errno(err, name_of(pid).text, "wait");
	return process_status(status);
}

int process_peek(int pidfd, struct error *err)
{
	siginfo_t ended = {0};
	int r;

	do
		r = waitid(P_PIDFD, (id_t)pidfd, &ended, WEXITED | WNOWAIT | __WALL);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return fail_errno(err, "process", "wait");
	return ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status;
}

int process_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

pid_t process_reap(int *ret_status)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid <= 0)
		return 0;
	*ret_status = process_status(status);
	return pid;
}

enum {
	STAT_LINE = 2048,
	STAT_STATE = 3,
	STAT_FLAGS = 9,
	STAT_START_TIME = 22,
	OF_KERNEL = 0x00200000, /* PF_KTHREAD */
};

/* A field of a line of /proc/PID/stat from the third on; NULL where there is none. The second is the program's name in
 * parentheses, which may hold anything: only the last ')' ends it. */
static const char *stat_field(const char *line, int number)
{
	const char *field = strrchr(line, ')');

	if (!field || field[1] != ' ' || !field[2])
		return NULL;
	for (field += 2; field && number > STAT_STATE; number--) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	return field;
}

static bool stat_number(const char *line, int number, uint64_t *ret)
{
	const char *field = stat_field(line, number);
	char digits[24];

	if (!field)
		return false;
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(field, " \n"), field);
	return text_to_u64(digits, ret);
}

static int read_stat(pid_t pid, char line[STAT_LINE], struct error *err)
{
	char path[sizeof("/proc/-2147483648/stat")];
	struct error why;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (fd_read_small(AT_FDCWD, path, line, STAT_LINE, &why) < 0) {
		errno = why.errnum == ENOENT ? ESRCH : why.errnum;
		return fail_errno(err, name_of(pid).text, "look");
	}
	return 0;
}

static int no_stat(pid_t pid, struct error *err)
{
	(void)fail(err, ERROR_SYSTEM, "", "is not what proc_pid_stat(5) says");
	return error_within(err, "/proc/%d/stat", (int)pid);
}

int process_look(pid_t pid, uint64_t *ret_start_time, char *ret_state, struct error *err)
{
	char line[STAT_LINE];
	uint64_t start_time;

	if (read_stat(pid, line, err) < 0)
		return -1;
	if (!stat_number(line, STAT_START_TIME, &start_time))
		return no_stat(pid, err);
	if (ret_start_time)
		*ret_start_time = start_time;
	if (ret_state)
		*ret_state = *stat_field(line, STAT_STATE);
	return 0;
}

int process_look_at_thread(pid_t thread, char *ret_state, bool *ret_kernels, struct error *err)
{
	char line[STAT_LINE];
	uint64_t flags;

	if (read_stat(thread, line, err) < 0)
		return -1;
	if (!stat_number(line, STAT_FLAGS, &flags))
		return no_stat(thread, err);
	*ret_state = *stat_field(line, STAT_STATE);
	*ret_kernels = flags & OF_KERNEL;
	return 0;
}

int process_open(const struct process_identity *who, struct error *err)
{
	owned_fd pidfd = -1;
	uint64_t start_time = 0;
	char state = 'X';

	/* pidfd first: if the number is still who it was after that, so is the pidfd */
	pidfd = pidfd_open(who->pid, 0);
	if (pidfd < 0)
		return fail_errno(err, name_of(who->pid).text, "open");
	if (process_look(who->pid, &start_time, &state, err) < 0)
		return -1;
	errno = ESRCH;
	if (start_time != who->start_time || state == 'Z' || state == 'X')
		return fail_errno(err, name_of(who->pid).text, "open");
	return take_fd(&pidfd);
}

int process_signal(int pidfd, int signum, struct error *err)
{
	if (pidfd_send_signal(pidfd, signum, NULL, 0) < 0)
		return fail_errno(err, "process", "kill");
	return 0;
}

int process_wait_pidfd(int pidfd, int timeout_ms, struct error *err)
{
	int64_t end_ms = clock_ms() + timeout_ms;
	struct pollfd wanted = {.fd = pidfd, .events = POLLIN};
	int left_ms = timeout_ms;
	int n;

	for (;;) {
		n = poll(&wanted, 1, left_ms);
		if (n >= 0 || errno != EINTR)
			break;
		if (timeout_ms >= 0)
			left_ms = end_ms > clock_ms() ? (int)(end_ms - clock_ms()) : 0;
	}
	if (n > 0 && (wanted.revents & POLLNVAL)) {
		errno = EBADF;
		n = -1;
	}
	return n < 0 ? fail_errno(err, "process", "wait") : n > 0;
}
