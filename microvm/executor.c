/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "runtime/namespace/namespace.h"

#include "parts.h"

enum { ANSWER_MS = 10000, KILL_MS = 3000 };

static int look(struct container *c, enum container_status *ret_status, struct error *err)
{
	if (namespace_executor.look(c, ret_status, err) < 0)
		return -1;
	if (*ret_status != STATUS_RUNNING)
		return 0;
	if (faccessat(c->dir, VM_WAITING, F_OK, 0) == 0)
		*ret_status = STATUS_CREATED; /* start removes it */
	else if (faccessat(c->dir, VM_BOOTING, F_OK, 0) == 0)
		*ret_status = STATUS_CREATING;
	return 0;
}

/* That it was killed is a guest's word: what was asked for is the end of the machine, which follows that of its
 * container. */
static int await_end(struct container *c, struct error *err)
{
	struct process_identity who = {.pid = c->state.pid, .start_time = c->state.start_time};
	owned_fd pidfd = process_open(&who, err);
	int ended = pidfd < 0 ? -1 : process_wait_pidfd(pidfd, KILL_MS, err);

	if (ended == 0 && process_signal(pidfd, SIGKILL, err) == 0)
		return 0;
	return ended > 0 || err->errnum == ESRCH ? 0 : -1;
}

/* The guest's processes get it from the guest's kernel. A guest that does not answer is ended from outside, when that
 * is what was asked for; one that stands still can't. */
int microvm_signal(struct container *c, int signum, bool all, struct error *err)
{
	const struct wire_message m = {
		.kind = WIRE_SIGNAL,
		.number = {0, (uint64_t)signum, all}
        };

	if (c->state.status == STATUS_STOPPED)
		return namespace_executor.signal(c, signum, all, err);
	if (c->state.status == STATUS_PAUSED && signum != SIGKILL)
		return fail(err, ERROR_STATE, c->state.id,
		            "a virtual machine that is paused takes no signal but SIGKILL");
	if (c->state.status != STATUS_PAUSED &&
	    guest_ask(c, &m, signum == SIGKILL ? KILL_MS : ANSWER_MS, NULL, NULL, err) == 0)
		return signum == SIGKILL ? await_end(c, err) : 0;
	if (signum != SIGKILL)
		return -1;
	return namespace_executor.signal(c, signum, false, err);
}

static int machine_pause(struct container *c, struct error *err)
{
	return namespace_executor.pause(c, err);
}

static int machine_resume(struct container *c, struct error *err)
{
	return namespace_executor.resume(c, err);
}

const struct executor microvm_executor = {
	.name = "microvm",
	.prepare = room_prepare,
	.create = microvm_create,
	.start = microvm_start,
	.exec = microvm_exec,
	.signal = microvm_signal,
	.pause = machine_pause,
	.resume = machine_resume,
	.update = microvm_update,
	.processes = microvm_processes,
	.describe = microvm_describe,
	.stats = microvm_stats,
	.watch = microvm_watch,
	.look = look,
	.destroy = microvm_destroy,
};
