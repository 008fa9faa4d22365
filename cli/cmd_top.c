/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#include "command.h"
#include "interval.h"
#include "report.h"
#include "screen.h"
#include "usage.h"

enum { INTERVAL_MS = 2000, ONCE_MS = 500 };

struct top_flags {
	bool once, json;
	const char *interval;
	int sort;
};

static const struct word orders[ORDERS] = {
	{"id",     ORDER_ID    },
	{"cpu",    ORDER_CPU   },
	{"memory", ORDER_MEMORY},
};

static const struct option_row rows[] = {
	{"once",     0, NULL,    "print one table, and end",                      SWITCH_AT(struct top_flags, once)                            },
	{"interval", 0, "TIME",  "between two looks (default 2s; 500ms if once)",
         TEXT_AT(struct top_flags,									    interval)                        },
	{"sort",     0, "ORDER", "id, cpu or memory: the largest first",
         WORD_AT(struct top_flags,									    sort,                              orders)},
	{"json",          0,      NULL,   "print one JSON array, and end",                                         SWITCH_AT(struct top_flags,                                  json)},
};

static void sleep_ms(int ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) < 0)
		;
}

/* A share of time needs two looks; an average since the start would hide what happens now. */
static int print_once(const struct call *call, int interval_ms, struct error *err)
{
	const struct top_flags *f = call->flags;
	owned_usages struct usages before = {0};
	owned_usages struct usages now = {0};
	owned_text struct text out = {0};

	if (usages_take(call->rt, &before, err) < 0)
		return -1;
	if (before.count)
		sleep_ms(interval_ms);
	if (usages_take(call->rt, &now, err) < 0)
		return -1;
	usages_compare(&now, &before);
	usages_sort(&now, f->sort);
	if (f->json)
		usages_json(&now, &out);
	else if (usages_table(&now, &out, err) < 0)
		return -1;
	return report_write(&out, err);
}

static int draw(struct usages *now, enum usage_order order, struct error *err)
{
	owned_text struct text out = {0};

	usages_sort(now, order);
	text_format(&out, "%zu containers; q: quit\n\n", now->count);
	if (usages_table(now, &out, err) < 0)
		return -1;
	usages_sort(now, ORDER_ID); /* as usages_compare() wants it */
	return screen_draw(&out, err);
}

/* The first picture has no share of time yet, the second comes soon. */
static int draw_until_quit(const struct call *call, int interval_ms, struct error *err)
{
	const struct top_flags *f = call->flags;
	owned_screen struct screen screen = SCREEN_NONE;
	owned_usages struct usages before = {0};
	int wait_ms = interval_ms < ONCE_MS ? interval_ms : ONCE_MS;

	if (screen_open(&screen, err) < 0)
		return -1;
	for (;;) {
		struct usages now = {0};
		int ended;

		if (usages_take(call->rt, &now, err) < 0) {
			usages_free(&now);
			return -1;
		}
		usages_compare(&now, &before);
		usages_free(&before);
		before = now;
		if (draw(&before, f->sort, err) < 0)
			return -1;
		ended = screen_wait(&screen, wait_ms, err);
		if (ended)
			return ended < 0 ? -1 : 0;
		wait_ms = interval_ms;
	}
}

static int run(struct call *call, struct error *err)
{
	const struct top_flags *f = call->flags;
	bool once = f->once || f->json || !isatty(STDOUT_FILENO);
	int interval_ms;

	if (interval_read(f->interval, once ? ONCE_MS : INTERVAL_MS, &interval_ms, err) < 0)
		return -1;
	return (once ? print_once : draw_until_quit)(call, interval_ms, err);
}

const struct command top_command = {
	.name = "top",
	.operands = "",
	.summary = "Print what all containers that live use now",
	.about = "On a terminal the table is drawn until q or ^C; elsewhere it is printed once.\n"
		 "CPU is the share of one processor between two looks. '-' is what nobody counts:\n"
		 "a limit that is none, or a cgroup whose controller is off.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella top\n"
		    "cella top --once --sort memory\n"
		    "cella top --json | jq '.[] | select(.cpuPercent > 90).id'\n",
	.flags_size = sizeof(struct top_flags),
	.run = run,
};
