/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <sys/personality.h>

#include "tests/unit/cmocka.h"

#include "asking.h"

static void what_is_not_asked_for_is_not_planned(void **state)
{
	struct asking *a = *state;

	assert_int_equal(ask(a), 0);
	assert_null(a->plan->scheduler);
	assert_null(a->plan->memory);
	assert_null(a->plan->cpus_initial);
	assert_null(a->plan->cpus_final);
	assert_false(a->plan->io_priority.set || a->plan->personality.set);
	assert_false(process_has_priorities(a->plan));
}

static void words_become_the_kernels_numbers(void **state)
{
	static const char *flags[] = {"SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_DL_OVERRUN"};
	struct asking *a = *state;
	struct spec_process *p = &a->spec.process;

	p->scheduler = (struct spec_scheduler){.set = true,
	                                       .policy = "SCHED_DEADLINE",
	                                       .runtime = 1,
	                                       .deadline = 2,
	                                       .period = 3};
	p->scheduler.flags.item = flags;
	p->scheduler.flags.count = 2;
	p->io_priority_class = "IOPRIO_CLASS_IDLE";
	p->io_priority = 7;
	a->spec.linux_.personality.domain = "LINUX32";
	assert_int_equal(ask(a), 0);
	assert_int_equal(a->plan->scheduler->policy, 6);
	assert_int_equal(a->plan->scheduler->flags, 5);
	assert_int_equal(a->plan->scheduler->runtime, 1);
	assert_int_equal(a->plan->scheduler->deadline, 2);
	assert_int_equal(a->plan->scheduler->period, 3);
	assert_int_equal(a->plan->scheduler->size, 48);
	assert_int_equal(a->plan->io_priority.value, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 7));
	assert_int_equal(a->plan->personality.value, PER_LINUX32);
	assert_true(process_has_priorities(a->plan));
}

static void lists_become_bits(void **state)
{
	static const char *flags[] = {"MPOL_F_RELATIVE_NODES"};
	struct asking *a = *state;
	const unsigned long *nodes;

	a->spec.process.affinity_initial = "";
	a->spec.process.affinity_final = "0-2,64,8191";
	a->spec.linux_.memory_policy.set = true;
	a->spec.linux_.memory_policy.mode = "MPOL_INTERLEAVE";
	a->spec.linux_.memory_policy.nodes = "1,63-65";
	a->spec.linux_.memory_policy.flags.item = flags;
	a->spec.linux_.memory_policy.flags.count = 1;
	assert_int_equal(ask(a), 0);
	assert_null(a->plan->cpus_initial);
	assert_int_equal(CPU_COUNT_S(PROCESS_CPU_BYTES, a->plan->cpus_final), 5);
	assert_true(CPU_ISSET_S(2, PROCESS_CPU_BYTES, a->plan->cpus_final));
	assert_true(CPU_ISSET_S(8191, PROCESS_CPU_BYTES, a->plan->cpus_final));
	assert_int_equal(a->plan->memory->mode, MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES);
	nodes = a->plan->memory->nodes;
	assert_int_equal(nodes[0], 1UL << 1 | 1UL << 63);
	assert_int_equal(nodes[1], 3);
}

static void lists_beyond_what_there_can_be_are_refused(void **state)
{
	struct asking *a = *state;

	a->spec.process.affinity_final = "8192";
	refused(a, "process.execCPUAffinity.final", "'8192': expected numbers up to 8191");
	a->spec.process.affinity_final = NULL;
	a->spec.process.affinity_initial = "5-3";
	refused(a, "process.execCPUAffinity.initial", "expected numbers");
	a->spec.process.affinity_initial = NULL;
	a->spec.linux_.memory_policy.set = true;
	a->spec.linux_.memory_policy.mode = "MPOL_BIND";
	a->spec.linux_.memory_policy.nodes = "0-1024";
	refused(a, "linux.memoryPolicy.nodes", "up to 1023");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASKING_TEST(what_is_not_asked_for_is_not_planned),
		ASKING_TEST(words_become_the_kernels_numbers),
		ASKING_TEST(lists_become_bits),
		ASKING_TEST(lists_beyond_what_there_can_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
