/* SPDX-License-Identifier: Apache-2.0 */
/* Make system calls with any arguments, and say the errno of each, 0 for none. Those that are named here look at no
 * argument, a filter does; set_mempolicy is for who starts a container.
 *
 * usage: call [i386 | x32] NAME[:NUMBER,NUMBER…]… [-- PROGRAM…]
 * i386, x32: by another way into a kernel of x86_64; exit status 3: this is none
 * PROGRAM: run after the calls, which say nothing then. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum way { NATIVE, I386, X32 };
enum { ARGUMENTS = 6 };

static const struct {
	const char *name;
	long number, number_i386;
} calls[] = {
	{"getppid",       SYS_getppid,       64 },
        {"getuid",        SYS_getuid,        24 },
	{"gettid",        SYS_gettid,        224},
        {"getgid",        SYS_getgid,        47 },
	{"geteuid",       SYS_geteuid,       49 },
        {"getegid",       SYS_getegid,       50 },
	{"sched_yield",   SYS_sched_yield,   158},
        {"set_mempolicy", SYS_set_mempolicy, 276},
};

#ifdef __x86_64__
static long other_way(enum way way, size_t row, const unsigned long *a)
{
	long result;

	if (way == X32)
		return syscall(calls[row].number | 0x40000000L, a[0], a[1], a[2], a[3], a[4], a[5]);
	__asm__ volatile("int $0x80"
	                 : "=a"(result)
	                 : "a"(calls[row].number_i386), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]),
	                   "D"(a[4])
	                 : "memory", "r8", "r9", "r10", "r11");
	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	return result;
}
#else
static long other_way(enum way way, size_t row, const unsigned long *a)
{
	(void)way;
	(void)row;
	(void)a;
	exit(3);
}
#endif

/* What errno is after it. */
static int call(enum way way, char *text)
{
	unsigned long a[ARGUMENTS] = {0};
	char *at = strchr(text, ':');
	size_t row = 0;
	long result;

	if (at)
		*at++ = '\0';
	for (size_t i = 0; at && *at && i < ARGUMENTS; i++) {
		a[i] = strtoul(at, &at, 0);
		at += *at == ',';
	}
	while (strcmp(calls[row].name, text) != 0)
		if (++row == sizeof(calls) / sizeof(calls[0])) {
			(void)fprintf(stderr, "call: %s: is not known here\n", text);
			exit(2);
		}
	if (way != NATIVE)
		result = other_way(way, row, a);
	else
		result = syscall(calls[row].number, a[0], a[1], a[2], a[3], a[4], a[5]);
	return result < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
	enum way way = NATIVE;
	char said[4096];
	size_t length = 0;
	int i = 1;

	if (argc > 1 && strcmp(argv[1], "i386") == 0)
		way = I386;
	if (argc > 1 && strcmp(argv[1], "x32") == 0)
		way = X32;
	for (i += way != NATIVE; i < argc && strcmp(argv[i], "--") != 0; i++)
		length += (size_t)snprintf(said + length, sizeof(said) - length, "%s%d",
		                           length > 0 ? " " : "", call(way, argv[i]));
	if (i + 1 < argc) {
		(void)execvp(argv[i + 1], argv + i + 1);
		perror(argv[i + 1]);
		return 2;
	}
	return length > 0 && puts(said) >= 0 ? 0 : 2;
}
