/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "runtime/runtime.h"

/* What one container uses at one moment. */
struct usage {
	const char *id;
	enum container_status status;
	pid_t pid;
	uint64_t start_time; /* with pid: whether it is the same one as before */
	uint64_t when;       /* nanoseconds; only differences mean something */
	struct stats stats;  /* nothing is set where it has no cgroup */
	bool has_processes;  /* of pids.current, or counted where the controller is off */
	uint64_t processes;
	bool has_cpu; /* was seen before */
	uint64_t cpu; /* tenths of a percent of one processor */
};

/* All containers that live, by name; in an arena of its own. */
struct usages {
	struct arena *arena;
	struct usage *item;
	size_t count;
};
void usages_free(struct usages *usages);
#define owned_usages __attribute__((cleanup(usages_free)))

/* Measure all that are created, running or paused. What goes meanwhile, or can't be read, is left out.
 * Returns  0, or -1 and *err. */
int usages_take(const struct runtime *rt, struct usages *ret, struct error *err) FALLIBLE;

/* Fill in what share of a processor each took since before; both must be in order of name. */
void usages_compare(struct usages *now, const struct usages *before);

/* The largest first, those that are not measured last, those of the same by name. */
enum usage_order { ORDER_ID, ORDER_CPU, ORDER_MEMORY, ORDERS };
void usages_sort(struct usages *usages, enum usage_order order);

/* Bytes read and written on all devices. */
uint64_t usage_moved(const struct usage *usage, const char *operation);

int usages_table(const struct usages *usages, struct text *out, struct error *err) FALLIBLE;

/* An array of objects; what is not counted has no member. */
void usages_json(const struct usages *usages, struct text *out);

#endif
