/* SPDX-License-Identifier: Apache-2.0 */
/* The first instructions of the static program, before the C library prepares itself.
 *
 * Theory of operation: what enters a container is started anew from a read-only view of its file (protect.c). The
 * first of the two starts does nothing else, yet the C library would ask the processor for its caches, which takes
 * longer than all the rest of it where a hypervisor answers (0.3 of 0.4 ms). So the view is made here, with
 * nothing but system calls, when the command line has the name of such a command. Nothing depends on it: where
 * any step is refused, where the words are read wrongly, or where there is no such code for the processor, the
 * program begins as any does, and protect.c looks and does the same.
 *
 * No library function may be called and no stack protector used: neither is ready. */
#include "base/table.h"

#include "launch.h"

static const char *const words[] = {"create", "run", "start", "exec", "restore", "mounts"};

/* Whether text is the word, or begins with it. */
static bool same(const char *text, const char *word, bool whole)
{
	while (*word && *text == *word) {
		text++;
		word++;
	}
	return !*word && (!whole || !*text);
}

bool namespace_protects(const char *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (same(command, words[i], true))
			return true;
	return false;
}

#ifdef __x86_64__

#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

enum { ENVIRONMENT_MOST = 4096 };

static const char self[] = "/proc/self/exe", variable[] = "CELLA_PROGRAM=";

static char told[sizeof(variable) + PATH_MAX];
static char *environment[ENVIRONMENT_MOST + 2];

static long call(long number, long a, const void *b, long c, const void *d, long e)
{
	register long r10 __asm__("r10") = (long)d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
	                 : "rcx", "r11", "memory");
	return result;
}

static bool has_command(char *const *argv)
{
	for (; *argv; argv++)
		if (namespace_protects(*argv))
			return true;
	return false;
}

/* Copy the environment and add where our file is. Returns false where it is known already, or there is no room. */
static bool tell_path(char *const *envp)
{
	size_t count = 0, at = 0;
	long length;

	for (; envp[count]; count++) {
		if (count == ENVIRONMENT_MOST || same(envp[count], variable, false))
			return false;
		environment[count] = envp[count];
	}
	for (; variable[at]; at++)
		told[at] = variable[at];
	length = call(SYS_readlink, (long)self, told + at, PATH_MAX, NULL, 0);
	environment[count] = told;
	return length > 0 && length < PATH_MAX;
}

static bool is_readonly(void)
{
	struct statfs fs = {0};

	return call(SYS_statfs, (long)self, &fs, 0, NULL, 0) < 0 || (fs.f_flags & ST_RDONLY);
}

/* Called with the stack as the kernel made it: the number of arguments, them, NULL, the environment, NULL. */
__attribute__((used)) void namespace_entry(long *stack);
void namespace_entry(long *stack)
{
	char **argv = (char **)(stack + 1), **envp = argv + stack[0] + 1;
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	const long flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	bool is_made = true;
	long view;

	if (stack[0] < 2 || !has_command(argv + 1) || !tell_path(envp) || is_readonly())
		return;
	view = call(SYS_open_tree_attr, AT_FDCWD, self, flags, &readonly, sizeof(readonly));
	if (view < 0) { /* before Linux 6.15 */
		view = call(SYS_open_tree, AT_FDCWD, self, flags, NULL, 0);
		if (view < 0)
			return;
		is_made = call(SYS_mount_setattr, view, "", AT_EMPTY_PATH, &readonly,
		               sizeof(readonly)) == 0;
	}
	if (is_made)
		(void)call(SYS_execveat, view, "", (long)argv, environment, AT_EMPTY_PATH);
	(void)call(SYS_close, view, NULL, 0, NULL, 0);
}

__asm__(".pushsection .text\n"
        ".globl cella_entry\n"
        ".type cella_entry, @function\n"
        "cella_entry:\n"
        "	xor %ebp, %ebp\n"
        "	mov %rsp, %rdi\n"
        "	mov %rsp, %rbx\n"
        "	and $-16, %rsp\n"
        "	call namespace_entry\n"
        "	mov %rbx, %rsp\n"
        "	xor %edx, %edx\n"
        "	jmp _start\n"
        ".size cella_entry, .-cella_entry\n"
        ".popsection\n");

#endif
