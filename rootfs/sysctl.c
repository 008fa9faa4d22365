/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"

#include "steps.h"

/* A procfs of our own, attached nowhere, so that nothing in the image can stand in its way; where
 * none can be had (a user namespace without a pid namespace) the host's, which shows the
 * namespaces of who looks all the same. */
static int open_proc(struct error *err)
{
	int proc = rootfs_mount_plain("proc", 0, err);

	return proc < 0 ? path_open_proc(err) : proc;
}

static int write_entry(int proc, const struct rootfs_sysctl_entry *entry, struct error *err)
{
	owned_fd fd = path_open_strict(proc, entry->path, O_WRONLY, err);

	if (fd < 0) {
		err->object[0] = '\0';
		return -1;
	}
	/* at once: a second write would begin anew */
	if (write(fd, entry->value, strlen(entry->value)) < 0)
		return fail_errno(err, "", "write");
	return 0;
}

int rootfs_sysctl(struct rootfs_plan *plan, struct error *err)
{
	owned_fd proc = -1;

	if (plan->sysctls_count == 0)
		return 0;
	proc = open_proc(err);
	if (proc < 0)
		return error_within(err, "linux.sysctl");
	for (size_t i = 0; i < plan->sysctls_count; i++)
		if (write_entry(proc, &plan->sysctls[i], err) < 0)
			return error_within(err, "linux.sysctl[\"%s\"]", plan->sysctls[i].key);
	return 0;
}
