/* SPDX-License-Identifier: Apache-2.0 */
#include "base/owner.h"
#include "base/text.h"

#include "command.h"
#include "report.h"

static int run(struct call *call, struct error *err)
{
	owned_container struct container *c = NULL;
	owned_text struct text out = {0};
	struct json_writer w = {.out = &out, .indent = 2};

	if (container_open(call->rt, call->operands[0], false, &c, err) < 0)
		return -1;
	json_open(&w, NULL, '{');
	state_write_oci(&w, &c->state);
	json_text(&w, "rootfs", c->state.rootfs);
	json_text(&w, "created", c->state.created);
	json_text(&w, "owner", owner_name(c->state.owner, call->arena));
	json_text(&w, "executor", c->state.executor);
	json_close(&w);
	text_append(&out, "\n");
	return report_write(&out, err);
}

const struct command state_command = {
	.name = "state",
	.operands = "CONTAINER",
	.summary = "Print the state of a container as JSON",
	.examples = "cella state web\n",
	.operands_least = 1,
	.operands_most = 1,
	.run = run,
};
