/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/syscall.h>
#include <unistd.h>

#include "syscalls.h"

pid_t sys_clone3(struct clone_args *args, size_t size)
{
	return (pid_t)syscall(SYS_clone3, args, size);
}

int sys_openat2(int dir, const char *path, const struct open_how *how, size_t size)
{
	return (int)syscall(SYS_openat2, dir, path, how, size);
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int sys_capget(void *header, void *data)
{
	return (int)syscall(SYS_capget, header, data);
}

int sys_capset(void *header, const void *data)
{
	return (int)syscall(SYS_capset, header, data);
}

int sys_seccomp(unsigned int operation, unsigned int flags, void *args)
{
	return (int)syscall(SYS_seccomp, operation, flags, args);
}

long sys_keyctl(int operation, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_keyctl, operation, a, b, c, d);
}

int sys_execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	return (int)syscall(SYS_execveat, dir, path, argv, envp, flags);
}

int sys_faccessat2(int dir, const char *path, int mode, int flags)
{
	return (int)syscall(SYS_faccessat2, dir, path, mode, flags);
}

int sys_bpf(int command, union bpf_attr *attr, unsigned int size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

int sys_sched_setattr(pid_t pid, const struct sys_sched_attr *attr, unsigned int flags)
{
	return (int)syscall(SYS_sched_setattr, pid, attr, flags);
}

int sys_ioprio_set(int which, int who, int priority)
{
	return (int)syscall(SYS_ioprio_set, which, who, priority);
}

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467 /* as on every processor */
#endif

int sys_open_tree_attr(int dir, const char *path, unsigned int flags, struct mount_attr *attr,
                       size_t size)
{
	return (int)syscall(SYS_open_tree_attr, dir, path, flags, attr, size);
}

int sys_set_mempolicy(int mode, const unsigned long *nodes, unsigned long bits)
{
	return (int)syscall(SYS_set_mempolicy, mode, nodes, bits);
}
