/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "starting.h"

static int start(struct call *call, struct error *err)
{
	owned_container struct container *c = NULL;

	if (container_open(call->rt, call->operands[0], true, &c, err) < 0)
		return -1;
	return starting_behind(c, err);
}

const struct command start_command = {
	.name = "start",
	.operands = "CONTAINER",
	.summary = "Run the program of a container that was created",
	.examples = "cella start web\n",
	.operands_least = 1,
	.operands_most = 1,
	.enters = true,
	.run = start,
};
