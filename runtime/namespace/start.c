/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "runtime/process/process.h"

#include "handshake.h"
#include "launch.h"

/* They run as the program itself will: what they execute is the image's. */
static int run_hooks(struct container *c, struct error *err)
{
	struct process_identity who = {.pid = c->state.pid, .start_time = c->state.start_time};
	struct hook_entry entry = {.flags = join_flags(c->state.namespaces)};
	const struct hook_place inside = {.enter = join_for_hook, .data = &entry};
	struct process_plan *process;
	owned_fd pidfd = -1;
	struct host host;

	if (c->spec->hooks[HOOK_START_CONTAINER].count == 0)
		return 0;
	if (host_look(&host, err) < 0 ||
	    plan_exec(c->spec, &c->spec->process, &host, c->arena, &process, err) < 0)
		return -1;
	pidfd = process_open(&who, err);
	if (pidfd < 0)
		return -1;
	entry.pidfd = pidfd;
	entry.process = process;
	return hooks_run(c->spec, HOOK_START_CONTAINER, &c->state, &inside, err);
}

int namespace_start(struct container *c, struct error *err)
{
	struct message message;

	if (run_hooks(c, err) < 0)
		return -1;
	if (c->control < 0) {
		c->control = fdpass_connect_at(c->dir, START_SOCKET, err);
		if (c->control < 0)
			return -1;
	}
	if (handshake_send(c->control, MESSAGE_START, -1, err) < 0 ||
	    handshake_receive(c->control, &message, NULL, err) < 0)
		return -1;
	(void)unlinkat(c->dir, START_SOCKET, 0); /* run has none */
	if (message.kind == MESSAGE_FAILED) {
		*err = message.err;
		return -1;
	}
	(void)close(take_fd(&c->control)); /* its end went with execve */
	return 0;
}
