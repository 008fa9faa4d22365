/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "cgroups.h"
#include "lines.h"
#include "tree.h"

enum { SIZE_SIZE = 24, NAME_SIZE = 64 };

/* What is read from where to where. */
struct reader {
	int dir;
	struct arena *arena;
	struct stats *stats;
};

static int lack(struct error *err, const char *file, const char *key)
{
	return fail(err, ERROR_SYSTEM, file, "has no '%s' and a number behind it", key);
}

/* Microseconds as nanoseconds. */
static int take_time(const struct counters *from, const char *key, uint64_t *ret, struct error *err)
{
	const uint64_t *value = counters_find(from, key);

	if (!value)
		return lack(err, "cpu.stat", key);
	if (__builtin_mul_overflow(*value, (uint64_t)1000, ret))
		return fail(err, ERROR_SYSTEM, "cpu.stat", "%s is out of range", key);
	return 0;
}

static int read_cpu(const struct reader *r, struct error *err)
{
	struct stats *stats = r->stats;
	struct counters counters = {0};
	const uint64_t *periods, *throttled;
	int there = lines_counters(r->dir, "cpu.stat", r->arena, &counters, err);

	if (there <= 0)
		return there;
	if (take_time(&counters, "usage_usec", &stats->cpu.total, err) < 0 ||
	    take_time(&counters, "user_usec", &stats->cpu.user, err) < 0 ||
	    take_time(&counters, "system_usec", &stats->cpu.kernel, err) < 0)
		return -1;
	stats->cpu.set = true;
	periods = counters_find(&counters, "nr_periods");
	throttled = counters_find(&counters, "nr_throttled");
	if (periods) { /* only where the controller is on */
		if (!throttled)
			return lack(err, "cpu.stat", "nr_throttled");
		stats->cpu.throttling.set = true;
		stats->cpu.throttling.periods = *periods;
		stats->cpu.throttling.throttled_periods = *throttled;
		if (take_time(&counters, "throttled_usec", &stats->cpu.throttling.throttled_time,
		              err) < 0)
			return -1;
	}
	return lines_pressure(r->dir, "cpu.pressure", r->arena, &stats->cpu.pressure, err);
}

/* A kernel may have been told not to count swap. */
static int read_swap(const struct reader *r, struct error *err)
{
	struct stats *stats = r->stats;
	struct counters events = {0};
	const uint64_t *hits;
	int there = lines_number(r->dir, "memory.swap.current", r->arena, &stats->memory.swap.usage,
	                         err);

	if (there <= 0)
		return there;
	stats->memory.swap.set = true;
	stats->memory.swap.limit = STATS_NO_LIMIT;
	if (lines_number(r->dir, "memory.swap.max", r->arena, &stats->memory.swap.limit, err) < 0 ||
	    lines_counters(r->dir, "memory.swap.events", r->arena, &events, err) < 0)
		return -1;
	hits = counters_find(&events, "max");
	stats->memory.swap.limit_hits = hits ? *hits : 0;
	return 0;
}

static int read_memory(const struct reader *r, struct error *err)
{
	struct stats *stats = r->stats;
	int there = lines_number(r->dir, "memory.current", r->arena, &stats->memory.usage, err);

	if (there <= 0)
		return there;
	stats->memory.set = true;
	stats->memory.limit = STATS_NO_LIMIT;
	if (lines_number(r->dir, "memory.max", r->arena, &stats->memory.limit, err) < 0 ||
	    lines_number(r->dir, "memory.peak", r->arena, &stats->memory.peak, err) < 0 ||
	    lines_counters(r->dir, "memory.stat", r->arena, &stats->memory.raw, err) < 0 ||
	    lines_counters(r->dir, "memory.events", r->arena, &stats->memory.events, err) < 0 ||
	    read_swap(r, err) < 0)
		return -1;
	return lines_pressure(r->dir, "memory.pressure", r->arena, &stats->memory.pressure, err);
}

