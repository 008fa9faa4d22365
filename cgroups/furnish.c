/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"

#include "devices.h"
#include "furnish.h"
#include "limits.h"
#include "tree.h"

static const char object[] = "linux.cgroupsPath";

/* Hand the cgroup to the container's user: what the kernel says may be handed, no more.
 * Spec: cgroup-v2.rst "Model of Delegation". */
static int delegate(const struct cgroup_plan *plan, int dir, struct error *err)
{
	char files[1024] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";
	char *save = NULL;
	struct error ignored;

	if (fd_read_small(AT_FDCWD, "/sys/kernel/cgroup/delegate", files, sizeof(files), &ignored) <
	    0)
		log_debug("delegate: %s: %s", ignored.object, ignored.reason);
	if (fchown(dir, plan->owner_uid, plan->owner_gid) < 0)
		return errno == EPERM && geteuid() != 0 ? 0 : fail_errno(err, object, "chown");
	for (char *file = strtok_r(files, "\n", &save); file; file = strtok_r(NULL, "\n", &save))
		if (fchownat(dir, file, plan->owner_uid, plan->owner_gid, AT_SYMLINK_NOFOLLOW) <
		            0 &&
		    errno != ENOENT)
			return fail_errno(err, object, "chown");
	return 0;
}

int furnish_below(int parent, const char *name, pid_t pid, struct error *err)
{
	owned_fd dir = tree_make(parent, name, err);
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	if (dir < 0 || fd_write_file(dir, "cgroup.procs", number, err) < 0)
		return -1;
	return take_fd(&dir);
}

static int move_below(const struct cgroup_plan *plan, pid_t pid, struct error *err)
{
	owned_fd parent = cgroup_open(plan->path, err);
	owned_fd dir = -1;

	if (parent < 0)
		return -1;
	dir = furnish_below(parent, plan->below, pid, err);
	return dir < 0 ? -1 : delegate(plan, dir, err);
}

int cgroup_move_below(const struct cgroup_plan *plan, pid_t pid, struct error *err)
{
	if (plan->below && move_below(plan, pid, err) < 0)
		return error_within(err, "annotations[\"run.oci.delegate-cgroup\"]");
	return 0;
}

int furnish(const struct cgroup_plan *plan, int dir, struct error *err)
{
	if (limits_write(dir, &plan->writes, err) < 0 ||
	    (plan->devices && devices_attach(dir, plan->devices, err) < 0))
		return -1;
	return plan->delegate ? delegate(plan, dir, err) : 0;
}
