/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "base/text.h"

#include "limits.h"

/* What the rules below have at hand. */
struct planning {
	const struct spec_resources *r;
	const char *controllers;
	struct arena *arena;
	struct cgroup_write *write; /* so far */
	size_t count, room;
	struct error *err;
};

bool limits_has_word(const char *words, const char *word, size_t length)
{
	for (words += strspn(words, " \n"); *words; words += strspn(words, " \n")) {
		size_t here = strcspn(words, " \n");

		if (here == length && memcmp(words, word, length) == 0)
			return true;
		words += here;
	}
	return false;
}

/* A file is its controller's: "memory.max" wants memory; "cgroup.…" is there without any. */
static int check_controller(const struct planning *p, const char *file, const char *member)
{
	size_t length = strcspn(file, ".");

	if (!p->controllers || text_begins(file, "cgroup.") ||
	    limits_has_word(p->controllers, file, length))
		return 0;
	return fail(p->err, ERROR_UNSUPPORTED, member,
	            "this host has no %.*s controller in its cgroup v2 tree", (int)length, file);
}

/* Add one line for one file. Where memory ends arena_check() will tell. */
static int add(struct planning *p, const char *member, const char *file, const char *value,
               enum cgroup_write_kind kind)
{
	if (check_controller(p, file, member) < 0)
		return kind == CGROUP_WRITE_IF_THERE ? 0 : -1;
	if (p->count == p->room)
		return fail(p->err, ERROR_SYSTEM, member, "more limits than were counted");
	p->write[p->count++] =
		(struct cgroup_write){.file = file, .value = value, .member = member, .kind = kind};
	return 0;
}

static const char *amount(struct planning *p, int64_t value)
{
	return value < 0 ? "max" : arena_format(p->arena, "%" PRId64, value);
}

static int add_amount(struct planning *p, const char *member, const char *file,
                      const struct maybe_i64 *limit)
{
	if (!limit->set || limit->value == 0)
		return 0;
	/* where nothing limits, there is no limit */
	return add(p, member, file, amount(p, limit->value),
	           limit->value < 0 ? CGROUP_WRITE_IF_THERE : CGROUP_WRITE_MUST);
}

/* ---- memory ---- */

/* The config counts memory and swap together, v2 counts swap alone. */
static int plan_swap(struct planning *p)
{
	static const char member[] = "linux.resources.memory.swap";
	static const char file[] = "memory.swap.max";
	const struct maybe_i64 *limit = &p->r->memory.limit, *swap = &p->r->memory.swap;

	if (!swap->set || swap->value == 0)
		return limit->set && limit->value == -1
		               ? add(p, member, file, "max", CGROUP_WRITE_IF_THERE)
		               : 0;
	if (swap->value == -1)
		return add(p, member, file, "max", CGROUP_WRITE_IF_THERE);
	if (!limit->set || limit->value <= 0)
		return fail(p->err, ERROR_CONFIG, member,
		            "counts memory and swap together, so it needs memory.limit beside it");
	if (swap->value < limit->value)
		return fail(p->err, ERROR_CONFIG, member,
		            "%" PRId64
		            " is less than memory.limit; it counts memory and swap together",
		            swap->value);
	return add(p, member, file, arena_format(p->arena, "%" PRId64, swap->value - limit->value),
	           swap->value == limit->value ? CGROUP_WRITE_IF_THERE : CGROUP_WRITE_MUST);
}

static int plan_memory(struct planning *p)
{
	const struct maybe_bool *hierarchy = &p->r->memory.use_hierarchy;

	if (hierarchy->set && !hierarchy->value)
		return fail(p->err, ERROR_UNSUPPORTED, "linux.resources.memory.useHierarchy",
		            "cgroup v2 always counts what is below a cgroup with it");
	if (add_amount(p, "linux.resources.memory.limit", "memory.max", &p->r->memory.limit) < 0 ||
	    plan_swap(p) < 0)
		return -1;
	return add_amount(p, "linux.resources.memory.reservation", "memory.low",
	                  &p->r->memory.reservation);
}

/* ---- cpu, pids ---- */

uint64_t limits_cpu_weight(uint64_t shares)
{
	double l;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2((double)shares);
	return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34));
}

