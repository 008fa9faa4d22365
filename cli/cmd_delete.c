/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

struct delete_flags {
	bool force;
};

static const struct option_row rows[] = {
	{"force", 'f', NULL,   "end it first where it runs; content when there is none",
         SWITCH_AT(struct delete_flags,       force)},
	{"regex",       'r',    NULL, NULL,						  REFUSED},
};

static int run(struct call *call, struct error *err)
{
	const struct delete_flags *f = call->flags;

	return container_delete_id(call->rt, call->operands[0], f->force, err);
}

const struct command delete_command = {
	.name = "delete",
	.operands = "CONTAINER",
	.summary = "Remove a container that has ended, and all that was made for it",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella delete web\n"
		    "cella delete --force web  # also while it runs\n",
	.operands_least = 1,
	.operands_most = 1,
	.flags_size = sizeof(struct delete_flags),
	.run = run,
};
