/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

static int pause_container(struct call *call, struct error *err)
{
	owned_container struct container *c = NULL;

	if (container_open(call->rt, call->operands[0], true, &c, err) < 0)
		return -1;
	return container_pause(c, err);
}

static int resume_container(struct call *call, struct error *err)
{
	owned_container struct container *c = NULL;

	if (container_open(call->rt, call->operands[0], true, &c, err) < 0)
		return -1;
	return container_resume(c, err);
}

const struct command pause_command = {
	.name = "pause",
	.operands = "CONTAINER",
	.summary = "Stop all processes of a container where they are",
	.examples = "cella pause web\n",
	.operands_least = 1,
	.operands_most = 1,
	.run = pause_container,
};

const struct command resume_command = {
	.name = "resume",
	.operands = "CONTAINER",
	.summary = "Let the processes of a paused container go on",
	.examples = "cella resume web\n",
	.operands_least = 1,
	.operands_most = 1,
	.run = resume_container,
};
