/* SPDX-License-Identifier: Apache-2.0 */
#include <metrics.pb-c.h>
#include <string.h>
#include <task.pb-c.h>

#include "codec.h"
#include "metrics.h"

enum { NANOSECONDS = 1000 };

/* Members of a message that are called as the kernel calls them. */
static void copy_counters(const struct counters *counters, ProtobufCMessage *to)
{
	for (unsigned int i = 0; i < to->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &to->descriptor->fields[i];
		const uint64_t *value = counters_find(counters, field->name);

		if (value && field->type == PROTOBUF_C_TYPE_UINT64)
			memcpy((char *)to + field->offset, value, sizeof(*value));
	}
}

static void fill_cpu(const struct stats *s, Pb__CPUStat *cpu, Pb__Metrics *m)
{
	if (!s->cpu.set)
		return;
	cpu->usage_usec = s->cpu.total / NANOSECONDS;
	cpu->user_usec = s->cpu.user / NANOSECONDS;
	cpu->system_usec = s->cpu.kernel / NANOSECONDS;
	cpu->nr_periods = s->cpu.throttling.periods;
	cpu->nr_throttled = s->cpu.throttling.throttled_periods;
	cpu->throttled_usec = s->cpu.throttling.throttled_time / NANOSECONDS;
	m->cpu = cpu;
}

static void fill_memory(const struct stats *s, Pb__MemoryStat *memory, Pb__MemoryEvents *events,
                        Pb__Metrics *m)
{
	if (!s->memory.set)
		return;
	copy_counters(&s->memory.raw, &memory->base);
	copy_counters(&s->memory.events, &events->base);
	memory->usage = s->memory.usage;
	memory->usage_limit = s->memory.limit;
	memory->swap_usage = s->memory.swap.usage;
	memory->swap_limit = s->memory.swap.limit;
	m->memory = memory;
	m->memory_events = events;
}

/* A number of a device goes where it stands in the message: by its operation. */
static void add_io(const struct io_counts *counts, size_t read_at, size_t write_at, Pb__IOStat *io)
{
	for (size_t i = 0; i < counts->count; i++) {
		const struct io_count *c = &counts->item[i];
		Pb__IOEntry *entry = NULL;
		size_t at = strcmp(c->operation, "Read") == 0    ? read_at
		            : strcmp(c->operation, "Write") == 0 ? write_at
		                                                 : 0;

		for (size_t j = 0; j < io->n_usage; j++)
			if (io->usage[j]->major == c->major && io->usage[j]->minor == c->minor)
				entry = io->usage[j];
		if (!entry) {
			entry = io->usage[io->n_usage++];
			entry->major = c->major;
			entry->minor = c->minor;
		}
		if (at)
			memcpy((char *)entry + at, &c->value, sizeof(c->value));
	}
}

static int fill_io(const struct stats *s, struct arena *arena, Pb__IOStat *io, Pb__Metrics *m,
                   struct error *err)
{
	size_t most = s->io.bytes.count + s->io.requests.count + 1;
	Pb__IOEntry *entries = arena_alloc(arena, most, sizeof(*entries));

	io->usage = arena_alloc(arena, most, sizeof(Pb__IOEntry *));
	if (!entries || !io->usage)
		return arena_check(arena, err);
	for (size_t i = 0; i < most; i++) {
		pb__ioentry__init(&entries[i]);
		io->usage[i] = &entries[i];
	}
	add_io(&s->io.bytes, offsetof(Pb__IOEntry, rbytes), offsetof(Pb__IOEntry, wbytes), io);
	add_io(&s->io.requests, offsetof(Pb__IOEntry, rios), offsetof(Pb__IOEntry, wios), io);
	m->io = io;
	return 0;
}

static int fill_huge(const struct stats *s, struct arena *arena, Pb__Metrics *m, struct error *err)
{
	size_t count = s->hugetlb.count;
	Pb__HugeTlbStat *huge = arena_alloc(arena, count + 1, sizeof(*huge));

	m->hugetlb = arena_alloc(arena, count + 1, sizeof(Pb__HugeTlbStat *));
	if (!huge || !m->hugetlb)
		return arena_check(arena, err);
	for (size_t i = 0; i < count; i++) {
		pb__huge_tlb_stat__init(&huge[i]);
		huge[i].current = s->hugetlb.item[i].usage;
		huge[i].pagesize = codec_text(s->hugetlb.item[i].page_size);
		m->hugetlb[i] = &huge[i];
	}
	m->n_hugetlb = count;
	return 0;
}

static void wrap(const Pb__Metrics *m, struct text *out)
{
	Pb__StatsResponse response = PB__STATS_RESPONSE__INIT;
	Pb__Any any = PB__ANY__INIT;
	owned_text struct text bytes = {0};

	codec_pack(&m->base, &bytes);
	any.type_url = codec_text("io.containerd.cgroups.v2.Metrics");
	any.value = codec_bytes(&bytes);
	response.stats = &any;
	codec_pack(&response.base, out);
}

int metrics_pack(const struct stats *stats, struct arena *arena, struct text *out,
                 struct error *err)
{
	Pb__Metrics m = PB__METRICS__INIT;
	Pb__PidsStat pids = PB__PIDS_STAT__INIT;
	Pb__CPUStat cpu = PB__CPUSTAT__INIT;
	Pb__MemoryStat memory = PB__MEMORY_STAT__INIT;
	Pb__MemoryEvents events = PB__MEMORY_EVENTS__INIT;
	Pb__IOStat io = PB__IOSTAT__INIT;

	if (stats->pids.set) {
		pids.current = stats->pids.current;
		pids.limit = stats->pids.limit == STATS_NO_LIMIT ? 0 : stats->pids.limit;
		m.pids = &pids;
	}
	fill_cpu(stats, &cpu, &m);
	fill_memory(stats, &memory, &events, &m);
	if (stats->io.set && fill_io(stats, arena, &io, &m, err) < 0)
		return -1;
	if (fill_huge(stats, arena, &m, err) < 0)
		return -1;
	wrap(&m, out);
	return text_check(out, err);
}
