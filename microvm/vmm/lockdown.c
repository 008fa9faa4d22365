/* SPDX-License-Identifier: Apache-2.0 */
/* Filters as lists of system calls: what is not in its role's list, or asks for something else than the list says,
 * kills the process. A filter sees numbers only, so calls whose deed stands in memory (clone3) are not there at all:
 * the C library does without. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "base/table.h"

#include "program.h"

enum { MONITOR = 1, FILESERVER = 2, STAND_IN = 4, ALL = 7, FILTER_MOST = 512, NUMBERS_MOST = 10 };

/* What an argument must be. */
struct check {
	enum { ONE_OF, WITHOUT, WITH, OURSELVES, ABSENT } kind;
	unsigned int argument;
	uint32_t number[NUMBERS_MOST]; /* ONE_OF: ends with 0; else bits */
};

static const struct check machine_requests = {
	ONE_OF,
	1,
	{KVM_RUN, TUNSETVNETHDRSZ, TUNSETOFFLOAD, FIONREAD, TIOCGWINSZ, TCGETS, TCSETS}
};
static const struct check stream_requests = {
	ONE_OF,
	1,
	{FIONREAD, TIOCGWINSZ, TCGETS, TCSETS}
};
static const struct check descriptor_deeds = {
	ONE_OF,
	1,
	{F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_OFD_SETLK, F_OFD_GETLK}
};
static const struct check not_executable = {WITHOUT, 2, {PROT_EXEC}};
static const struct check a_thread = {WITH, 0, {CLONE_THREAD}};
static const struct check unix_sockets = {ONE_OF, 0, {AF_UNIX}};
static const struct check to_ourselves = {OURSELVES, 0, {0}};
static const struct check absent = {ABSENT, 0, {0}};

