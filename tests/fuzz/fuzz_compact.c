/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/table.h"
#include "runtime/process/parts.h"
#include "tests/unit/runtime/process/machine.h"

#include "must.h"

/* Bytes as a seccomp filter, of the instructions that libseccomp uses, in any order that the kernel takes. The smaller
 * one that is made of it says the same to every call: at each number that something is compared with, and beside it, on
 * each architecture, with any arguments. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CODE_MOST = 720, COMPARED = 48 };

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))

static const uint32_t fields[] = {
	FIELD(arch),        FIELD(nr), FIELD(args[0]), FIELD(args[0]) + 4,         FIELD(args[1]),
	FIELD(args[5]) + 4, FIELD(nr), FIELD(arch),    FIELD(instruction_pointer),
};
static const uint32_t actions[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1,
                                   SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_USER_NOTIF};

struct program {
	struct sock_filter code[CODE_MOST];
	size_t length;
};

static uint32_t a_constant(struct reader *r)
{
	uint8_t which = read_u8(r);

	if (which < 16)
		return machine_architectures[which % ARRAY_SIZE(machine_architectures)];
	if (which < 32)
		return 0x40000000U + which;
	return which == 255 ? read_u32(r) : which % 12;
}

static uint8_t a_jump(struct reader *r, size_t left)
{
	return left < UINT8_MAX ? (uint8_t)(read_u8(r) % left) : read_u8(r);
}

/* left: instructions behind this one, one at least. */
static struct sock_filter an_instruction(struct reader *r, size_t left)
{
	static const uint16_t compares[] = {BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_K,
	                                    BPF_JMP | BPF_JGE | BPF_K};
	uint8_t what = read_u8(r) % 16;
	struct sock_filter i = {0};

	if (what < 5) {
		i.code = BPF_LD | BPF_W | BPF_ABS;
		i.k = fields[read_u8(r) % ARRAY_SIZE(fields)];
	} else if (what < 12) {
		i.code = compares[what % 3];
		i.k = a_constant(r);
		i.jt = a_jump(r, left);
		i.jf = a_jump(r, left);
	} else if (what == 12) {
		i.code = BPF_JMP | BPF_JA;
		i.k = a_jump(r, left);
	} else if (what == 13) {
		i.code = BPF_ALU | BPF_AND | BPF_K;
		i.k = a_constant(r);
	} else {
		i.code = BPF_RET | BPF_K;
		i.k = actions[what % 2 + 2 * (read_u8(r) % 2)];
	}
	return i;
}

/* As a filter begins that libseccomp makes, unless the input says otherwise. */
static void make_program(struct reader *r, struct program *p)
{
	uint8_t how = read_u8(r);

	p->length = 2 + how % 32;
	if (how & 0x40) /* jumps over more than 255 */
		p->length *= 20;
	for (size_t i = 0; i + 1 < p->length; i++)
		p->code[i] = an_instruction(r, p->length - 1 - i);
	if (how & 0x80)
		p->code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch));
	p->code[p->length - 1] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
}

static void compare_all(const struct program *p, const struct process_plan *plan, uint64_t argument)
{
	struct seccomp_data data = {
		.args = {argument, argument >> 1, 0, 0, 0, argument}
        };

	for (size_t i = argument % 7; i < p->length; i += 1 + p->length / COMPARED)
		for (int beside = -1; beside <= 1; beside++) {
			data.nr = (int)(p->code[i].k + (uint32_t)beside);
			must(machine_agree(p->code, p->length, plan->filter, plan->filter_length,
			                   &data));
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	owned_arena struct arena *arena = arena_new(4 << 20);
	struct reader r = reader_of(data, size);
	struct program program;
	struct process_plan plan = {.filter = program.code};

	must(arena);
	make_program(&r, &program);
	plan.filter_length = (unsigned short)program.length;
	filter_compact(arena, &plan);
	if (plan.filter == program.code)
		return 0;
	must(plan.filter_length < program.length);
	compare_all(&program, &plan, 0);
	compare_all(&program, &plan, read_u64(&r));
	compare_all(&program, &plan, UINT64_MAX);
	return 0;
}