/* quota and period are one file; each alone keeps what the other has, as the kernel does it. */
static int plan_bandwidth(struct planning *p)
{
	const struct maybe_i64 *quota = &p->r->cpu.quota;
	const struct maybe_u64 *period = &p->r->cpu.period;
	bool has_quota = quota->set && quota->value != 0;
	bool has_period = period->set && period->value != 0;
	const char *member = has_quota ? "linux.resources.cpu.quota" : "linux.resources.cpu.period";
	const char *value;

	if (!has_quota && !has_period)
		return 0;
	value = has_quota ? amount(p, quota->value) : CGROUP_KEEP;
	/* what was allowed as a burst must fit the quota at each step */
	if (has_quota && p->r->cpu.burst.set && p->r->cpu.burst.value &&
	    add(p, "linux.resources.cpu.burst", "cpu.max.burst", "0", CGROUP_WRITE_IF_THERE) < 0)
		return -1;
	if (has_period)
		value = arena_format(p->arena, "%s %" PRIu64, value, period->value);
	return add(p, member, "cpu.max", value,
	           strcmp(value, "max") == 0 ? CGROUP_WRITE_IF_THERE : CGROUP_WRITE_MUST);
}

static int plan_cpu(struct planning *p)
{
	const struct maybe_u64 *shares = &p->r->cpu.shares, *burst = &p->r->cpu.burst;
	const struct maybe_i64 *idle = &p->r->cpu.idle;

	if (idle->set &&
	    add(p, "linux.resources.cpu.idle", "cpu.idle",
	        arena_format(p->arena, "%" PRId64, idle->value), CGROUP_WRITE_MUST) < 0)
		return -1;
	/* an idle group has no weight */
	if (shares->set && shares->value && !(idle->set && idle->value == 1) &&
	    add(p, "linux.resources.cpu.shares", "cpu.weight",
	        arena_format(p->arena, "%" PRIu64, limits_cpu_weight(shares->value)),
	        CGROUP_WRITE_MUST) < 0)
		return -1;
	if (plan_bandwidth(p) < 0)
		return -1;
	if (burst->set && add(p, "linux.resources.cpu.burst", "cpu.max.burst",
	                      arena_format(p->arena, "%" PRIu64, burst->value),
	                      burst->value ? CGROUP_WRITE_MUST : CGROUP_WRITE_IF_THERE) < 0)
		return -1;
	if (p->r->cpu.cpus && *p->r->cpu.cpus &&
	    add(p, "linux.resources.cpu.cpus", "cpuset.cpus", p->r->cpu.cpus, CGROUP_WRITE_MUST) <
	            0)
		return -1;
	if (p->r->cpu.mems && *p->r->cpu.mems &&
	    add(p, "linux.resources.cpu.mems", "cpuset.mems", p->r->cpu.mems, CGROUP_WRITE_MUST) <
	            0)
		return -1;
	return 0;
}

/* For runtime-spec 1.3 a 0 is a limit as any other. Who writes it means none, though: podman did for "unlimited", and
 * a container that may have no process can't be started. */
static int plan_pids(struct planning *p)
{
	return add_amount(p, "linux.resources.pids.limit", "pids.max", &p->r->pids_limit);
}

/* ---- block devices ---- */

/* 10 to 1000 of the config as 1 to 10000 of io.weight. */
static uint64_t io_weight(uint64_t weight)
{
	return 1 + (weight - 10) * 9999 / 990;
}

/* Two schedulers, two files; the first is there only where BFQ is in use. */
static int add_weight(struct planning *p, const char *member, const char *device, uint64_t weight)
{
	if (add(p, member, "io.bfq.weight", arena_format(p->arena, "%s%" PRIu64, device, weight),
	        CGROUP_WRITE_IF_THERE) < 0)
		return -1;
	return add(p, member, "io.weight",
	           arena_format(p->arena, "%s%" PRIu64, device, io_weight(weight)),
	           CGROUP_WRITE_ELSE);
}

static int plan_weights(struct planning *p)
{
	const block_device_list *devices = &p->r->block_io.weight_device;

	if (p->r->block_io.weight.set && add_weight(p, "linux.resources.blockIO.weight", "default ",
	                                            p->r->block_io.weight.value) < 0)
		return -1;
	for (size_t i = 0; i < devices->count; i++) {
		const struct spec_block_device *d = &devices->item[i];
		const char *member =
			arena_format(p->arena, "linux.resources.blockIO.weightDevice[%zu]", i);

		if (d->leaf_weight.set)
			return fail(p->err, ERROR_UNSUPPORTED, member,
			            "cgroup v2 has no leafWeight");
		if (d->weight.set && add_weight(p, member,
		                                arena_format(p->arena, "%" PRId64 ":%" PRId64 " ",
		                                             d->major, d->minor),
		                                d->weight.value) < 0)
			return -1;
	}
	return 0;
}

