/* SPDX-License-Identifier: Apache-2.0 */
/* Of stats what a guest's kernel counts, as JSON of our own: {"memory": {…}, "swap": {…}, "pids": {…}, "raw": {…},
 * "events": {…}}. Who reads it trusts nobody: a part has all its numbers or the whole is refused. */
#include <string.h>

#include "base/json_read.h"
#include "base/table.h"

#include "spec.h"

enum { COUNTERS_MOST = 1000 };

#define AT(m) offsetof(struct stats, m)

static const struct {
	const char *name;
	size_t set;
} parts[] = {
	{"memory", AT(memory.set)     },
	{"swap",   AT(memory.swap.set)},
	{"pids",   AT(pids.set)       },
};

static const struct {
	const char *part, *name;
	size_t at;
} numbers[] = {
	{"memory", "usage",     AT(memory.usage)          },
        {"memory", "limit",     AT(memory.limit)          },
	{"memory", "peak",      AT(memory.peak)           },
        {"swap",   "usage",     AT(memory.swap.usage)     },
	{"swap",   "limit",     AT(memory.swap.limit)     },
        {"swap",   "limitHits", AT(memory.swap.limit_hits)},
	{"pids",   "current",   AT(pids.current)          },
        {"pids",   "limit",     AT(pids.limit)            },
};

static const struct {
	const char *name;
	size_t at;
} lists[] = {
	{"raw",    AT(memory.raw)   },
	{"events", AT(memory.events)},
};

static const char *place(const struct stats *stats, size_t at)
{
	return (const char *)stats + at;
}

static bool is_number_of(size_t number, size_t part)
{
	return strcmp(numbers[number].part, parts[part].name) == 0;
}

void stats_pack(struct json_writer *w, const struct stats *stats)
{
	json_open(w, NULL, '{');
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!*(const bool *)(const void *)place(stats, parts[i].set))
			continue;
		json_open(w, parts[i].name, '{');
		for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
			if (is_number_of(n, i))
				json_u64(w, numbers[n].name,
				         *(const uint64_t *)(const void *)place(stats,
				                                                numbers[n].at));
		json_close(w);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct counters *list =
			(const struct counters *)(const void *)place(stats, lists[i].at);

		json_open(w, lists[i].name, '{');
		for (size_t n = 0; n < list->count; n++)
			json_u64(w, list->item[n].name, list->item[n].value);
		json_close(w);
	}
	json_close(w);
}

static int read_number(const struct json *object, const char *name, uint64_t *ret,
                       struct error *err)
{
	const struct json *number = json_member(object, name);

	if (!number)
		return json_fail(err, object, "has no '%s'", name);
	if (number->type != JSON_NUMBER || !json_to_u64(number, ret))
		return json_fail(err, number, "expected a number");
	return 0;
}

static int read_part(const struct json *object, size_t part, struct stats *ret, struct error *err)
{
	char *base = (char *)ret;

	*(bool *)(void *)(base + parts[part].set) = true;
	for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
		if (is_number_of(n, part) &&
		    read_number(object, numbers[n].name, (uint64_t *)(void *)(base + numbers[n].at),
		                err) < 0)
			return -1;
	return 0;
}

static int read_list(const struct json *object, struct arena *arena, struct counters *ret,
                     struct error *err)
{
	if (object->type != JSON_OBJECT || object->count > COUNTERS_MOST)
		return json_fail(err, object, "expected an object of at most %d numbers",
		                 COUNTERS_MOST);
	ret->item = arena_alloc(arena, object->count + 1, sizeof(*ret->item));
	if (!ret->item)
		return arena_check(arena, err);
	for (const struct json *one = object->first; one; one = one->next) {
		struct counter *counter = &ret->item[ret->count++];

		counter->name = one->key;
		if (one->type != JSON_NUMBER || !json_to_u64(one, &counter->value))
			return json_fail(err, one, "expected a number");
	}
	return 0;
}

int stats_unpack(const struct json *top, struct arena *arena, struct stats *ret, struct error *err)
{
	struct stats stats = {0};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct json *part = json_member(top, parts[i].name);

		if (part && read_part(part, i, &stats, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct json *list = json_member(top, lists[i].name);

		if (list &&
		    read_list(list, arena,
		              (struct counters *)(void *)((char *)&stats + lists[i].at), err) < 0)
			return -1;
	}
	*ret = stats;
	return 0;
}
