/* SPDX-License-Identifier: Apache-2.0 */
#include "creation.h"

static const struct option_row rows[] = {CREATION_ROWS};

static int create(struct call *call, struct error *err)
{
	const struct creation_flags *f = call->flags;
	owned_container struct container *c = NULL;

	if (f->dry_run)
		return creation_dry_run(call, false, err);
	return creation_make(call, false, false, &c, err);
}

const struct command create_command = {
	.name = "create",
	.operands = "CONTAINER",
	.summary = "Make a container from a bundle, without starting its program",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella create --bundle /bundles/web web\n"
		    "cella create --dry-run web             # what would be done\n",
	.operands_least = 1,
	.operands_most = 1,
	.in_order = true,
	.flags_size = sizeof(struct creation_flags),
	.enters = true,
	.run = create,
};