static int plan_throttle(struct planning *p, const block_device_list *devices, const char *name,
                         const char *key)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct spec_block_device *d = &devices->item[i];
		const char *member =
			arena_format(p->arena, "linux.resources.blockIO.%s[%zu]", name, i);
		const char *rate = d->rate.set && d->rate.value
		                           ? arena_format(p->arena, "%" PRIu64, d->rate.value)
		                           : "max";

		if (add(p, member, "io.max",
		        arena_format(p->arena, "%" PRId64 ":%" PRId64 " %s=%s", d->major, d->minor,
		                     key, rate),
		        CGROUP_WRITE_MUST) < 0)
			return -1;
	}
	return 0;
}

static int plan_block_io(struct planning *p)
{
	const struct {
		const block_device_list *devices;
		const char *name, *key;
	} throttles[] = {
		{&p->r->block_io.throttle_read_bps,   "throttleReadBpsDevice",   "rbps" },
		{&p->r->block_io.throttle_write_bps,  "throttleWriteBpsDevice",  "wbps" },
		{&p->r->block_io.throttle_read_iops,  "throttleReadIOPSDevice",  "riops"},
		{&p->r->block_io.throttle_write_iops, "throttleWriteIOPSDevice", "wiops"},
	};

	if (plan_weights(p) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(throttles); i++)
		if (plan_throttle(p, throttles[i].devices, throttles[i].name, throttles[i].key) < 0)
			return -1;
	return 0;
}

/* ---- huge pages, rdma ---- */

static int plan_hugepages(struct planning *p)
{
	for (size_t i = 0; i < p->r->hugepage_limits.count; i++) {
		const struct spec_hugepage_limit *l = &p->r->hugepage_limits.item[i];
		const char *member =
			arena_format(p->arena, "linux.resources.hugepageLimits[%zu]", i);
		const char *value = arena_format(p->arena, "%" PRIu64, l->limit);

		if (add(p, member, arena_format(p->arena, "hugetlb.%s.max", l->page_size), value,
		        CGROUP_WRITE_MUST) < 0 ||
		    add(p, member, arena_format(p->arena, "hugetlb.%s.rsvd.max", l->page_size),
		        value, CGROUP_WRITE_IF_THERE) < 0)
			return -1;
	}
	return 0;
}

static const char *rdma_part(struct planning *p, const char *key, const struct maybe_u64 *value)
{
	return value->set ? arena_format(p->arena, " %s=%" PRIu64, key, value->value) : "";
}

static int plan_rdma(struct planning *p)
{
	for (size_t i = 0; i < p->r->rdma.count; i++) {
		const struct spec_rdma *rdma = &p->r->rdma.item[i];
		const char *member =
			arena_format(p->arena, "linux.resources.rdma[\"%s\"]", rdma->device);

		if (add(p, member, "rdma.max",
		        arena_format(p->arena, "%s%s%s", rdma->device,
		                     rdma_part(p, "hca_handle", &rdma->handles),
		                     rdma_part(p, "hca_object", &rdma->objects)),
		        CGROUP_WRITE_MUST) < 0)
			return -1;
	}
	return 0;
}

/* ---- any file ---- */

/* Files that are no limits: what is written to them is done to the processes, or changes the tree in which the
 * container has its place. A child that is frozen while it is made would never come to an end. */
static const struct {
	const char *file, *instead;
} orders[] = {
	{"cgroup.freeze",          "'cella pause' freezes a container"                        },
	{"cgroup.kill",            "'cella kill --all' ends its processes"                    },
	{"cgroup.procs",           "'cella exec' puts a process into it"                      },
	{"cgroup.threads",         "'cella exec' puts a process into it"                      },
	{"cgroup.type",            "a container's cgroup is a domain"                         },
	{"cgroup.subtree_control", "what is in the container divides a cgroup that is its own"},
};

static int refuse_order(const struct planning *p, const char *file, const char *member)
{
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (strcmp(file, orders[i].file) == 0)
			return fail(p->err, ERROR_CONFIG, member, "is no limit: %s",
			            orders[i].instead);
	return 0;
}

