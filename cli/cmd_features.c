/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "command.h"
#include "report.h"

static int run(struct call *call, struct error *err)
{
	owned_text struct text out = {0};

	if (runtime_features(call->rt, &out, err) < 0)
		return -1;
	text_append(&out, "\n");
	return report_write(&out, err);
}

const struct command features_command = {
	.name = "features",
	.operands = "",
	.summary = "Print what this build can do, as a features document of OCI",
	.examples = "cella features\n",
	.run = run,
};
