/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_RUNTIME_PROCESS_MACHINE_H
#define TESTS_UNIT_RUNTIME_PROCESS_MACHINE_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/* The kernel's machine, as far as libseccomp uses it: what a filter says to a call. What the kernel would not have
 * taken ends the test by abort(3), so that fuzzers may use it too. */
static inline uint32_t machine_decide(const struct sock_filter *code, size_t length,
                                      const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < length; pc++) {
		const struct sock_filter *i = &code[pc];
		bool yes = false;

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = a & i->k;
			break;
		default:
			abort();
		}
		pc += yes ? i->jt : i->jf;
	}
	abort(); /* it ends with a return */
}

/* Architectures that filters are made for, and some that none is. */
static const uint32_t machine_architectures[] = {
	AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, AUDIT_ARCH_S390X, 0, 1, UINT32_MAX,
};

/* Whether two filters say the same to a call, on each of them; the one in data is written over. */
static inline bool machine_agree(const struct sock_filter *one, size_t one_length,
                                 const struct sock_filter *other, size_t other_length,
                                 struct seccomp_data *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(machine_architectures); i++) {
		data->arch = machine_architectures[i];
		if (machine_decide(one, one_length, data) !=
		    machine_decide(other, other_length, data))
			return false;
	}
	return true;
}

#endif
