/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/own.h"
#include "base/table.h"
#include "runtime/process/parts.h"
#include "tests/unit/cmocka.h"

#include "machine.h"

enum { NUMBERS = 600, TRIES = 20000, CODE_MOST = 4096 };

static const uint32_t architectures[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32,
                                         SCMP_ARCH_AARCH64};

static size_t read_filter(scmp_filter_ctx context, struct sock_filter *code)
{
	owned_fd file = memfd_create("filter", MFD_CLOEXEC);
	ssize_t n;

	assert_true(file >= 0);
	assert_int_equal(seccomp_export_bpf(context, file), 0);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	n = read(file, code, CODE_MOST * sizeof(*code));
	assert_true(n > 0 && (size_t)n < CODE_MOST * sizeof(*code));
	return (size_t)n / sizeof(*code);
}

static uint64_t any(void)
{
	static const uint64_t likely[] = {0, 1, 16, 0x7e020000, 0x40000000, UINT64_MAX};

	return rand() % 2 ? likely[(size_t)rand() % ARRAY_SIZE(likely)] : (uint64_t)rand();
}

static void compare(const struct sock_filter *code, size_t length, const struct process_plan *plan,
                    struct seccomp_data *data)
{
	assert_true(machine_agree(code, length, plan->filter, plan->filter_length, data));
}

/* All numbers that there are and some that there are not, with arguments of all kinds. */
static void decides_the_same(const struct sock_filter *code, size_t length,
                             const struct process_plan *plan)
{
	for (int number = -2; number < NUMBERS; number++) {
		struct seccomp_data data = {.nr = number};

		compare(code, length, plan, &data);
		data.nr = (int)(0x40000000U + (unsigned int)number);
		compare(code, length, plan, &data);
	}
	for (int i = 0; i < TRIES; i++) {
		struct seccomp_data data = {.nr = (int)any()};

		if (rand() % 4)
			data.nr = rand() % NUMBERS;
		for (size_t n = 0; n < ARRAY_SIZE(data.args); n++)
			data.args[n] = any();
		compare(code, length, plan, &data);
	}
}

/* Most calls, as engines' profiles have them; conditions on some. */
static void fill(scmp_filter_ctx context, unsigned int every)
{
	for (size_t i = 1; i < ARRAY_SIZE(architectures); i++)
		assert_int_equal(seccomp_arch_add(context, architectures[i]), 0);
	for (int number = 0; number < NUMBERS; number++) {
		owned_str name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);

		if (!name || (every > 1 && (unsigned int)number % every == 0))
			continue;

		(void)seccomp_rule_add(context, number % 7 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(2),
		                       number, 0);
	}
	(void)seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1,
	                       SCMP_A0(SCMP_CMP_EQ, 0, 0));
	(void)seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	                       SCMP_A0(SCMP_CMP_MASKED_EQ, 0x7e020000, 0));
	(void)seccomp_rule_add(context, SCMP_ACT_ERRNO(9), SCMP_SYS(socket), 2,
	                       SCMP_A0(SCMP_CMP_NE, 16, 0), SCMP_A1(SCMP_CMP_GT, 3, 0));
}

static void the_smaller_filter_decides_the_same(void **state)
{
	static struct sock_filter code[CODE_MOST];

	(void)state;
	for (unsigned int optimize = 1; optimize <= 2; optimize++)
		for (unsigned int every = 1; every <= 5; every++) {
			owned_arena struct arena *arena = arena_new(8 << 20);
			scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(38));
			struct process_plan plan = {.filter = code};

			assert_non_null(context);
			(void)seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, optimize);
			fill(context, every);
			plan.filter_length = (unsigned short)read_filter(context, code);
			seccomp_release(context);
			size_t length = plan.filter_length;

			filter_compact(arena, &plan);
			assert_true(plan.filter_length < length || every > 1);
			decides_the_same(code, length, &plan);
		}
}

static void what_is_not_understood_stays_as_it_is(void **state)
{
	static struct sock_filter odd[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct process_plan plan = {.filter = odd, .filter_length = ARRAY_SIZE(odd)};

	(void)state;
	filter_compact(arena, &plan);
	assert_ptr_equal(plan.filter, odd);
	plan.filter_length = 1; /* ends without a return */
	filter_compact(arena, &plan);
	assert_ptr_equal(plan.filter, odd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smaller_filter_decides_the_same),
		cmocka_unit_test(what_is_not_understood_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
