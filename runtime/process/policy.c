/* SPDX-License-Identifier: Apache-2.0 */
/* When and where a process runs, and for what it passes. Host: words to numbers. */
#include <errno.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

#include "base/syscalls.h"
#include "base/table.h"

#include "parts.h"

static const struct word policies[] = {
	{"SCHED_OTHER",    SCHED_OTHER},
        {"SCHED_FIFO",     SCHED_FIFO },
        {"SCHED_RR",       SCHED_RR   },
	{"SCHED_BATCH",    SCHED_BATCH},
        {"SCHED_ISO",      4          },
        {"SCHED_IDLE",     SCHED_IDLE },
	{"SCHED_DEADLINE", 6          },
};

static const struct word scheduler_flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK",  SCHED_FLAG_RESET_ON_FORK },
	{"SCHED_FLAG_RECLAIM",        SCHED_FLAG_RECLAIM       },
	{"SCHED_FLAG_DL_OVERRUN",     SCHED_FLAG_DL_OVERRUN    },
	{"SCHED_FLAG_KEEP_POLICY",    SCHED_FLAG_KEEP_POLICY   },
	{"SCHED_FLAG_KEEP_PARAMS",    SCHED_FLAG_KEEP_PARAMS   },
	{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
};

static const struct word io_classes[] = {
	{"IOPRIO_CLASS_RT",   IOPRIO_CLASS_RT  },
	{"IOPRIO_CLASS_BE",   IOPRIO_CLASS_BE  },
	{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
};

static const struct word domains[] = {
	{"LINUX",   PER_LINUX  },
	{"LINUX32", PER_LINUX32},
};

static const struct word modes[] = {
	{"MPOL_DEFAULT",             MPOL_DEFAULT       },
        {"MPOL_BIND",                MPOL_BIND          },
	{"MPOL_INTERLEAVE",          MPOL_INTERLEAVE    },
        {"MPOL_WEIGHTED_INTERLEAVE", 6                  },
	{"MPOL_PREFERRED",           MPOL_PREFERRED     },
        {"MPOL_PREFERRED_MANY",      MPOL_PREFERRED_MANY},
	{"MPOL_LOCAL",               MPOL_LOCAL         },
};

static const struct word mode_flags[] = {
	{"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
	{"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
	{"MPOL_F_STATIC_NODES",   MPOL_F_STATIC_NODES  },
};

/* Words that the reader of the config has checked. */
static int64_t value_of(const struct word *words, size_t count, const char *word)
{
	int64_t value = 0;

	(void)table_value(words, count, word, &value);
	return value;
}

#define VALUE_OF(words, word) value_of(words, ARRAY_SIZE(words), word)

/* "0-3,7" as bits; the reader of the config has checked its form. Returns 0, or -1 and *err without an object. */
static int read_list(const char *list, unsigned long *bits, size_t most, struct error *err)
{
	const size_t width = 8 * sizeof(*bits);

	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (first > last || last >= most)
			return fail(err, ERROR_CONFIG, "", "'%s': expected numbers up to %zu", list,
			            most - 1);
		for (; first <= last; first++)
			bits[first / width] |= 1UL << first % width;
		list = end + strspn(end, ", \n");
	}
	return 0;
}

static int plan_cpus(const char *list, const char *path, struct arena *arena, cpu_set_t **ret,
                     struct error *err)
{
	if (!list || !*list)
		return 0;
	*ret = arena_alloc(arena, 1, PROCESS_CPU_BYTES);
	if (!*ret)
		return arena_check(arena, err);
	if (read_list(list, (*ret)->__bits, 8 * (size_t)PROCESS_CPU_BYTES, err) < 0)
		return error_within(err, "%s", path);
	return 0;
}

static int plan_scheduler(const struct spec_scheduler *asked, struct arena *arena,
                          struct process_plan *plan, struct error *err)
{
	struct sys_sched_attr *attr;

	if (!asked->set)
		return 0;
	attr = ARENA_NEW(arena, struct sys_sched_attr);
	if (!attr)
		return arena_check(arena, err);
	attr->size = sizeof(*attr);
	attr->policy = (uint32_t)VALUE_OF(policies, asked->policy);
	attr->nice = asked->nice;
	attr->priority = (uint32_t)asked->priority;
	attr->runtime = asked->runtime;
	attr->deadline = asked->deadline;
	attr->period = asked->period;
	for (size_t i = 0; i < asked->flags.count; i++)
		attr->flags |= (uint64_t)VALUE_OF(scheduler_flags, asked->flags.item[i]);
	plan->scheduler = attr;
	return 0;
}

static int plan_memory(const struct spec *spec, struct arena *arena, struct process_plan *plan,
                       struct error *err)
{
	struct process_memory *memory;

	if (!spec->linux_.memory_policy.set)
		return 0;
	memory = ARENA_NEW(arena, struct process_memory);
	if (!memory)
		return arena_check(arena, err);
	memory->mode = (int)VALUE_OF(modes, spec->linux_.memory_policy.mode);
	for (size_t i = 0; i < spec->linux_.memory_policy.flags.count; i++)
		memory->mode |= (int)VALUE_OF(mode_flags, spec->linux_.memory_policy.flags.item[i]);
	if (spec->linux_.memory_policy.nodes &&
	    read_list(spec->linux_.memory_policy.nodes, memory->nodes, PROCESS_NODES, err) < 0)
		return error_within(err, "linux.memoryPolicy.nodes");
	plan->memory = memory;
	return 0;
}

int plan_policy(const struct spec *spec, const struct spec_process *process, struct arena *arena,
                struct process_plan *plan, struct error *err)
{
	const char *domain = spec->linux_.personality.domain;

	if (process->io_priority_class) {
		plan->io_priority.set = true;
		plan->io_priority.value = IOPRIO_PRIO_VALUE(
			VALUE_OF(io_classes, process->io_priority_class), process->io_priority);
	}
	if (domain) {
		plan->personality.set = true;
		plan->personality.value = (uint64_t)VALUE_OF(domains, domain);
	}
	if (plan_scheduler(&process->scheduler, arena, plan, err) < 0 ||
	    plan_memory(spec, arena, plan, err) < 0)
		return -1;
	if (plan_cpus(process->affinity_initial, "process.execCPUAffinity.initial", arena,
	              &plan->cpus_initial, err) < 0)
		return -1;
	return plan_cpus(process->affinity_final, "process.execCPUAffinity.final", arena,
	                 &plan->cpus_final, err);
}

int process_apply_priorities(const struct process_plan *plan, pid_t pid, struct error *err)
{
	if (plan->io_priority.set &&
	    sys_ioprio_set(IOPRIO_WHO_PROCESS, pid, (int)plan->io_priority.value) < 0)
		return fail_errno(err, "process.ioPriority", "ioprio_set");
	if (plan->scheduler && sys_sched_setattr(pid, plan->scheduler, 0) < 0)
		return fail_errno(err, "process.scheduler", "sched_setattr");
	return 0;
}
