/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "base/own.h"
#include "base/process.h"
#include "cgroups/cgroups.h"

#include "launch.h"

enum { LEAVES_MS = 1000 };

static int open_cgroup(const struct container *c, struct error *err)
{
	if (!c->state.cgroup)
		return fail(err, ERROR_UNSUPPORTED, c->state.id,
		            "has no cgroup: nothing counts what it uses");
	return cgroup_open(c->state.cgroup, err);
}

int namespace_stats(struct container *c, struct arena *arena, struct stats *ret, struct error *err)
{
	owned_fd cgroup = open_cgroup(c, err);

	return cgroup < 0 ? -1 : cgroup_stats(cgroup, arena, ret, err);
}

/* A process leaves its cgroup a moment before it has ended, and whoever heard of the end may go on to delete. */
static void wait_for_first(const struct container *c)
{
	struct process_identity who = {.pid = c->state.pid, .start_time = c->state.start_time};
	struct error ignored;
	owned_fd pidfd = process_open(&who, &ignored);

	if (pidfd >= 0 && process_wait_pidfd(pidfd, LEAVES_MS, &ignored) < 0)
		log_dropped("after the end", &ignored);
}

static int watch(struct container *c, int timeout_ms, enum container_event *ret, struct error *err)
{
	owned_fd cgroup = -1;

	if (c->watch.population >= 0)
		return cgroup_watch(&c->watch, timeout_ms, ret, err);
	cgroup = open_cgroup(c, err);
	if (cgroup < 0 || cgroup_watch_open(cgroup, &c->watch, err) < 0) {
		if (err->errnum != ENOENT)
			return -1;
		*ret = EVENT_END; /* deleted since we looked */
		return 0;
	}
	return cgroup_watch(&c->watch, timeout_ms, ret, err);
}

int namespace_watch(struct container *c, int timeout_ms, enum container_event *ret,
                    struct error *err)
{
	if (watch(c, timeout_ms, ret, err) < 0)
		return -1;
	if (*ret == EVENT_END && timeout_ms != 0)
		wait_for_first(c);
	return 0;
}
