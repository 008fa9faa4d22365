/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>

#include "base/signals.h"

#include "each.h"

struct kill_flags {
	bool all, regex;
};

static const struct option_row rows[] = {
	{"all",   'a', NULL, "send it to every process of the container",
         SWITCH_AT(struct kill_flags, all)  },
	{"regex", 'r', NULL, "to each container whose name matches a regular expression",
         SWITCH_AT(struct kill_flags, regex)},
};

static int read_signal(const struct call *call, int *ret_signum, struct error *err)
{
	const char *text = call->operands[1];

	*ret_signum = text ? 0 : SIGTERM;
	if (text && strcmp(text, "0") != 0 && !signal_from_text(text, ret_signum))
		return fail(err, ERROR_USAGE, text, "is not a signal: write a name or a number");
	return 0;
}

static int kill_one(const struct call *call, const char *id, struct error *err)
{
	const struct kill_flags *f = call->flags;
	owned_container struct container *c = NULL;
	int signum;

	if (read_signal(call, &signum, err) < 0 || container_open(call->rt, id, false, &c, err) < 0)
		return -1;
	return container_kill(c, signum, f->all, err);
}

static int run(struct call *call, struct error *err)
{
	const struct kill_flags *f = call->flags;
	int signum; /* refused before anything is done, even where nothing matches */

	if (read_signal(call, &signum, err) < 0)
		return -1;
	return each_container(call, f->regex, kill_one, err);
}

const struct command kill_command = {
	.name = "kill",
	.operands = "CONTAINER [SIGNAL]",
	.summary = "Send a signal to a container",
	.about = "TERM goes to its first process unless told otherwise; 0 asks whether it lives.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella kill web          # SIGTERM to its first process\n"
		    "cella kill --all web 9  # SIGKILL to all of them\n"
		    "cella kill --regex '^web-' HUP\n",
	.operands_least = 1,
	.operands_most = 2,
	.flags_size = sizeof(struct kill_flags),
	.run = run,
};
