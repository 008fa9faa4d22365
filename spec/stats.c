/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "spec.h"

const uint64_t *counters_find(const struct counters *counters, const char *name)
{
	for (size_t i = 0; i < counters->count; i++)
		if (strcmp(counters->item[i].name, name) == 0)
			return &counters->item[i].value;
	return NULL;
}

static uint64_t find_or_zero(const struct counters *counters, const char *name)
{
	const uint64_t *value = counters_find(counters, name);

	return value ? *value : 0;
}

/* ---- parts of parts ---- */

static void write_percent(struct json_writer *w, const char *key, uint32_t hundredths)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%" PRIu32 ".%02" PRIu32, hundredths / 100,
	               hundredths % 100);
	json_raw(w, key, number);
}

static void write_share(struct json_writer *w, const char *key, const struct pressure_share *share)
{
	if (!share->set)
		return;
	json_open(w, key, '{');
	write_percent(w, "avg10", share->avg10);
	write_percent(w, "avg60", share->avg60);
	write_percent(w, "avg300", share->avg300);
	json_u64(w, "total", share->total);
	json_close(w);
}

static void write_pressure(struct json_writer *w, const struct pressure *pressure)
{
	if (!pressure->some.set && !pressure->full.set)
		return;
	json_open(w, "psi", '{');
	write_share(w, "some", &pressure->some);
	write_share(w, "full", &pressure->full);
	json_close(w);
}

static void write_counters(struct json_writer *w, const char *key, const struct counters *counters)
{
	json_open(w, key, '{');
	for (size_t i = 0; i < counters->count; i++)
		json_u64(w, counters->item[i].name, counters->item[i].value);
	json_close(w);
}

static void write_io(struct json_writer *w, const char *key, const struct io_counts *counts)
{
	if (counts->count == 0)
		return;
	json_open(w, key, '[');
	for (size_t i = 0; i < counts->count; i++) {
		json_open(w, NULL, '{');
		json_u64(w, "major", counts->item[i].major);
		json_u64(w, "minor", counts->item[i].minor);
		json_text(w, "op", counts->item[i].operation);
		json_u64(w, "value", counts->item[i].value);
		json_close(w);
	}
	json_close(w);
}

/* runc's entry of a kind of memory; a peak of 0 is one that nobody counts. */
struct entry {
	uint64_t limit, usage, peak, limit_hits;
};

static void write_entry(struct json_writer *w, const char *key, struct entry entry)
{
	json_open(w, key, '{');
	json_u64(w, "limit", entry.limit);
	json_u64(w, "usage", entry.usage);
	if (entry.peak)
		json_u64(w, "max", entry.peak);
	json_u64(w, "failcnt", entry.limit_hits);
	json_close(w);
}

/* ---- parts ---- */

static void write_cpu(struct json_writer *w, const struct stats *stats)
{
	if (!stats->cpu.set)
		return;
	json_open(w, "cpu", '{');
	json_open(w, "usage", '{');
	json_u64(w, "total", stats->cpu.total);
	json_u64(w, "kernel", stats->cpu.kernel);
	json_u64(w, "user", stats->cpu.user);
	json_close(w);
	if (stats->cpu.throttling.set) {
		json_open(w, "throttling", '{');
		json_u64(w, "periods", stats->cpu.throttling.periods);
		json_u64(w, "throttledPeriods", stats->cpu.throttling.throttled_periods);
		json_u64(w, "throttledTime", stats->cpu.throttling.throttled_time);
		json_close(w);
	}
	write_pressure(w, &stats->cpu.pressure);
	json_close(w);
}

/* v1 counted memory and swap together, and so is it read by those who read runc's. */
static struct entry with_swap(const struct stats *stats)
{
	struct entry both = {.limit_hits = stats->memory.swap.limit_hits};

	if (__builtin_add_overflow(stats->memory.limit, stats->memory.swap.limit, &both.limit))
		both.limit = STATS_NO_LIMIT;
	if (__builtin_add_overflow(stats->memory.usage, stats->memory.swap.usage, &both.usage))
		both.usage = UINT64_MAX;
	return both;
}

static void write_memory(struct json_writer *w, const struct stats *stats)
{
	const struct counters *raw = &stats->memory.raw;

	if (!stats->memory.set)
		return;
	json_open(w, "memory", '{');
	json_u64(w, "cache", find_or_zero(raw, "file"));
	write_entry(w, "usage",
	            (struct entry){
			    .limit = stats->memory.limit,
			    .usage = stats->memory.usage,
			    .peak = stats->memory.peak,
			    .limit_hits = find_or_zero(&stats->memory.events, "max"),
		    });
	if (stats->memory.swap.set)
		write_entry(w, "swap", with_swap(stats));
	/* v2 has no limits of their own for these: 0, as runc says it */
	write_entry(w, "kernel", (struct entry){.usage = find_or_zero(raw, "kernel")});
	write_entry(w, "kernelTCP", (struct entry){.usage = find_or_zero(raw, "sock")});
	write_counters(w, "raw", raw);
	write_counters(w, "event_count", &stats->memory.events);
	write_pressure(w, &stats->memory.pressure);
	json_close(w);
}

static void write_pids(struct json_writer *w, const struct stats *stats)
{
	if (!stats->pids.set)
		return;
	json_open(w, "pids", '{');
	json_u64(w, "current", stats->pids.current);
	if (stats->pids.limit != STATS_NO_LIMIT)
		json_u64(w, "limit", stats->pids.limit);
	json_close(w);
}

static void write_blkio(struct json_writer *w, const struct stats *stats)
{
	if (!stats->io.set)
		return;
	json_open(w, "blkio", '{');
	write_io(w, "ioServiceBytesRecursive", &stats->io.bytes);
	write_io(w, "ioServicedRecursive", &stats->io.requests);
	write_pressure(w, &stats->io.pressure);
	json_close(w);
}

static void write_hugetlb(struct json_writer *w, const struct stats *stats)
{
	if (stats->hugetlb.count == 0)
		return;
	json_open(w, "hugetlb", '{');
	for (size_t i = 0; i < stats->hugetlb.count; i++) {
		json_open(w, stats->hugetlb.item[i].page_size, '{');
		json_u64(w, "usage", stats->hugetlb.item[i].usage);
		json_u64(w, "failcnt", stats->hugetlb.item[i].limit_hits); /* v2 has no peak */
		json_close(w);
	}
	json_close(w);
}

void stats_write(struct json_writer *w, const char *key, const struct stats *stats)
{
	json_open(w, key, '{');
	write_cpu(w, stats);
	write_memory(w, stats);
	write_pids(w, stats);
	write_blkio(w, stats);
	write_hugetlb(w, stats);
	json_open(w, "intel_rdt", '{');
	json_close(w);
	json_close(w);
}
