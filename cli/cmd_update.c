/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/text.h"

#include "command.h"

enum { RESOURCES_LIMIT = 1 << 20 };

struct update_flags {
	const char *resources;
	const char *memory, *memory_swap, *memory_reservation;
	const char *cpu_share, *cpu_period, *cpu_quota, *cpu_burst, *cpu_idle, *cpuset_cpus,
		*cpuset_mems;
	const char *pids_limit, *blkio_weight;
	const char *l3_cache_schema, *mem_bw_schema;
};

#define ROW(name, argument, help, member)                                                          \
	{                                                                                          \
		name, 0, argument, help, TEXT_AT(struct update_flags, member)                      \
	}

static const struct option_row rows[] = {
	{"resources", 'r',      "FILE",      "a linux.resources object; - is stdin",
         TEXT_AT(struct update_flags,						    resources)},
	ROW("memory", "BYTES", "most memory: 512m, 1g, -1 (no limit)", memory),
	ROW("memory-swap", "BYTES", "most memory and swap together", memory_swap),
	ROW("memory-reservation", "BYTES", "memory that is taken from it last", memory_reservation),
	ROW("cpu-share", "N", "share of the CPUs, 2 to 262144", cpu_share),
	ROW("cpu-period", "USEC", "length of a period for the quota", cpu_period),
	ROW("cpu-quota", "USEC", "CPU time in each period", cpu_quota),
	ROW("cpu-burst", "USEC", "unused quota that may be saved up", cpu_burst),
	ROW("cpu-idle", "0|1", "1: run when nobody else wants to", cpu_idle),
	ROW("cpuset-cpus", "LIST", "CPUs it may run on: 0-3,8", cpuset_cpus),
	ROW("cpuset-mems", "LIST", "memory nodes it may use: 0,1", cpuset_mems),
	ROW("pids-limit", "N", "most processes and threads", pids_limit),
	ROW("l3-cache-schema", "TEXT", "lines for the L3 cache, as resctrl has them",
            l3_cache_schema),
	ROW("mem-bw-schema", "TEXT", "the line for memory bandwidth", mem_bw_schema),
	ROW("blkio-weight", "N", "share of block devices, 10 to 1000", blkio_weight),
 /* of cgroup v1 */
	{"kernel-memory",           0,     "BYTES",     "cgroup v2 has no such limit",                                REFUSED},
	{"kernel-memory-tcp",           0, "BYTES", "cgroup v2 has no such limit",                                REFUSED    },
	{"cpu-rt-period",           0,     "USEC",     "cgroup v2 has no such limit",                                 REFUSED},
	{"cpu-rt-runtime",           0,    "USEC",    "cgroup v2 has no such limit",                                 REFUSED     },
};

enum form { BYTES, WHOLE, NATURAL, WORDS };

#define FROM(member) offsetof(struct update_flags, member)
#define TO(member)   offsetof(struct spec_resources, member)

/* Which flag sets what; BYTES and WHOLE may be -1 where nothing bounds them. */
static const struct {
	const char *flag;
	enum form form;
	size_t from, to;
	uint64_t least, most;
} settings[] = {
	{"--memory",             BYTES,   FROM(memory),             TO(memory.limit),       0,  INT64_MAX },
	{"--memory-swap",        BYTES,   FROM(memory_swap),        TO(memory.swap),        0,  INT64_MAX },
	{"--memory-reservation", BYTES,   FROM(memory_reservation), TO(memory.reservation), 0,
         INT64_MAX											},
	{"--cpu-share",          NATURAL, FROM(cpu_share),          TO(cpu.shares),         0,  UINT64_MAX},
	{"--cpu-period",         NATURAL, FROM(cpu_period),         TO(cpu.period),         0,  UINT64_MAX},
	{"--cpu-quota",          WHOLE,   FROM(cpu_quota),          TO(cpu.quota),          0,  INT64_MAX },
	{"--cpu-burst",          NATURAL, FROM(cpu_burst),          TO(cpu.burst),          0,  UINT64_MAX},
	{"--cpu-idle",           WHOLE,   FROM(cpu_idle),           TO(cpu.idle),           0,  1         },
	{"--cpuset-cpus",        WORDS,   FROM(cpuset_cpus),        TO(cpu.cpus),           0,  0         },
	{"--cpuset-mems",        WORDS,   FROM(cpuset_mems),        TO(cpu.mems),           0,  0         },
	{"--pids-limit",         WHOLE,   FROM(pids_limit),         TO(pids_limit),         0,  INT64_MAX },
	{"--l3-cache-schema",    WORDS,   FROM(l3_cache_schema),    TO(l3_cache_schema),    0,  0         },
	{"--mem-bw-schema",      WORDS,   FROM(mem_bw_schema),      TO(mem_bw_schema),      0,  0         },
	{"--blkio-weight",       NATURAL, FROM(blkio_weight),       TO(block_io.weight),    10, 1000      },
};

