/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

#include "cgroups.h"

enum { PASSES = 64, LIST_LIMIT = 64 << 20 };

/* Signal everything that is listed now.
 * Returns  how many processes got it, or -1 and *err. */
static ssize_t signal_listed(int dir, int signum, struct error *err)
{
	owned_arena struct arena *arena = arena_new(LIST_LIMIT);
	pid_t *pids = NULL;
	size_t count = 0;
	ssize_t reached = 0;
	char name[32];

	if (!arena)
		return fail(err, ERROR_SYSTEM, "cgroup.procs", "out of memory");
	if (cgroup_processes(dir, arena, &pids, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (kill(pids[i], signum) == 0) {
			reached++;
		} else if (errno != ESRCH) {
			(void)snprintf(name, sizeof(name), "process %d", (int)pids[i]);
			return fail_errno(err, name, "kill");
		}
	}
	return reached;
}

int cgroup_signal(int dir, int signum, struct error *err)
{
	int passes = signum == SIGKILL ? PASSES : 1; /* it may fork while we go through the list */
	ssize_t reached = 1;

	if (signum == SIGKILL && faccessat(dir, "cgroup.kill", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return fd_write_file(dir, "cgroup.kill", "1", err);
	for (int i = 0; reached > 0 && i < passes; i++)
		reached = signal_listed(dir, signum, err);
	return reached < 0 ? -1 : 0;
}
