/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/own.h"
#include "runtime/process/process.h"

#include "handshake.h"
#include "launch.h"

/* They run as the program itself will: what they execute is the image's. */
static int run_hooks(struct container *c, struct error *err)
{
	OWNED(join_release) struct join join = join_of(-1, 0, NULL);
	struct hook_entry entry = {.join = &join};
	struct hook_place inside = {.enter = join_for_hook, .data = &entry};
	struct process_plan *process;

	if (c->spec->hooks[HOOK_START_CONTAINER].count == 0)
		return 0;
	if (exec_plan(c, &c->spec->process, &process, err) < 0)
		return -1;
	memset(process->streams, 0, sizeof(process->streams)); /* a hook has others */
	if (join_open(c, &join, err) < 0)
		return -1;
	entry.process = process;
	inside.env = process->env; /* with what enter() adds: HOME */
	return hooks_run(c->spec, HOOK_START_CONTAINER, &c->state, &inside, err);
}

/* From START to the end of the other end, which goes with execve. */
static int converse(struct container *c, int agent, struct error *err)
{
	for (;;) {
		struct message message;
		owned_fd fd = -1;

		if (handshake_receive(c->control, &message, &fd, err) < 0)
			return -1;
		if (c->listens)
			(void)unlinkat(c->dir, START_SOCKET, 0);
		switch (message.kind) {
		case MESSAGE_LISTENER:
			if (listener_give(agent, c, c->state.pid, fd, err) < 0)
				return -1;
			break;
		case MESSAGE_FAILED:
			*err = message.err;
			return -1;
		default:
			return 0;
		}
	}
}

/* What did not start waits for no other try, nor for an agent that has got no listener. */
static void stop(const struct container *c)
{
	struct process_identity who = {.pid = c->state.pid, .start_time = c->state.start_time};
	struct error ignored;
	owned_fd pidfd = process_open(&who, &ignored);

	if ((pidfd < 0 || process_signal(pidfd, SIGKILL, &ignored) < 0) && ignored.errnum != ESRCH)
		log_dropped("after a failed start", &ignored);
}

static int start(struct container *c, int agent, struct error *err)
{
	if (c->control < 0) {
		c->listens = true;
		c->control = fdpass_connect_at(c->dir, START_SOCKET, err);
		if (c->control < 0)
			return -1;
	}
	if (handshake_send(c->control, MESSAGE_START, -1, err) < 0)
		return -1;
	if (converse(c, agent, err) == 0)
		return 0;
	stop(c);
	return -1;
}

int namespace_start(struct container *c, struct error *err)
{
	struct fd_heap done = {0};
	owned_fd agent = -1;

	if (listener_connect(c, &agent, err) < 0)
		return -1;
	if (run_hooks(c, err) < 0) { /* that ends the container: runtime.md "Lifecycle" */
		stop(c);
		return -1;
	}
	if (start(c, agent, err) < 0)
		return -1;
	fd_heap_add(&done, &c->control);
	fd_heap_add(&done, &c->born_in);
	fd_heap_close(&done);
	return 0;
}
