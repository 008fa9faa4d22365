/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SYSCALLS_H
#define BASE_SYSCALLS_H

#include <linux/bpf.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel's struct sched_attr, whose header and <sched.h> exclude each other. Spec: sched_setattr(2). */
struct sys_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* nanoseconds */
};

/* Calls that glibc 2.36 has no name for, as real functions so that tests/lint/owners sees who
 * calls. -1 and errno. Context: any. */
pid_t sys_clone3(struct clone_args *args, size_t size);
int sys_openat2(int dir, const char *path, const struct open_how *how, size_t size);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_capget(void *header, void *data);
int sys_capset(void *header, const void *data);
int sys_seccomp(unsigned int operation, unsigned int flags, void *args);
long sys_keyctl(int operation, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int sys_execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags);
int sys_bpf(int command, union bpf_attr *attr, unsigned int size);
int sys_sched_setattr(pid_t pid, const struct sys_sched_attr *attr, unsigned int flags);
int sys_ioprio_set(int which, int who, int priority);
/* open_tree(2) and mount_setattr(2) in one, of Linux 6.15. */
struct mount_attr;
int sys_open_tree_attr(int dir, const char *path, unsigned int flags, struct mount_attr *attr,
                       size_t size);
int sys_set_mempolicy(int mode, const unsigned long *nodes, unsigned long bits);
int sys_faccessat2(int dir, const char *path, int mode, int flags);

#endif
