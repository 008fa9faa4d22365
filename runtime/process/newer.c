/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are newer than a profile.
 *
 * Theory of operation. A profile names the calls of its day. A C library tries a newer one first, and does without it
 * when the answer is ENOSYS; the default action, EPERM mostly, it takes for a refusal. So a call with a larger number
 * than all that the profile names, by whatever rule, is answered with ENOSYS where the default action lets nothing
 * through. That is runc's rule, to the letter where it surprises: SCMP_ACT_KILL and SCMP_ACT_TRAP as the default give
 * way to it too. The call is not done either way; only nobody is killed for it.
 *
 * The instructions stand in front of libseccomp's. filter_compact() takes both as one program: then they are leaves of
 * its search, where the default action was, and common calls don't meet them. In front they stay only of a filter that
 * is too small to become smaller. */
#include <assert.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>

#include "base/own.h"

#include "parts.h"

enum {
	X32_FIRST =
		0x40000000, /* __X32_SYSCALL_BIT: x32's numbers begin here, on x86-64's architecture */
	RANGE = 6,          /* instructions of put_range() */
	IPC_BEFORE_PIDFD = 22, /* from msgctl to pidfd_send_signal, on all architectures */
};

static_assert(2 * RANGE <= NEWER_MOST, "s390 has two");

/* ---- the largest number ---- */

static bool names_it(const struct spec_seccomp *asked, const char *call)
{
	for (size_t i = 0; i < asked->syscalls.count; i++)
		for (size_t n = 0; n < asked->syscalls.item[i].names.count; n++)
			if (strcmp(asked->syscalls.item[i].names.item[n], call) == 0)
				return true;
	return false;
}

/* socketcall(2) and ipc(2): libseccomp has a false number for each call in them, between these, and puts both ways to
 * it into the filter. Other false numbers are of calls that the architecture has not. */
static bool is_multiplexed(int number)
{
	return number > -1000 && number <= -100;
}

/* The largest of those that have a number of their own beside: msgctl came last. */
static int largest_multiplexed(const struct spec_seccomp *asked, uint32_t architecture, int above)
{
	int number = seccomp_syscall_resolve_name_arch(architecture, "pidfd_send_signal");

	for (number -= IPC_BEFORE_PIDFD; number > above; number--) {
		owned_str name = seccomp_syscall_resolve_num_arch(architecture, number);

		if (name && names_it(asked, name))
			return number;
	}
	return above;
}

/* Returns  -1: it names none. */
static int largest(const struct spec_seccomp *asked, uint32_t architecture)
{
	bool multiplexed = false;
	int most = -1;

	for (size_t i = 0; i < asked->syscalls.count; i++) {
		const text_list *names = &asked->syscalls.item[i].names;

		for (size_t n = 0; n < names->count; n++) {
			int number =
				seccomp_syscall_resolve_name_arch(architecture, names->item[n]);

			multiplexed = multiplexed || is_multiplexed(number);
			if (number > most)
				most = number;
		}
	}
	return multiplexed ? largest_multiplexed(asked, architecture, most) : most;
}

/* ---- the instructions ---- */

static size_t put_range(struct sock_filter *code, uint32_t architecture, uint32_t first,
                        uint32_t last)
{
	const struct sock_filter range[RANGE] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	memcpy(code, range, sizeof(range));
	return RANGE;
}

size_t filter_newer(const struct spec_seccomp *asked, uint32_t architecture,
                    struct sock_filter code[NEWER_MOST])
{
	int most = largest(asked, architecture);
	uint32_t first = (uint32_t)most + 1;
	size_t length = 0;

	if (most < 0)
		return 0;
	switch (architecture) {
	case SCMP_ARCH_X32: /* libseccomp's name only; its numbers begin at X32_FIRST in there, too */
		return put_range(code, SCMP_ARCH_X86_64, first, UINT32_MAX);
	case SCMP_ARCH_X86_64: /* x32 that nobody asked for stays the wrong architecture that it is */
		return put_range(code, architecture, first, X32_FIRST - 1);
	case SCMP_ARCH_S390:
	case SCMP_ARCH_S390X: /* as 0 comes what has a number that svc can't hold, and is not known */
		length = put_range(code, architecture, 0, 0);
		return length + put_range(code + length, architecture, first, UINT32_MAX);
	default:
		return put_range(code, architecture, first, UINT32_MAX);
	}
}
