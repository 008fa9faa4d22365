/* SPDX-License-Identifier: Apache-2.0 */
#include "each.h"

struct delete_flags {
	bool force, regex;
};

static const struct option_row rows[] = {
	{"force", 'f', NULL, "end it first where it runs; content when there is none",
         SWITCH_AT(struct delete_flags, force)},
	{"regex", 'r', NULL, "each container whose name matches a regular expression",
         SWITCH_AT(struct delete_flags, regex)},
};

static int delete_one(const struct call *call, const char *id, struct error *err)
{
	const struct delete_flags *f = call->flags;

	return container_delete_id(call->rt, id, f->force, err);
}

static int run(struct call *call, struct error *err)
{
	const struct delete_flags *f = call->flags;

	return each_container(call, f->regex, delete_one, err);
}

const struct command delete_command = {
	.name = "delete",
	.operands = "CONTAINER",
	.summary = "Remove a container that has ended, and all that was made for it",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella delete web\n"
		    "cella delete --force web          # also while it runs\n"
		    "cella delete --regex '^web-[0-9]'  # all that have ended\n",
	.operands_least = 1,
	.operands_most = 1,
	.flags_size = sizeof(struct delete_flags),
	.run = run,
};