static bool read_number(const char *text, enum form form, uint64_t *ret, bool *ret_none)
{
	*ret_none = form != NATURAL && strcmp(text, "-1") == 0;
	if (*ret_none)
		return true;
	return form == BYTES ? text_to_size(text, ret) : text_to_u64(text, ret);
}

static bool is_bounded(size_t i)
{
	return settings[i].most < INT64_MAX;
}

static int fail_number(size_t i, const char *text, struct error *err)
{
	static const char *const forms[] = {
		[BYTES] = "is no size: write 512m, 1g or -1",
		[WHOLE] = "is no whole number from -1 on",
		[NATURAL] = "is no whole number from 0 on",
	};
	const char *flag = settings[i].flag;

	if (is_bounded(i))
		return fail(err, ERROR_USAGE, flag, "'%.60s' is no number from %u to %u", text,
		            (unsigned int)settings[i].least, (unsigned int)settings[i].most);
	return fail(err, ERROR_USAGE, flag, "'%.60s' %s", text, forms[settings[i].form]);
}

static int set(const struct update_flags *f, size_t i, struct spec_resources *r, struct error *err)
{
	const char *text = *(const char *const *)((const char *)f + settings[i].from);
	void *to = (char *)r + settings[i].to;
	uint64_t number = 0;
	bool none;

	if (!text)
		return 0;
	r->set = true;
	if (settings[i].form == WORDS) {
		*(const char **)to = text;
		return 0;
	}
	if (!read_number(text, settings[i].form, &number, &none) ||
	    (none ? is_bounded(i) : number < settings[i].least || number > settings[i].most))
		return fail_number(i, text, err);
	if (settings[i].form == NATURAL)
		*(struct maybe_u64 *)to = (struct maybe_u64){true, number};
	else
		*(struct maybe_i64 *)to = (struct maybe_i64){true, none ? -1 : (int64_t)number};
	return 0;
}

static int read_file(const char *path, struct arena *arena, struct spec_resources **ret,
                     struct error *err)
{
	size_t length;
	char *bytes;

	if (fd_read_input(path, RESOURCES_LIMIT, arena, &bytes, &length, err) < 0 ||
	    spec_read_resources(path, bytes, length, arena, ret, err) < 0)
		return error_within(err, "--resources");
	return 0;
}

static int run(struct call *call, struct error *err)
{
	const struct update_flags *f = call->flags;
	owned_container struct container *c = NULL;
	struct spec_resources none = {0};
	struct spec_resources *r = &none;

	if (f->resources && read_file(f->resources, call->arena, &r, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (set(f, i, r, err) < 0)
			return -1;
	if (container_open(call->rt, call->operands[0], true, &c, err) < 0)
		return -1;
	return container_update(c, r, err);
}

const struct command update_command = {
	.name = "update",
	.operands = "CONTAINER",
	.summary = "Change the limits of a container",
	.about = "What is not named stays as it is. All of it is changed, or on an error none.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella update --memory 512m --pids-limit 100 web\n"
		    "cella update --cpu-quota 50000 web          # half a CPU\n"
		    "echo '{\"memory\": {\"limit\": -1}}' | cella update -r - web\n",
	.operands_least = 1,
	.operands_most = 1,
	.flags_size = sizeof(struct update_flags),
	.run = run,
};
