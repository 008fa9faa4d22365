/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPEC_STATS_H
#define SPEC_STATS_H

/* What a container uses. Public through spec/spec.h; a file of its own for its length. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json_write.h"

struct json;

/* A limit that is none. */
#define STATS_NO_LIMIT UINT64_MAX

/* How much of the time some or all processes stood and waited. Spec: Linux accounting/psi.rst. */
struct pressure_share {
	bool set;
	uint32_t avg10, avg60, avg300; /* hundredths of a percent */
	uint64_t total;                /* microseconds */
};
struct pressure {
	struct pressure_share some, full;
};

struct counter {
	const char *name;
	uint64_t value;
};
struct counters {
	struct counter *item;
	size_t count;
};

/* Its value, or NULL where it is not counted. */
const uint64_t *counters_find(const struct counters *counters, const char *name);

struct io_count {
	uint64_t major, minor;
	const char *operation; /* "Read", "Write", "Discard" */
	uint64_t value;
};
struct io_counts {
	struct io_count *item;
	size_t count;
};

struct hugetlb_use {
	const char *page_size; /* "2MB" */
	uint64_t usage, limit_hits;
};

/* Bytes, nanoseconds. A part is not set where its controller is off. */
struct stats {
	struct {
		bool set;
		uint64_t total, user, kernel;
		struct {
			bool set;
			uint64_t periods, throttled_periods, throttled_time;
		} throttling;
		struct pressure pressure;
	} cpu;
	struct {
		bool set;
		uint64_t usage, limit;
		uint64_t peak; /* 0: this kernel does not say */
		struct {
			bool set;
			uint64_t usage, limit, limit_hits;
		} swap;
		struct counters raw;    /* memory.stat */
		struct counters events; /* memory.events */
		struct pressure pressure;
	} memory;
	struct {
		bool set;
		uint64_t current, limit;
	} pids;
	struct {
		bool set;
		struct io_counts bytes, requests;
		struct pressure pressure;
	} io;
	struct {
		struct hugetlb_use *item;
		size_t count;
	} hugetlb;
};

/* Write the `data` of runc's `events --stats` as an object. Parts that are not set are left out.
 * Where cgroup v2 counts something else than v1 did, the members mean what runc lets them mean:
 * swap is memory and swap together, a limit of pids that is none is left out. */
void stats_write(struct json_writer *w, const char *key, const struct stats *stats);

/* What a guest tells its host: memory and pids, as an object of our own. */
void stats_pack(struct json_writer *w, const struct stats *stats);
/* And back, from whoever it comes.
 * top      a whole document.
 * ret      names are top's; the rest is in arena.
 * Returns  0, or -1 and *err: something is there that is no such thing. */
int stats_unpack(const struct json *top, struct arena *arena, struct stats *ret,
                 struct error *err) FALLIBLE;

/* What can happen to a container that somebody watches. */
enum container_event { EVENT_NONE, EVENT_OOM, EVENT_END };

/* A watch over one container; begins as WATCH_NONE, its members are those of who looks. */
struct container_watch {
	int population, memory, above; /* descriptors; -1: not open */
	int other;                     /* one that wakes who waits when it can be read; -1: none */
	uint64_t oom_kills, kills_above; /* seen so far, in it and in all that its parent has */
};
#define WATCH_NONE                                                                                 \
	{                                                                                          \
		.population = -1, .memory = -1, .above = -1, .other = -1                           \
	}

#endif
