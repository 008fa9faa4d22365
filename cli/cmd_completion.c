/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"

#include "command.h"
#include "complete.h"
#include "report.h"

static int run(struct call *call, struct error *err)
{
	owned_text struct text out = {0};

	if (strcmp(call->operands[0], "bash") != 0)
		return fail(err, ERROR_USAGE, call->operands[0], "no such shell: expected bash");
	complete_bash(global_options, global_options_count, commands, &out);
	return report_write(&out, err);
}

const struct command completion_command = {
	.name = "completion",
	.operands = "bash",
	.summary = "Print a script that completes command lines of cella in a shell",
	.examples = "source <(cella completion bash)\n",
	.operands_least = 1,
	.operands_most = 1,
	.run = run,
};
