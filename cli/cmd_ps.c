/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/text.h"

#include "command.h"
#include "ps_filter.h"
#include "report.h"

struct ps_flags {
	int format;
};

static const struct option_row rows[] = {
	{"format", 'f', "FORMAT", "table or json",
         WORD_AT(struct ps_flags, format, output_formats)},
};

static const char *const heading[] = {"PID", "PPID", "USER", "COMMAND"};

static int print_table(struct container *c, struct arena *arena, struct text *out,
                       struct error *err)
{
	struct report report = {.arena = arena, .columns = ARRAY_SIZE(heading)};
	struct process_words *all;
	char number[16];
	size_t count;

	if (container_describe(c, &all, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < report.columns; i++)
		report_add(&report, heading[i]);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(number, sizeof(number), "%d", (int)all[i].pid);
		report_add(&report, number);
		report_add(&report, all[i].parent);
		report_add(&report, all[i].user);
		report_add(&report, all[i].command);
	}
	return report_print(&report, out, err);
}

static int print_json(struct container *c, struct text *out, struct error *err)
{
	struct json_writer w = {.out = out};
	pid_t *pids;
	size_t count;

	if (container_processes(c, &pids, &count, err) < 0)
		return -1;
	json_open(&w, NULL, '[');
	for (size_t i = 0; i < count; i++)
		json_i64(&w, NULL, pids[i]);
	json_close(&w);
	text_append(out, "\n");
	return text_check(out, err);
}

static int print_by_ps(struct container *c, const struct call *call, struct text *out,
                       struct error *err)
{
	pid_t *pids;
	size_t count;

	if (c->executor->describe)
		return fail(err, ERROR_UNSUPPORTED, call->operands[1],
		            "ps(1) of this host does not see the processes of a virtual machine");
	if (container_processes(c, &pids, &count, err) < 0)
		return -1;
	return ps_filter(call->operands + 1, pids, count, call->arena, out, err);
}

static int run(struct call *call, struct error *err)
{
	const struct ps_flags *f = call->flags;
	owned_container struct container *c = NULL;
	owned_text struct text out = {0};

	if (container_open(call->rt, call->operands[0], false, &c, err) < 0)
		return -1;
	if (f->format == FORMAT_JSON) {
		if (print_json(c, &out, err) < 0)
			return -1;
	} else if (call->operands[1]) {
		if (print_by_ps(c, call, &out, err) < 0)
			return -1;
	} else if (print_table(c, call->arena, &out, err) < 0) {
		return -1;
	}
	return report_write(&out, err);
}

const struct command ps_command = {
	.name = "ps",
	.operands = "CONTAINER [ARGUMENT-OF-PS...]",
	.summary = "Print the processes of a container by their pids on the host",
	.about = "With words behind its name, ps(1) is asked, for its lines of the container.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella ps web\n"
		    "cella ps web -e -o pid,rss,args\n"
		    "cella ps --format json web  # pids only\n",
	.operands_least = 1,
	.operands_most = OPERANDS_ANY,
	.in_order = true,
	.flags_size = sizeof(struct ps_flags),
	.run = run,
};
