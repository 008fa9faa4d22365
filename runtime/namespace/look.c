/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "cgroups/cgroups.h"

#include "launch.h"

static int is_frozen(const struct container *c, bool *ret, struct error *err)
{
	owned_fd cgroup = -1;

	*ret = false;
	if (!c->state.cgroup)
		return 0;
	cgroup = cgroup_open(c->state.cgroup, err);
	if (cgroup < 0)
		return err->errnum == ENOENT ? 0 : -1;
	if (cgroup_is_frozen(cgroup, ret, err) < 0)
		return err->errnum == ENODEV ? 0 : -1; /* removed since */
	return 0;
}

int namespace_look(struct container *c, enum container_status *ret_status, struct error *err)
{
	struct process_identity who = {.pid = c->state.pid, .start_time = c->state.start_time};
	owned_fd pidfd = -1;
	bool frozen;

	if (c->state.pid == 0) { /* a create is under way, or was killed */
		*ret_status = c->state.status == STATUS_STOPPED ? STATUS_STOPPED : STATUS_CREATING;
		return 0;
	}
	pidfd = process_open(&who, err);
	if (pidfd < 0 && err->errnum != ESRCH)
		return -1;
	if (pidfd < 0) {
		*ret_status = STATUS_STOPPED;
		return 0;
	}
	if (is_frozen(c, &frozen, err) < 0)
		return -1;
	if (frozen)
		*ret_status = STATUS_PAUSED;
	else if (fdpass_listens_at(c->dir,
	                           START_SOCKET)) /* a start that was killed may have left it */
		*ret_status = STATUS_CREATED;
	else
		*ret_status = c->control >= 0 ? STATUS_CREATED : STATUS_RUNNING;
	return 0;
}
