/* SPDX-License-Identifier: Apache-2.0 */
/* Each deed in a process that is locked down: what the role has no use for ends it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "microvm/vmm/program.h"
#include "tests/unit/cmocka.h"

enum { M = 1, F = 2, S = 4 };

/* The calls that sanitizers make are not the program's. */
#ifdef SANITIZED
#define PLAIN_BUILD() skip()
#else
#define PLAIN_BUILD() ((void)state)
#endif

static void do_open(void)
{
	(void)open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void do_stat(void)
{
	(void)syscall(SYS_statx, AT_FDCWD, "/", 0, 0, NULL);
}

static void do_execute(void)
{
	(void)execl("/bin/true", "true", NULL);
}

static void do_fork(void)
{
	/* glibc's takes clone(2) */
	if (fork() == 0)
		_exit(0);
}

static void do_clone3(void)
{
	/* refused, so that the C library takes the call that can be looked into */
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		_exit(2);
}

static void *in_thread(void *data)
{
	return malloc(100) ? data : NULL;
}

static void do_threads(void)
{
	enum { MANY = 12 };
	pthread_t thread[MANY];
	void *result;

	for (size_t i = 0; i < MANY; i++)
		if (pthread_create(&thread[i], NULL, in_thread, thread))
			_exit(3);
	for (size_t i = 0; i < MANY; i++)
		if (pthread_join(thread[i], &result) || !result)
			_exit(4);
}

static void do_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void do_pair(void)
{
	int ends[2];

	(void)socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static void do_kill(void)
{
	(void)kill(getppid(), 0);
}

static void do_kick_another(void)
{
	(void)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static void do_kick(void)
{
	(void)syscall(SYS_tgkill, getpid(), gettid(), 0);
}

static void do_trace(void)
{
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void do_map_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void do_map(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)mprotect(page, 4096, PROT_READ);
	(void)munmap(page, 4096);
}

static void do_run_guest(void)
{
	(void)ioctl(0, KVM_RUN, 0);
}

static void do_make_machine(void)
{
	(void)ioctl(0, KVM_CREATE_VM, 0);
}

static void do_type(void)
{
	(void)ioctl(0, TIOCSTI, "x");
}

static void do_own_signals(void)
{
	(void)fcntl(0, F_SETOWN, getppid());
}

static void do_copy_descriptor(void)
{
	(void)fcntl(0, F_DUPFD_CLOEXEC, 10);
}

static void do_make_node(void)
{
	(void)mknodat(AT_FDCWD, "/no/such/place", S_IFIFO, 0);
}

static void do_other_user(void)
{
	(void)syscall(SYS_setuid, 0);
}

static void do_mount(void)
{
	(void)syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}

static void do_open_by_handle(void)
{
	(void)syscall(SYS_open_by_handle_at, 0, NULL, 0);
}

static void do_chroot(void)
{
	(void)syscall(SYS_chroot, "/");
}

static void do_ring(void)
{
	(void)syscall(SYS_io_uring_setup, 1, NULL);
}

static void do_program_kernel(void)
{
	(void)syscall(SYS_bpf, 0, NULL, 0);
}

static void do_old_call(void)
{
	/* getpid(2) of 32 bits */
	__asm__ volatile("int $0x80" : : "a"(20) : "memory", "r8", "r9", "r10", "r11");
}

static void do_event(void)
{
	const uint64_t one = 1;
	int fd = eventfd(0, EFD_CLOEXEC);

	if (write(fd, &one, sizeof(one)) < 0)
		_exit(5);
}

static const struct deed {
	const char *name;
	void (*work)(void);
	unsigned int allowed;
} deeds[] = {
	{"map memory",              do_map,             M | F | S},
	{"copy a descriptor",       do_copy_descriptor, M | F | S},
	{"start threads",           do_threads,         M | F    },
	{"clone3",                  do_clone3,          M | F    },
	{"kick a thread",           do_kick,            M | F    },
	{"signal an event",         do_event,           M | F    },
	{"run the guest",           do_run_guest,       M        },
	{"a pair of sockets",       do_pair,            M        },
	{"open a file",             do_open,            F        },
	{"look at a file",          do_stat,            F        },
	{"make a fifo",             do_make_node,       F        },
	{"execute",                 do_execute,         0        },
	{"fork",		    do_fork,            0        },
	{"a socket",                do_socket,          0        },
	{"signal a process",        do_kill,            0        },
	{"signal another's thread", do_kick_another,    0        },
	{"trace",		   do_trace,           0        },
	{"map code",                do_map_code,        0        },
	{"make code of memory",     do_make_code,       0        },
	{"make a machine",          do_make_machine,    0        },
	{"type into a terminal",    do_type,            0        },
	{"own a file's signals",    do_own_signals,     0        },
	{"become another user",     do_other_user,      0        },
	{"mount",		   do_mount,           0        },
	{"open by handle",          do_open_by_handle,  0        },
	{"change the root",         do_chroot,          0        },
	{"a ring of requests",      do_ring,            0        },
	{"program the kernel",      do_program_kernel,  0        },
	{"a call of 32 bits",       do_old_call,        0        },
};

/* How a process ends that is locked down, or with NULL is not, and does it: 0, an exit status, or a signal's number
 * and 256. */
static int outcome(const enum lockdown_role *role, const struct deed *deed)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct error err;

		(void)signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the next test */
		if (role && lockdown(*role, &err) < 0)
			_exit(100);
		deed->work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A kernel without calls of 32 bits takes the instruction itself for a fault, whoever makes it. */
static int refusal(const struct deed *deed)
{
	if (deed->work == do_old_call && outcome(NULL, deed) == 256 + SIGSEGV)
		return 256 + SIGSEGV;
	return 256 + SIGSYS;
}

static void each_role_does_what_it_must_and_nothing_else(void **state)
{
	static const enum lockdown_role roles[] = {LOCKDOWN_MONITOR, LOCKDOWN_FILESERVER,
	                                           LOCKDOWN_STAND_IN};

	(void)state;
	PLAIN_BUILD();
	for (size_t role = 0; role < 3; role++)
		for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
			bool allowed = deeds[i].allowed & 1U << role;
			int wanted = allowed ? 0 : refusal(&deeds[i]);
			int got = outcome(&roles[role], &deeds[i]);

			if (got != wanted)
				print_error("role %zu: %s: %d, not %d\n", role, deeds[i].name, got,
				            wanted);
			assert_int_equal(got, wanted);
		}
}

static void look_at_capabilities(enum lockdown_role role, bool kept)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct before[2], now[2] = {0};
	char path[64], text[4096];
	struct error err;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sys_capget(&header, before), 0);
	pid = fork();
	if (pid == 0) {
		if (lockdown(role, &err) < 0 || write(ends[1], "x", 1) != 1)
			_exit(100);
		for (;;)
			(void)poll(NULL, 0, 1000);
	}
	assert_int_equal(read(ends[0], text, 1), 1);
	header.pid = pid;
	assert_int_equal(sys_capget(&header, now), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(now[i].permitted, kept ? before[i].permitted : 0);
		assert_int_equal(now[i].effective, kept ? before[i].effective : 0);
		assert_int_equal(now[i].inheritable & now[i].permitted, now[i].inheritable);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(status, text, sizeof(text) - 1) > 0);
	text[sizeof(text) - 1] = '\0';
	assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
	assert_non_null(strstr(text, "Seccomp:\t2\n"));
	(void)close(status);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void only_the_file_server_has_capabilities(void **state)
{
	(void)state;
	PLAIN_BUILD();
	look_at_capabilities(LOCKDOWN_MONITOR, false);
	look_at_capabilities(LOCKDOWN_STAND_IN, false);
	look_at_capabilities(LOCKDOWN_FILESERVER, true);
}

/* As the file server is to the monitor: the same user, without CAP_SYS_PTRACE. */
static void memory_is_hidden_from_the_same_user(void **state)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	int ends[2], status;
	char path[64], text;
	struct error err;
	pid_t pid, peeper;

	(void)state;
	PLAIN_BUILD();
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		if (lockdown(LOCKDOWN_MONITOR, &err) < 0 || write(ends[1], "x", 1) != 1)
			_exit(100);
		for (;;)
			(void)poll(NULL, 0, 1000);
	}
	assert_int_equal(read(ends[0], &text, 1), 1);
	peeper = fork();
	if (peeper == 0) {
		(void)sys_capget(&header, data);
		data[0].effective = data[0].permitted &= ~(1U << CAP_SYS_PTRACE);
		data[0].inheritable = data[1].inheritable = 0;
		if (sys_capset(&header, data) < 0)
			_exit(100);
		(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		_exit(open(path, O_RDWR | O_CLOEXEC) >= 0);
	}
	assert_int_equal(waitpid(peeper, &status, 0), peeper);
	assert_int_equal(status, 0);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_role_does_what_it_must_and_nothing_else),
		cmocka_unit_test(only_the_file_server_has_capabilities),
		cmocka_unit_test(memory_is_hidden_from_the_same_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
