/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/owner.h"
#include "base/text.h"

#include "command.h"
#include "report.h"

struct list_flags {
	int format;
	bool quiet;
};

static const struct option_row rows[] = {
	{"quiet", 'q',      NULL,            "print names only", SWITCH_AT(struct list_flags, quiet)         },
	{ "format",    'f', "FORMAT", "table or json",
         WORD_AT(struct list_flags,						   format, output_formats)},
};

static const char *const heading[] = {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"};

/* Where the list goes. */
struct output {
	struct report report;
	struct json_writer json;
	struct arena *arena;
	const char *owner; /* the name of this one; NULL: not looked up yet */
	uint32_t uid;
	bool is_json;
};

static void add_row(struct report *report, const struct state *state, const char *owner)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)state->pid);
	report_add(report, state->id);
	report_add(report, pid);
	report_add(report, container_status_names[state->status]);
	report_add(report, state->bundle);
	report_add(report, state->created);
	report_add(report, owner);
}

static void add_object(struct json_writer *w, const struct state *state, const char *owner)
{
	json_open(w, NULL, '{');
	state_write_oci(w, state);
	json_text(w, "rootfs", state->rootfs);
	json_text(w, "created", state->created);
	json_text(w, "owner", owner);
	json_close(w);
}

static void add(const struct runtime *rt, const char *id, struct output *output)
{
	owned_container struct container *c = NULL;
	struct error err;

	if (container_open(rt, id, false, &c, &err) < 0) {
		if (err.errnum != ENOENT) /* else it has gone meanwhile, or is not yet made */
			log_dropped("while listing", &err);
		return;
	}
	if (!output->owner || output->uid != c->state.owner)
		output->owner = owner_name(c->state.owner, output->arena);
	output->uid = c->state.owner;
	if (output->is_json)
		add_object(&output->json, &c->state, output->owner);
	else
		add_row(&output->report, &c->state, output->owner ? output->owner : "?");
}

static int print_names(const char *const *ids, size_t count, struct text *out, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		text_format(out, "%s\n", ids[i]);
	return report_write(out, err);
}

static int run(struct call *call, struct error *err)
{
	const struct list_flags *f = call->flags;
	owned_text struct text out = {0};
	struct output output = {
		.report = {.arena = call->arena, .columns = ARRAY_SIZE(heading)},
		.json = {.out = &out,          .indent = 2                   },
		.arena = call->arena,
		.is_json = f->format == FORMAT_JSON,
	};
	const char **ids = NULL;
	size_t count = 0;

	if (container_list(call->rt, call->arena, &ids, &count, err) < 0)
		return -1;
	if (f->quiet)
		return print_names(ids, count, &out, err);
	if (output.is_json)
		json_open(&output.json, NULL, '[');
	for (size_t i = 0; i < output.report.columns; i++)
		report_add(&output.report, heading[i]);
	for (size_t i = 0; i < count; i++)
		add(call->rt, ids[i], &output);
	if (output.is_json) {
		json_close(&output.json);
		text_append(&out, "\n");
	} else if (report_print(&output.report, &out, err) < 0) {
		return -1;
	}
	return report_write(&out, err);
}

const struct command list_command = {
	.name = "list",
	.operands = "",
	.summary = "Print the containers of this state directory",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella list\n"
		    "cella list --format json\n",
	.flags_size = sizeof(struct list_flags),
	.run = run,
};
