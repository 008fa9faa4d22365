/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <sys/personality.h>

#include "base/process.h"
#include "base/syscalls.h"

#include "parts.h"

bool process_has_priorities(const struct process_plan *plan)
{
	return plan->scheduler || plan->io_priority.set;
}

int process_apply_policy(const struct process_plan *plan, struct error *err)
{
	/* one more than there are: the kernel takes one off */
	if (plan->memory &&
	    sys_set_mempolicy(plan->memory->mode, plan->memory->nodes, PROCESS_NODES + 1) < 0)
		return fail_errno(err, "linux.memoryPolicy", "set_mempolicy");
	if (plan->personality.set && personality((unsigned long)plan->personality.value) < 0)
		return fail_errno(err, "linux.personality", "personality");
	return 0;
}

int process_apply_affinity(const struct process_plan *plan, struct error *err)
{
	if (plan->cpus_final) {
		if (sched_setaffinity(0, PROCESS_CPU_BYTES, plan->cpus_final) < 0)
			return fail_errno(err, "process.execCPUAffinity.final",
			                  "sched_setaffinity");
		return 0;
	}
	return process_take_processors(err);
}
