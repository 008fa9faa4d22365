/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "base/own.h"
#include "cgroups/cgroups.h"

#include "launch.h"

static int signal_first(const struct container *c, int signum, struct error *err)
{
	struct process_identity who = {.pid = c->state.pid, .start_time = c->state.start_time};
	owned_fd pidfd = process_open(&who, err);

	return pidfd < 0 ? -1 : process_signal(pidfd, signum, err);
}

int namespace_signal(struct container *c, int signum, bool all, struct error *err)
{
	owned_fd cgroup = -1;

	if (!all)
		return signal_first(c, signum, err);
	if (c->state.cgroup) {
		cgroup = cgroup_open(c->state.cgroup, err);
		if (cgroup < 0) /* removed: nobody is left */
			return err->errnum == ENOENT ? 0 : -1;
		if (c->state.status == STATUS_STOPPED &&
		    cgroup_is_anothers(cgroup, launch_owner(c)))
			return 0;
		return cgroup_signal(cgroup, signum, err);
	}
	/* The kernel itself ends a pid namespace with its first process. */
	if (signum == SIGKILL && (c->state.namespaces & (1U << NAMESPACE_PID)))
		return signal_first(c, signum, err);
	return fail(err, ERROR_UNSUPPORTED, c->state.id,
	            "has no cgroup: only its first process can be signalled, not all");
}
