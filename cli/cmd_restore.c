/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/own.h"

#include "checkpoint_flags.h"
#include "creation.h"
#include "foreground.h"
#include "handover.h"

#define AT CHECKPOINT_AT

/* clang-format off */
static const struct option_row rows[] = {
	CHECKPOINT_ROWS,
	{"bundle", 'b', "DIR", "bundle directory, instead of the current one", AT(TEXT_AT, bundle)},
	{"detach", 'd', NULL, "return once its processes run", AT(SWITCH_AT, detach)},
	{"console-socket", 0, "PATH", "socket that gets the terminal's master end", AT(TEXT_AT, console_socket)},
	{"pid-file", 0, "FILE", "write the pid of the container's process here", AT(TEXT_AT, pid_file)},
	{"tcp-close", 0, NULL, "TCP connections come back closed", AT(SWITCH_AT, tcp_close)},
	{"lsm-profile", 0, "TYPE:NAME", "profile, instead of the one before", AT(TEXT_AT, lsm_profile)},
	{"lsm-mount-context", 0, "CONTEXT", "label of its mounts, not the one before", AT(TEXT_AT, lsm_mount_context)},
	{"no-pivot", 0, NULL, "accepted: CRIU enters the root in its own way", AT(SWITCH_AT, no_pivot)},
	{"no-subreaper", 0, NULL, "accepted: cella never adopts processes", AT(SWITCH_AT, no_subreaper)},
};
/* clang-format on */

static int read_options(const struct call *call, struct create_options *ret, struct error *err)
{
	const struct checkpoint_flags *f = call->flags;
	const char *bundle;

	if (creation_bundle(call, f->bundle, &bundle, err) < 0)
		return -1;
	*ret = (struct create_options){
		.id = call->operands[0],
		.bundle = bundle,
		.no_pivot = f->no_pivot,
		.seccomp_agent = creation_seccomp_agent(),
		.terminal = f->console_socket ? TERMINAL_SOCKET
	                    : f->detach       ? TERMINAL_NOWHERE
	                                      : TERMINAL_IN_FRONT,
	};
	return 0;
}

static int restore(struct call *call, struct container **ret_container, struct error *err)
{
	const struct checkpoint_flags *f = call->flags;
	OWNED(checkpoint_folders_release) struct checkpoint_folders folders = {-1, -1};
	owned_container struct container *c = NULL;
	struct checkpoint_options images;
	struct create_options options;
	owned_fd socket = -1;

	if (read_options(call, &options, err) < 0 ||
	    checkpoint_read(call, false, &folders, &images, err) < 0 ||
	    console_connect(f->console_socket, &socket, err) < 0)
		return -1;
	options.restore = &images;
	if (container_restore(call->rt, &options, &c, err) < 0)
		return -1;
	if (creation_hand_over(c, socket, err) < 0 ||
	    pid_file_write(f->pid_file, c->state.pid, err) < 0) {
		creation_undo(c);
		return -1;
	}
	*ret_container = take_ptr(c);
	return 0;
}

static int stay(struct call *call, struct error *err)
{
	owned_container struct container *c = NULL;
	owned_foreground front = FOREGROUND_NONE;
	struct error ignored;
	int status;

	if (foreground_open(&front, err) < 0 || restore(call, &c, err) < 0)
		return -1;
	status = foreground_wait(&front, c->state.pid, c->init, c->console, err);
	if (status < 0) {
		creation_undo(c);
		return -1;
	}
	if (container_delete(c, true, &ignored) < 0)
		log_dropped("after the container has ended", &ignored);
	return status;
}

static int run(struct call *call, struct error *err)
{
	const struct checkpoint_flags *f = call->flags;
	owned_container struct container *c = NULL;

	return f->detach ? restore(call, &c, err) : stay(call, err);
}

const struct command restore_command = {
	.name = "restore",
	.operands = "CONTAINER",
	.summary = "Make a container from images, and stay until it has ended",
	.about = "Its processes go on where checkpoint has left them. As run, but for how\n"
		 "it begins.\n",
	.options = rows,
	.options_count = ARRAY_SIZE(rows),
	.examples = "cella restore --image-path /var/images --bundle /bundles/web web\n"
		    "cella restore --image-path all --detach web\n",
	.operands_least = 1,
	.operands_most = 1,
	.flags_size = sizeof(struct checkpoint_flags),
	.enters = true,
	.run = run,
};
