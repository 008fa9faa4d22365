/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "base/table.h"

#include "report.h"
#include "usage.h"

static const char *const heading[] = {"ID",    "STATUS", "PID",     "CPU %",   "MEMORY",
                                      "LIMIT", "PIDS",   "IO READ", "IO WRITE"};

enum { CELL_SIZE = 32, LEAST_WIDTH = 8 };

/* "512B", "1.5K", "12.0M": rounded down. */
static void format_bytes(char *cell, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	const char *unit = units;

	if (bytes < 1024) {
		(void)snprintf(cell, CELL_SIZE, "%" PRIu64 "B", bytes);
		return;
	}
	for (; bytes >= UINT64_C(1024) * 1024; bytes /= 1024)
		unit++;
	(void)snprintf(cell, CELL_SIZE, "%" PRIu64 ".%" PRIu64 "%c", bytes / 1024,
	               bytes % 1024 * 10 / 1024, *unit);
}

static void add_bytes(struct report *report, bool set, uint64_t bytes)
{
	char cell[CELL_SIZE] = "-";

	if (set && bytes != STATS_NO_LIMIT)
		format_bytes(cell, bytes);
	report_add(report, cell);
}

static void add_number(struct report *report, bool set, uint64_t number)
{
	char cell[CELL_SIZE] = "-";

	if (set)
		(void)snprintf(cell, sizeof(cell), "%" PRIu64, number);
	report_add(report, cell);
}

static void format_tenths(char *cell, uint64_t tenths)
{
	(void)snprintf(cell, CELL_SIZE, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

uint64_t usage_moved(const struct usage *usage, const char *operation)
{
	const struct io_counts *bytes = &usage->stats.io.bytes;
	uint64_t sum = 0;

	for (size_t i = 0; i < bytes->count; i++)
		if (strcmp(bytes->item[i].operation, operation) == 0)
			sum += bytes->item[i].value;
	return sum;
}

static void add_row(struct report *report, const struct usage *usage)
{
	const struct stats *stats = &usage->stats;
	char cpu[CELL_SIZE] = "-";

	if (usage->has_cpu)
		format_tenths(cpu, usage->cpu);
	report_add(report, usage->id);
	report_add(report, container_status_names[usage->status]);
	add_number(report, true, (uint64_t)usage->pid);
	report_add(report, cpu);
	add_bytes(report, stats->memory.set, stats->memory.usage);
	add_bytes(report, stats->memory.set, stats->memory.limit);
	add_number(report, usage->has_processes, usage->processes);
	add_bytes(report, stats->io.set, usage_moved(usage, "Read"));
	add_bytes(report, stats->io.set, usage_moved(usage, "Write"));
}

int usages_table(const struct usages *usages, struct text *out, struct error *err)
{
	struct report report = {
		.arena = usages->arena,
		.columns = ARRAY_SIZE(heading),
		.least_width = LEAST_WIDTH,
	};

	for (size_t i = 0; i < report.columns; i++)
		report_add(&report, heading[i]);
	for (size_t i = 0; i < usages->count; i++)
		add_row(&report, &usages->item[i]);
	return report_print(&report, out, err);
}

static void add_object(struct json_writer *w, const struct usage *usage)
{
	const struct stats *stats = &usage->stats;
	char cpu[CELL_SIZE];

	format_tenths(cpu, usage->cpu);
	json_open(w, NULL, '{');
	json_text(w, "id", usage->id);
	json_text(w, "status", container_status_names[usage->status]);
	json_i64(w, "pid", usage->pid);
	if (usage->has_cpu)
		json_raw(w, "cpuPercent", cpu);
	if (stats->memory.set)
		json_u64(w, "memory", stats->memory.usage);
	if (stats->memory.set && stats->memory.limit != STATS_NO_LIMIT)
		json_u64(w, "memoryLimit", stats->memory.limit);
	if (usage->has_processes)
		json_u64(w, "pids", usage->processes);
	if (stats->io.set) {
		json_u64(w, "ioRead", usage_moved(usage, "Read"));
		json_u64(w, "ioWrite", usage_moved(usage, "Write"));
	}
	json_close(w);
}

void usages_json(const struct usages *usages, struct text *out)
{
	struct json_writer w = {.out = out, .indent = 2};

	json_open(&w, NULL, '[');
	for (size_t i = 0; i < usages->count; i++)
		add_object(&w, &usages->item[i]);
	json_close(&w);
	text_append(out, "\n");
}