/* A line at a time: the kernel reads no further than the first. */
static int plan_unified(struct planning *p)
{
	for (size_t i = 0; i < p->r->unified.count; i++) {
		const struct key_value *item = &p->r->unified.item[i];
		const char *member =
			arena_format(p->arena, "linux.resources.unified[\"%s\"]", item->key);
		const char *line = item->value;

		if (!strchr(item->key, '.'))
			return fail(p->err, ERROR_CONFIG, member,
			            "expected a file of a cgroup, such as memory.high");
		if (refuse_order(p, item->key, member) < 0)
			return -1;
		do {
			size_t length = strcspn(line, "\n");

			if (add(p, member, item->key, arena_text_n(p->arena, line, length),
			        CGROUP_WRITE_MUST) < 0)
				return -1;
			line += length + (line[length] == '\n');
		} while (*line);
	}
	return 0;
}

/* ---- what v2 can't ---- */

#define AT(member) offsetof(struct spec_resources, member)

enum form { I64, U64, TRUTH, LIST_OF };

/* How every LIST() begins. */
typedef LIST(const void) any_list;

static const struct {
	const char *path;
	enum form form;
	size_t offset;
} foreign[] = {
	{"memory.kernel",           I64,     AT(memory.kernel)            },
	{"memory.kernelTCP",        I64,     AT(memory.kernel_tcp)        },
	{"memory.swappiness",       U64,     AT(memory.swappiness)        },
	{"memory.disableOOMKiller", TRUTH,   AT(memory.disable_oom_killer)},
	{"cpu.realtimeRuntime",     I64,     AT(cpu.realtime_runtime)     },
	{"cpu.realtimePeriod",      U64,     AT(cpu.realtime_period)      },
	{"blockIO.leafWeight",      U64,     AT(block_io.leaf_weight)     },
	{"network.classID",         U64,     AT(network.class_id)         },
	{"network.priorities",      LIST_OF, AT(network.priorities)       },
};

static bool is_set(const struct spec_resources *resources, enum form form, size_t offset)
{
	const void *member = (const char *)resources + offset;
	const struct maybe_i64 *i64 = member;
	const struct maybe_u64 *u64 = member;
	const struct maybe_bool *truth = member;
	const any_list *list = member;

	switch (form) {
	case I64:
		return i64->set && i64->value != 0 && i64->value != -1;
	case U64:
		return u64->set && u64->value != 0;
	case TRUTH:
		return truth->set && truth->value;
	case LIST_OF:
		return list->count > 0;
	}
	return false;
}

static int refuse_foreign(struct planning *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		char path[96];

		if (!is_set(p->r, foreign[i].form, foreign[i].offset))
			continue;
		(void)snprintf(path, sizeof(path), "linux.resources.%s", foreign[i].path);
		return fail(p->err, ERROR_UNSUPPORTED, path, "cgroup v2 has no such limit");
	}
	return 0;
}

/* The most lines that the rules above can make of it. */
static size_t room_for(const struct spec_resources *r)
{
	enum { SINGLE = 16 };
	size_t room = SINGLE + 2 * r->block_io.weight_device.count +
	              r->block_io.throttle_read_bps.count + r->block_io.throttle_write_bps.count +
	              r->block_io.throttle_read_iops.count + r->block_io.throttle_write_iops.count +
	              2 * r->hugepage_limits.count + r->rdma.count;

	for (size_t i = 0; i < r->unified.count; i++) {
		room++;
		for (const char *c = r->unified.item[i].value; *c; c++)
			room += *c == '\n';
	}
	return room;
}

int limits_plan(const struct spec_resources *resources, const char *controllers,
                struct arena *arena, struct cgroup_writes *ret_writes, struct error *err)
{
	/* The order in which they are written; unified is the last word. */
	static int (*const parts[])(struct planning *) = {
		refuse_foreign, plan_memory,    plan_cpu,  plan_pids,
		plan_block_io,  plan_hugepages, plan_rdma, plan_unified,
	};
	struct planning p = {.r = resources,
	                     .controllers = controllers,
	                     .arena = arena,
	                     .err = err};

	*ret_writes = (struct cgroup_writes){0};
	if (!resources->set)
		return 0;
	p.room = room_for(resources);
	p.write = arena_alloc(arena, p.room, sizeof(*p.write));
	if (!p.write)
		return arena_check(arena, err);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i](&p) < 0)
			return -1;
	ret_writes->item = p.write;
	ret_writes->count = p.count;
	return arena_check(arena, err);
}