static const struct {
	int call;
	unsigned int roles;
	const struct check *check;
} calls[] = {
	{SYS_ioctl,             MONITOR,              &machine_requests},
	{SYS_ioctl,             STAND_IN,             &stream_requests },
	{SYS_read,              ALL,                  NULL             },
	{SYS_write,             ALL,                  NULL             },
	{SYS_readv,             ALL,                  NULL             },
	{SYS_writev,            ALL,                  NULL             },
	{SYS_close,             ALL,                  NULL             },
	{SYS_shutdown,          ALL,                  NULL             },
	{SYS_recvfrom,          ALL,                  NULL             },
	{SYS_recvmsg,           ALL,                  NULL             },
	{SYS_sendto,            ALL,                  NULL             },
	{SYS_sendmsg,           ALL,                  NULL             },
	{SYS_poll,              ALL,                  NULL             },
	{SYS_ppoll,             ALL,                  NULL             },
	{SYS_epoll_wait,        ALL,                  NULL             },
	{SYS_epoll_pwait,       ALL,                  NULL             },
	{SYS_epoll_ctl,         ALL,                  NULL             },
	{SYS_fcntl,             ALL,                  &descriptor_deeds},
	{SYS_brk,               ALL,                  NULL             },
	{SYS_mmap,              ALL,                  &not_executable  },
	{SYS_munmap,            ALL,                  NULL             },
	{SYS_mremap,            ALL,                  NULL             },
	{SYS_mprotect,          ALL,                  &not_executable  },
	{SYS_madvise,           ALL,                  NULL             },
	{SYS_futex,             ALL,                  NULL             },
	{SYS_clock_gettime,     ALL,                  NULL             },
	{SYS_clock_nanosleep,   ALL,                  NULL             },
	{SYS_nanosleep,         ALL,                  NULL             },
	{SYS_getrandom,         ALL,                  NULL             },
	{SYS_rt_sigprocmask,    ALL,                  NULL             },
	{SYS_rt_sigaction,      ALL,                  NULL             },
	{SYS_rt_sigreturn,      ALL,                  NULL             },
	{SYS_sched_yield,       ALL,                  NULL             },
	{SYS_getpid,            ALL,                  NULL             },
	{SYS_gettid,            ALL,                  NULL             },
	{SYS_restart_syscall,   ALL,                  NULL             },
	{SYS_exit,              ALL,                  NULL             },
	{SYS_exit_group,        ALL,                  NULL             },
	{SYS_fstat,             ALL,                  NULL             },
	{SYS_newfstatat,        ALL,                  NULL             },
	{SYS_tgkill,            MONITOR | FILESERVER, &to_ourselves    },
	{SYS_clone,             MONITOR | FILESERVER, &a_thread        },
	{SYS_clone3,            MONITOR | FILESERVER, &absent          },
	{SYS_set_robust_list,   MONITOR | FILESERVER, NULL             },
	{SYS_rseq,              MONITOR | FILESERVER, NULL             },
	{SYS_sched_getaffinity, MONITOR | FILESERVER,
         NULL							  }, /* malloc(3), when there are many threads */
	{SYS_eventfd2,          MONITOR | FILESERVER, NULL             },
	{SYS_socketpair,        MONITOR,              &unix_sockets    },
	{SYS_accept4,           MONITOR,              NULL             },
	{SYS_timerfd_settime,   MONITOR,              NULL             },
	{SYS_memfd_create,      MONITOR,              NULL             },
	{SYS_ftruncate,         MONITOR | FILESERVER, NULL             },
	{SYS_pread64,           MONITOR | FILESERVER, NULL             },
	{SYS_pwrite64,          MONITOR | FILESERVER, NULL             },
	{SYS_preadv,            MONITOR | FILESERVER, NULL             },
	{SYS_pwritev,           MONITOR | FILESERVER, NULL             },
	{SYS_preadv2,           FILESERVER,           NULL             },
	{SYS_pwritev2,          MONITOR | FILESERVER, NULL             },
	{SYS_fsync,             MONITOR | FILESERVER, NULL             },
	{SYS_fdatasync,         MONITOR | FILESERVER, NULL             },
	{SYS_fallocate,         MONITOR | FILESERVER, NULL             },
	{SYS_openat,            FILESERVER,           NULL             },
	{SYS_openat2,           FILESERVER,           NULL             },
	{SYS_statx,             FILESERVER,           NULL             },
	{SYS_fstatfs,           FILESERVER,           NULL             },
	{SYS_readlinkat,        FILESERVER,           NULL             },
	{SYS_symlinkat,         FILESERVER,           NULL             },
	{SYS_mkdirat,           FILESERVER,           NULL             },
	{SYS_mknodat,           FILESERVER,           NULL             },
	{SYS_unlinkat,          FILESERVER,           NULL             },
	{SYS_renameat2,         FILESERVER,           NULL             },
	{SYS_renameat,          FILESERVER,           NULL             }, /* what renameat2(3) makes of no flags */
	{SYS_linkat,            FILESERVER,           NULL             },
	{SYS_fchownat,          FILESERVER,           NULL             },
	{SYS_fchmodat,          FILESERVER,           NULL             },
	{SYS_utimensat,         FILESERVER,           NULL             },
	{SYS_truncate,          FILESERVER,           NULL             },
	{SYS_getdents64,        FILESERVER,           NULL             },
	{SYS_lseek,             FILESERVER,           NULL             },
	{SYS_copy_file_range,   FILESERVER,           NULL             },
	{SYS_syncfs,            FILESERVER,           NULL             },
	{SYS_faccessat2,        FILESERVER,           NULL             },
	{SYS_flock,             FILESERVER,           NULL             },
	{SYS_getxattr,          FILESERVER,           NULL             },
	{SYS_setxattr,          FILESERVER,           NULL             },
	{SYS_listxattr,         FILESERVER,           NULL             },
	{SYS_removexattr,       FILESERVER,           NULL             },
	{SYS_fchdir,            FILESERVER,           NULL             },
	{SYS_umask,             FILESERVER,           NULL             },
	{SYS_setfsuid,          FILESERVER,           NULL             },
	{SYS_setfsgid,          FILESERVER,           NULL             },
	{SYS_capget,            FILESERVER,           NULL             },
	{SYS_capset,            FILESERVER,           NULL             },
	{SYS_getrlimit,         FILESERVER,           NULL             },
	{SYS_prlimit64,         FILESERVER,           NULL             },
	{SYS_geteuid,           FILESERVER,           NULL             },
	{SYS_getegid,           FILESERVER,           NULL             },
};

