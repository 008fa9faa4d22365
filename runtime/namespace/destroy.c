/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "base/own.h"
#include "cgroups/cgroups.h"

#include "launch.h"

enum { KILL_TIMEOUT_MS = 10000 };

/* A first process without a cgroup, or one that was moved out of it. */
static int kill_first(const struct container *c, struct error *err)
{
	struct process_identity who = {.pid = c->state.pid, .start_time = c->state.start_time};
	owned_fd pidfd = -1;
	int ended;

	if (c->state.pid == 0)
		return 0;
	pidfd = process_open(&who, err);
	if (pidfd < 0)
		return err->errnum == ESRCH ? 0 : -1;
	if (process_signal(pidfd, SIGKILL, err) < 0)
		return err->errnum == ESRCH ? 0 : -1;
	ended = process_wait_pidfd(pidfd, KILL_TIMEOUT_MS, err);
	if (ended < 0)
		return -1;
	if (ended == 0)
		return fail(err, ERROR_SYSTEM, "container",
		            "process %d does not end, %d s after SIGKILL", (int)who.pid,
		            KILL_TIMEOUT_MS / 1000);
	return 0;
}

int namespace_destroy(struct container *c, struct error *err)
{
	if (kill_first(c, err) < 0)
		return -1;
	if (cgroup_undo(c->cgroups, c->state.cgroup, c->state.systemd_unit, launch_owner(c), err) <
	    0)
		return -1;
	return devices_end(c, err) < 0 ? -1 : group_remove(c, err);
}
