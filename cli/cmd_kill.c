/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "base/signals.h"

#include "command.h"

struct kill_flags {
	bool all;
};

static const struct option_row rows[] = {
	{"all", 'a', NULL,   "send it to every process of the container",
         SWITCH_AT(struct kill_flags,     all)},
	{"regex",     'r',  NULL, NULL,				       REFUSED},
};

static int run(struct call *call, struct error *err)
{
	const struct kill_flags *f = call->flags;
	owned_container struct container *c = NULL;
	const char *text = call->operands[1];
	int signum = SIGTERM;

	if (text && !signal_from_text(text, &signum))
		return fail(err, ERROR_USAGE, text, "is not a signal: write a name or a number");
	if (container_open(call->rt, call->operands[0], false, &c, err) < 0)
		return -1;
	return container_kill(c, signum, f->all, err);
}

const struct command kill_command = {
	.name = "kill",
	.operands = "CONTAINER [SIGNAL]",
	.summary = "Send a signal to a container",
	.about = "TERM goes to its first process unless told otherwise.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella kill web          # SIGTERM to its first process\n"
		    "cella kill --all web 9  # SIGKILL to all of them\n",
	.operands_least = 1,
	.operands_most = 2,
	.flags_size = sizeof(struct kill_flags),
	.run = run,
};
