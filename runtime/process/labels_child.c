/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's security modules shall make of us at the next execve(2). It is written while /proc is still the
 * host's, and is checked to be a procfs all the same: in an image's /proc these would be files of its maker. Who is
 * born of us has it too. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/path.h"

#include "parts.h"

/* Our own directory of this procfs, by its number there: "self" is a link. */
static int own_attributes(int proc, struct error *err)
{
	char number[16], path[32];
	ssize_t length = readlinkat(proc, "self", number, sizeof(number) - 1);

	if (length <= 0)
		return fail_errno(err, "/proc/self", "readlink");
	number[length] = '\0';
	(void)snprintf(path, sizeof(path), "%s/attr", number);
	return path_open_strict(proc, path, O_PATH | O_DIRECTORY, err);
}

static int write_attribute(int directory, const char *name, const char *words, struct error *err)
{
	owned_fd fd = path_open_strict(directory, name, O_WRONLY, err);

	if (fd < 0)
		return -1;
	/* at once: a second write would begin anew */
	if (write(fd, words, strlen(words)) < 0)
		return fail_errno(err, words, "write");
	return 0;
}

int labels_write(const struct process_plan *plan, int proc, struct error *err)
{
	owned_fd attributes = own_attributes(proc, err);
	struct error ignored;
	owned_fd own = -1;

	if (attributes < 0)
		return -1;
	if (plan->selinux_label &&
	    (write_attribute(attributes, "exec", plan->selinux_label, err) < 0 ||
	     (plan->keyring &&
	      write_attribute(attributes, "keycreate", plan->selinux_label, err) < 0)))
		return error_within(err, "process.selinuxLabel");
	if (!plan->apparmor_change)
		return 0;
	/* the module's own folder, since Linux 5.1; else the one of whoever is the first module */
	own = path_open_strict(attributes, "apparmor", O_PATH | O_DIRECTORY, &ignored);
	if (write_attribute(own >= 0 ? own : attributes, "exec", plan->apparmor_change, err) < 0)
		return error_within(err, "process.apparmorProfile");
	return 0;
}

int process_apply_labels(const struct process_plan *plan, struct error *err)
{
	owned_fd proc = -1;

	if (!plan->selinux_label && !plan->apparmor_change)
		return 0;
	proc = path_open_proc(err);
	if (proc < 0)
		return error_within(err, "process");
	return labels_write(plan, proc, err);
}
