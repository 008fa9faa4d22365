/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/clock.h"
#include "base/text.h"

#include "command.h"
#include "interval.h"
#include "report.h"

enum { INTERVAL_MS = 5000, STATS_BYTES_LIMIT = 16 << 20 };

struct events_flags {
	bool stats;
	const char *interval;
};

static const struct option_row rows[] = {
	{"stats",    0, NULL,   "print what it uses now, and end",
         SWITCH_AT(struct events_flags, stats)   },
	{"interval", 0, "TIME", "between two lines of stats: 500ms, 5s, 1m (default 5s)",
         TEXT_AT(struct events_flags,   interval)},
};

/* One line on stdout. stats NULL: an event without data. */
static int print(const char *type, const char *id, const struct stats *stats, struct error *err)
{
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out};

	json_open(&w, NULL, '{');
	json_text(&w, "type", type);
	json_text(&w, "id", id);
	if (stats)
		stats_write(&w, "data", stats);
	json_close(&w);
	text_append(&out, "\n");
	return report_write(&out, err);
}

static int print_stats(struct container *c, struct error *err)
{
	owned_arena struct arena *arena = arena_new(STATS_BYTES_LIMIT);
	struct stats stats;

	if (!arena)
		return fail(err, ERROR_SYSTEM, c->state.id, "out of memory");
	if (container_stats(c, arena, &stats, err) < 0)
		return -1;
	return print("stats", c->state.id, &stats, err);
}

static bool has_gone(const struct error *err)
{
	return err->errnum == ENOENT || err->errnum == ENODEV;
}

/* Until the container ends. */
static int stream(struct container *c, int interval_ms, struct error *err)
{
	int64_t next = clock_ms() + interval_ms;
	enum container_event event;

	for (;;) {
		if (container_watch(c, interval_until(next), &event, err) < 0)
			return -1;
		if (event == EVENT_END)
			return 0;
		if (event == EVENT_OOM && print("oom", c->state.id, NULL, err) < 0)
			return -1;
		if (clock_ms() < next)
			continue;
		/* how it has gone, by a kill perhaps, the next look says */
		if (print_stats(c, err) < 0 && !has_gone(err))
			return -1;
		next = clock_ms() + interval_ms;
	}
}

static int run(struct call *call, struct error *err)
{
	const struct events_flags *f = call->flags;
	owned_container struct container *c = NULL;
	int interval_ms;

	if (interval_read(f->interval, INTERVAL_MS, &interval_ms, err) < 0 ||
	    container_open(call->rt, call->operands[0], false, &c, err) < 0)
		return -1;
	return f->stats ? print_stats(c, err) : stream(c, interval_ms, err);
}

const struct command events_command = {
	.name = "events",
	.operands = "CONTAINER",
	.summary = "Print what a container uses, again and again, and its OOM kills",
	.about = "Each line is a JSON object: of the type 'stats' with what it uses, or 'oom'\n"
		 "when the kernel has killed a process of it for want of memory.\n"
		 "Ends with the container.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella events web\n"
		    "cella events --interval 500ms web\n"
		    "cella events --stats web | jq .data.cpu.usage.total  # nanoseconds\n",
	.operands_least = 1,
	.operands_most = 1,
	.flags_size = sizeof(struct events_flags),
	.run = run,
};