static int drop_capabilities(struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	return sys_capset(&header, none) < 0 ? fail_errno(err, "capabilities", "drop") : 0;
}

/* Another architecture's numbers, or x32's, are other calls. */
static size_t begin(struct sock_filter *f)
{
	const struct sock_filter head[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};

	for (size_t i = 0; i < ARRAY_SIZE(head); i++)
		f[i] = head[i];
	return ARRAY_SIZE(head);
}

/* A filter as it grows; one that is full is refused as a whole. */
struct filter {
	struct sock_filter line[FILTER_MOST];
	size_t count;
	bool full;
};

static void add(struct filter *f, struct sock_filter line)
{
	if (f->count < FILTER_MOST)
		f->line[f->count++] = line;
	else
		f->full = true;
}

static void add_end(struct filter *f, uint32_t what)
{
	add(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

static void add_test(struct filter *f, uint16_t how, uint32_t number, uint8_t yes, uint8_t no)
{
	add(f, (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | how | BPF_K), number, yes, no));
}

/* Behind a call's number that was seen: decide by its argument, for good. The kernel takes no more than 32 bits of any
 * of those that are looked at. */
static void add_check(struct filter *f, const struct check *c)
{
	const uint32_t *bits = c->number;

	if (c->kind == ABSENT) {
		add_end(f, SECCOMP_RET_ERRNO | ENOSYS);
		return;
	}
	add(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	                                    (uint32_t)offsetof(struct seccomp_data, args) +
	                                            8U * c->argument));
	if (c->kind == WITHOUT) {
		add_test(f, BPF_JSET, *bits, 1, 0);
	} else if (c->kind == WITH) {
		add_test(f, BPF_JSET, *bits, 0, 1);
	} else if (c->kind == OURSELVES) {
		add_test(f, BPF_JEQ, (uint32_t)getpid(), 0, 1);
	} else {
		for (size_t i = 0; i < NUMBERS_MOST && (i == 0 || c->number[i]); i++) {
			add_test(f, BPF_JEQ, c->number[i], 0, 1);
			add_end(f, SECCOMP_RET_ALLOW);
		}
		add_end(f, SECCOMP_RET_KILL_PROCESS);
		return;
	}
	add_end(f, SECCOMP_RET_ALLOW);
	add_end(f, SECCOMP_RET_KILL_PROCESS);
}

static void add_call(struct filter *f, int call, const struct check *check)
{
	size_t at = f->count;

	add_test(f, BPF_JEQ, (uint32_t)call, 0, 0);
	if (check)
		add_check(f, check);
	else
		add_end(f, SECCOMP_RET_ALLOW);
	if (at < FILTER_MOST)
		f->line[at].jf = (uint8_t)(f->count - at - 1);
}

static int set_filter(unsigned int role, struct error *err)
{
	struct filter f = {.count = 0};
	struct sock_fprog program = {.filter = f.line};

	f.count = begin(f.line);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].roles & role)
			add_call(&f, calls[i].call, calls[i].check);
	add_end(&f, SECCOMP_RET_KILL_PROCESS);
	if (f.full)
		return fail(err, ERROR_SYSTEM, "seccomp", "the filter has no room for all calls");
	program.len = (unsigned short)f.count;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail_errno(err, "seccomp", "no new privileges");
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) < 0)
		return fail_errno(err, "seccomp", "load the filter");
	return 0;
}

/* Nobody but who has CAP_SYS_PTRACE can look into it or write to its memory by /proc: not the file server either, which
 * has the same user and works on what the guest says. */
static int hide(struct error *err)
{
	return prctl(PR_SET_DUMPABLE, 0) < 0 ? fail_errno(err, "process", "make it undumpable") : 0;
}

int lockdown(enum lockdown_role role, struct error *err)
{
	static const unsigned int roles[] = {MONITOR, FILESERVER, STAND_IN};

	if (role != LOCKDOWN_FILESERVER && (drop_capabilities(err) < 0 || hide(err) < 0))
		return -1;
	return set_filter(roles[role], err);
}
