/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"

#include "checkpoint_flags.h"

#define AT CHECKPOINT_AT

/* clang-format off */
static const struct option_row rows[] = {
	CHECKPOINT_ROWS,
	{"leave-running", 0, NULL, "let the container go on", AT(SWITCH_AT, leave_running)},
	{"pre-dump", 0, NULL, "memory only, and let it go on", AT(SWITCH_AT, pre_dump)},
	{"parent-path", 0, "DIR", "images of the pre-dump, relative to these", AT(TEXT_AT, parent_path)},
	{"tcp-skip-in-flight", 0, NULL, "leave out TCP connections not open yet", AT(SWITCH_AT, tcp_skip_in_flight)},
	{"page-server", 0, "ADDRESS:PORT", "send memory there", AT(TEXT_AT, page_server)},
	{"status-fd", 0, "FD", "gets a zero byte when --lazy-pages serves", AT(TEXT_AT, status_fd)},
};
/* clang-format on */

static int checkpoint(struct call *call, struct error *err)
{
	OWNED(checkpoint_folders_release) struct checkpoint_folders folders = {-1, -1};
	owned_container struct container *c = NULL;
	struct checkpoint_options options;

	if (container_open(call->rt, call->operands[0], true, &c, err) < 0 ||
	    container_checkpoint_allowed(c, err) < 0 ||
	    checkpoint_read(call, true, &folders, &options, err) < 0)
		return -1;
	return container_checkpoint(c, &options, err);
}

const struct command checkpoint_command = {
	.name = "checkpoint",
	.operands = "CONTAINER",
	.summary = "Write a container's processes to images, and delete it",
	.about = "CRIU does it, which is another program. What fails leaves the container "
		 "running.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella checkpoint --image-path /var/images web\n"
		    "cella checkpoint --image-path pre --pre-dump web\n"
		    "cella checkpoint --image-path all --parent-path ../pre web\n",
	.operands_least = 1,
	.operands_most = 1,
	.flags_size = sizeof(struct checkpoint_flags),
	.run = checkpoint,
};