static int read_pids(const struct reader *r, struct error *err)
{
	struct stats *stats = r->stats;
	int there = lines_number(r->dir, "pids.current", r->arena, &stats->pids.current, err);

	if (there <= 0)
		return there;
	stats->pids.set = true;
	stats->pids.limit = STATS_NO_LIMIT;
	return lines_number(r->dir, "pids.max", r->arena, &stats->pids.limit, err);
}

static int read_io(const struct reader *r, struct error *err)
{
	struct stats *stats = r->stats;
	int there =
		lines_io(r->dir, "io.stat", r->arena, &stats->io.bytes, &stats->io.requests, err);

	if (there <= 0)
		return there;
	stats->io.set = true;
	return lines_pressure(r->dir, "io.pressure", r->arena, &stats->io.pressure, err);
}

/* ---- hugetlb: a set of files for each size of page ---- */

/* The "2MB" of "hugetlb.2MB.current"; false for other files ("hugetlb.2MB.rsvd.current" too). */
static bool page_size(const char *file, char size[SIZE_SIZE])
{
	static const char before[] = "hugetlb.";
	const char *from = file + strlen(before);
	size_t length;

	if (!text_begins(file, before))
		return false;
	length = strcspn(from, ".");
	if (length == 0 || length >= SIZE_SIZE || strcmp(from + length, ".current") != 0)
		return false;
	memcpy(size, from, length);
	size[length] = '\0';
	return true;
}

static int read_pages(const struct reader *r, const char size[SIZE_SIZE], struct hugetlb_use *use,
                      struct error *err)
{
	struct counters events = {0};
	char file[NAME_SIZE];
	const uint64_t *hits;

	(void)snprintf(file, sizeof(file), "hugetlb.%.23s.current", size);
	if (lines_number(r->dir, file, r->arena, &use->usage, err) < 0)
		return -1;
	(void)snprintf(file, sizeof(file), "hugetlb.%.23s.events", size);
	if (lines_counters(r->dir, file, r->arena, &events, err) < 0)
		return -1;
	hits = counters_find(&events, "max");
	use->limit_hits = hits ? *hits : 0;
	use->page_size = arena_text(r->arena, size);
	return use->page_size ? 0 : arena_check(r->arena, err);
}

static int read_hugetlb(const struct reader *r, struct error *err)
{
	enum { SIZES_MOST = 16 }; /* no machine has more sizes of pages */
	struct stats *stats = r->stats;
	owned_list list = tree_list(r->dir);
	const struct dirent *entry;
	char size[SIZE_SIZE];

	if (!list)
		return fail_errno(err, "cgroup", "open");
	while ((entry = readdir(list))) {
		if (entry->d_type == DT_DIR || !page_size(entry->d_name, size) ||
		    stats->hugetlb.count == SIZES_MOST)
			continue;
		if (!stats->hugetlb.item)
			stats->hugetlb.item =
				arena_alloc(r->arena, SIZES_MOST, sizeof(*stats->hugetlb.item));
		if (!stats->hugetlb.item)
			return arena_check(r->arena, err);
		if (read_pages(r, size, &stats->hugetlb.item[stats->hugetlb.count++], err) < 0)
			return -1;
	}
	return 0;
}

int cgroup_stats(int dir, struct arena *arena, struct stats *ret, struct error *err)
{
	static int (*const parts[])(const struct reader *, struct error *) = {
		read_cpu, read_memory, read_pids, read_io, read_hugetlb,
	};
	const struct reader r = {.dir = dir, .arena = arena, .stats = ret};

	*ret = (struct stats){0};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i](&r, err) < 0)
			return -1;
	/* its files go one by one when it goes: then what was not there says nothing */
	if (faccessat(dir, "cgroup.procs", F_OK, 0) < 0)
		return fail_errno(err, "cgroup.procs", "access");
	return 0;
}
