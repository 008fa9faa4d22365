/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "usage.h"

enum { USAGES_BYTES_LIMIT = 256 << 20, TENTHS = 1000 };

void usages_free(struct usages *usages)
{
	arena_free(usages->arena);
	*usages = (struct usages){0};
}

static bool lives(enum container_status status)
{
	return status == STATUS_CREATED || status == STATUS_RUNNING || status == STATUS_PAUSED;
}

/* Returns  false when there is nothing to be counted, or it has gone. */
static bool count_processes(struct container *c, struct usage *usage)
{
	struct error err;
	size_t count;
	pid_t *pids;

	usage->processes = usage->stats.pids.current;
	if (usage->stats.pids.set)
		return true;
	if (container_processes(c, &pids, &count, &err) < 0)
		return false;
	usage->processes = count;
	return true;
}

/* A container without a cgroup, or of an executor that can't measure, is there all the same.
 * Returns  1, 0 when it is gone, or -1 and *err. */
static int measure(struct container *c, struct arena *arena, struct usage *usage, struct error *err)
{
	usage->when = (uint64_t)clock_ns();
	if (container_stats(c, arena, &usage->stats, err) == 0) {
		usage->has_processes = count_processes(c, usage);
		return 1;
	}
	usage->stats = (struct stats){0};
	if (err->errnum == ENOENT || err->errnum == ENODEV)
		return 0;
	return err->kind == ERROR_UNSUPPORTED ? 1 : -1;
}

/* Returns  whether ret is filled. */
static bool take(const struct runtime *rt, const char *id, struct arena *arena, struct usage *ret)
{
	owned_container struct container *c = NULL;
	struct error err;
	int found;

	if (container_open(rt, id, false, &c, &err) < 0) {
		if (err.errnum != ENOENT) /* else it has gone meanwhile, or is not yet made */
			log_dropped("while measuring", &err);
		return false;
	}
	if (!lives(c->state.status))
		return false;
	*ret = (struct usage){
		.id = id,
		.status = c->state.status,
		.pid = c->state.pid,
		.start_time = c->state.start_time,
	};
	found = measure(c, arena, ret, &err);
	if (found < 0)
		log_dropped("while measuring", &err);
	return found > 0;
}

int usages_take(const struct runtime *rt, struct usages *ret, struct error *err)
{
	const char **ids = NULL;
	size_t count = 0;

	*ret = (struct usages){.arena = arena_new(USAGES_BYTES_LIMIT)};
	if (!ret->arena)
		return fail(err, ERROR_SYSTEM, "containers", "out of memory");
	if (container_list(rt, ret->arena, &ids, &count, err) < 0)
		return -1;
	ret->item = arena_alloc(ret->arena, count + 1, sizeof(*ret->item));
	for (size_t i = 0; ret->item && i < count; i++)
		ret->count += take(rt, ids[i], ret->arena, &ret->item[ret->count]);
	return arena_check(ret->arena, err);
}

/* ---- comparing ---- */

static int by_id(const void *a, const void *b)
{
	const struct usage *left = a;
	const struct usage *right = b;

	return strcmp(left->id, right->id);
}

static void compare(struct usage *now, const struct usage *before)
{
	uint64_t used, time;

	if (!before || !now->stats.cpu.set || !before->stats.cpu.set || now->pid != before->pid ||
	    now->start_time != before->start_time || now->when <= before->when ||
	    now->stats.cpu.total < before->stats.cpu.total)
		return;
	used = now->stats.cpu.total - before->stats.cpu.total;
	time = now->when - before->when;
	now->has_cpu = true;
	now->cpu = (uint64_t)((unsigned __int128)used * TENTHS / time);
}

void usages_compare(struct usages *now, const struct usages *before)
{
	for (size_t i = 0; i < now->count && before->count; i++)
		compare(&now->item[i], bsearch(&now->item[i], before->item, before->count,
		                               sizeof(*before->item), by_id));
}

/* ---- sorting ---- */

/* Those that are not measured come last. */
static int descending(bool a_set, uint64_t a, bool b_set, uint64_t b)
{
	if (a_set != b_set)
		return a_set ? -1 : 1;
	return !a_set || a == b ? 0 : a > b ? -1 : 1;
}

static int by_cpu(const void *a, const void *b)
{
	const struct usage *left = a;
	const struct usage *right = b;
	int order = descending(left->has_cpu, left->cpu, right->has_cpu, right->cpu);

	return order ? order : by_id(a, b);
}

static int by_memory(const void *a, const void *b)
{
	const struct usage *left = a;
	const struct usage *right = b;
	int order = descending(left->stats.memory.set, left->stats.memory.usage,
	                       right->stats.memory.set, right->stats.memory.usage);

	return order ? order : by_id(a, b);
}

void usages_sort(struct usages *usages, enum usage_order order)
{
	static int (*const orders[ORDERS])(const void *, const void *) = {
		[ORDER_ID] = by_id,
		[ORDER_CPU] = by_cpu,
		[ORDER_MEMORY] = by_memory,
	};

	if (usages->count)
		qsort(usages->item, usages->count, sizeof(*usages->item), orders[order]);
}
