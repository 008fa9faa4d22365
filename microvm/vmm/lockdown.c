/* SPDX-License-Identifier: Apache-2.0 */
/* Filters as lists of system calls: what is not in its role's list kills the process. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "base/table.h"

#include "program.h"

enum { MONITOR = 1, FILESERVER = 2, STAND_IN = 4, ALL = 7, CALLS_MOST = 160 };

static const struct {
	int call;
	unsigned int roles;
} calls[] = {
  /* the loop, streams, memory, threads, the end */
	{SYS_read,              ALL                 },
	{SYS_write,             ALL                 },
	{SYS_readv,             ALL                 },
	{SYS_writev,            ALL                 },
	{SYS_close,             ALL                 },
	{SYS_shutdown,          ALL                 },
	{SYS_recvfrom,          ALL                 },
	{SYS_recvmsg,           ALL                 },
	{SYS_sendto,            ALL                 },
	{SYS_sendmsg,           ALL                 },
	{SYS_poll,              ALL                 },
	{SYS_ppoll,             ALL                 },
	{SYS_epoll_wait,        ALL                 },
	{SYS_epoll_pwait,       ALL                 },
	{SYS_epoll_ctl,         ALL                 },
	{SYS_fcntl,             ALL                 },
	{SYS_ioctl,             ALL                 },
	{SYS_brk,               ALL                 },
	{SYS_mmap,              ALL                 },
	{SYS_munmap,            ALL                 },
	{SYS_mremap,            ALL                 },
	{SYS_mprotect,          ALL                 },
	{SYS_madvise,           ALL                 },
	{SYS_futex,             ALL                 },
	{SYS_clock_gettime,     ALL                 },
	{SYS_clock_nanosleep,   ALL                 },
	{SYS_nanosleep,         ALL                 },
	{SYS_getrandom,         ALL                 },
	{SYS_rt_sigprocmask,    ALL                 },
	{SYS_rt_sigaction,      ALL                 },
	{SYS_rt_sigreturn,      ALL                 },
	{SYS_sched_yield,       ALL                 },
	{SYS_getpid,            ALL                 },
	{SYS_gettid,            ALL                 },
	{SYS_restart_syscall,   ALL                 },
	{SYS_exit,              ALL                 },
	{SYS_exit_group,        ALL                 },
	{SYS_fstat,             ALL                 },
	{SYS_newfstatat,        ALL                 },
 /* a processor's threads and devices */
	{SYS_tgkill,            MONITOR | FILESERVER},
	{SYS_clone,             MONITOR | FILESERVER},
	{SYS_clone3,            MONITOR | FILESERVER},
	{SYS_set_robust_list,   MONITOR | FILESERVER},
	{SYS_rseq,              MONITOR | FILESERVER},
	{SYS_prctl,             MONITOR | FILESERVER},
	{SYS_eventfd2,          MONITOR | FILESERVER},
	{SYS_socketpair,        MONITOR             },
	{SYS_accept4,           MONITOR             },
	{SYS_timerfd_settime,   MONITOR             },
	{SYS_timerfd_create,    MONITOR             },
	{SYS_memfd_create,      MONITOR             },
	{SYS_ftruncate,         MONITOR | FILESERVER},
	{SYS_pread64,           MONITOR | FILESERVER},
	{SYS_pwrite64,          MONITOR | FILESERVER},
	{SYS_preadv,            MONITOR | FILESERVER},
	{SYS_pwritev,           MONITOR | FILESERVER},
	{SYS_preadv2,           FILESERVER          },
	{SYS_pwritev2,          MONITOR | FILESERVER},
	{SYS_fsync,             MONITOR | FILESERVER},
	{SYS_fdatasync,         MONITOR | FILESERVER},
	{SYS_fallocate,         MONITOR | FILESERVER},
 /* files */
	{SYS_openat,            FILESERVER          },
	{SYS_openat2,           FILESERVER          },
	{SYS_statx,             FILESERVER          },
	{SYS_fstatfs,           FILESERVER          },
	{SYS_statfs,            FILESERVER          },
	{SYS_readlinkat,        FILESERVER          },
	{SYS_symlinkat,         FILESERVER          },
	{SYS_mkdirat,           FILESERVER          },
	{SYS_mknodat,           FILESERVER          },
	{SYS_unlinkat,          FILESERVER          },
	{SYS_renameat2,         FILESERVER          },
	{SYS_renameat,          FILESERVER          },
	{SYS_linkat,            FILESERVER          },
	{SYS_fchown,            FILESERVER          },
	{SYS_fchownat,          FILESERVER          },
	{SYS_fchmod,            FILESERVER          },
	{SYS_fchmodat,          FILESERVER          },
	{SYS_utimensat,         FILESERVER          },
	{SYS_truncate,          FILESERVER          },
	{SYS_getdents64,        FILESERVER          },
	{SYS_lseek,             FILESERVER          },
	{SYS_copy_file_range,   FILESERVER          },
	{SYS_sync_file_range,   FILESERVER          },
	{SYS_syncfs,            FILESERVER          },
	{SYS_faccessat,         FILESERVER          },
	{SYS_faccessat2,        FILESERVER          },
	{SYS_flock,             FILESERVER          },
	{SYS_getxattr,          FILESERVER          },
	{SYS_setxattr,          FILESERVER          },
	{SYS_listxattr,         FILESERVER          },
	{SYS_removexattr,       FILESERVER          },
	{SYS_lgetxattr,         FILESERVER          },
	{SYS_lsetxattr,         FILESERVER          },
	{SYS_llistxattr,        FILESERVER          },
	{SYS_lremovexattr,      FILESERVER          },
	{SYS_fgetxattr,         FILESERVER          },
	{SYS_fsetxattr,         FILESERVER          },
	{SYS_flistxattr,        FILESERVER          },
	{SYS_fremovexattr,      FILESERVER          },
	{SYS_fchdir,            FILESERVER          },
	{SYS_chdir,             FILESERVER          },
	{SYS_unshare,           FILESERVER          },
	{SYS_umask,             FILESERVER          },
	{SYS_setfsuid,          FILESERVER          },
	{SYS_setfsgid,          FILESERVER          },
	{SYS_setgroups,         FILESERVER          },
	{SYS_capget,            FILESERVER          },
	{SYS_capset,            FILESERVER          },
	{SYS_getrlimit,         FILESERVER          },
	{SYS_prlimit64,         FILESERVER          },
	{SYS_geteuid,           FILESERVER          },
	{SYS_getegid,           FILESERVER          },
	{SYS_getuid,            FILESERVER          },
	{SYS_getgid,            FILESERVER          },
	{SYS_dup,               FILESERVER          },
	{SYS_name_to_handle_at, FILESERVER          },
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

static int set_filter(unsigned int role, struct error *err)
{
	struct sock_filter filter[2 * CALLS_MOST + 8];
	struct sock_fprog program = {.filter = filter};
	size_t n = begin(filter);

	_Static_assert(ARRAY_SIZE(calls) <= CALLS_MOST, "the filter has room for all");
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!(calls[i].roles & role))
			continue;
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		                                           (uint32_t)calls[i].call, 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail_errno(err, "seccomp", "no new privileges");
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) < 0)
		return fail_errno(err, "seccomp", "load the filter");
	return 0;
}

int lockdown(enum lockdown_role role, struct error *err)
{
	static const unsigned int roles[] = {MONITOR, FILESERVER, STAND_IN};

	if (role != LOCKDOWN_FILESERVER && drop_capabilities(err) < 0)
		return -1;
	return set_filter(roles[role], err);
}
