/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "parts.h"

/* What the user may open again: /dev/stdout, /dev/tty. A file that is only read, and a device, stay whose they are. */
static bool is_to_own(int fd, mode_t mode)
{
	if (S_ISREG(mode))
		return (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
	return S_ISFIFO(mode) || S_ISSOCK(mode) || isatty(fd);
}

static void own_streams(const struct process_plan *plan)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		struct host_stream is;

		stream_look(plan, fd, &is);
		if (!is.mode || is.uid == plan->uid || !is_to_own(fd, is.mode))
			continue;
		if (fchown(fd, plan->uid, (gid_t)-1) < 0)
			continue; /* a convenience: not ours to insist on */
	}
}

/* Raw calls: glibc's would signal threads that a copy of a process does not have. */
static int become(const struct process_plan *plan, struct error *err)
{
	if (!plan->keep_groups && !plan->has_groups &&
	    syscall(SYS_setgroups, plan->groups_count, plan->groups_count ? plan->groups : NULL) <
	            0)
		return fail_errno(err, "process.user.additionalGids", "setgroups");
	if (plan->has_ids)
		return 0;
	if (syscall(SYS_setresgid, plan->gid, plan->gid, plan->gid) < 0)
		return fail_errno(err, "process.user.gid", "setresgid");
	if (prctl(PR_SET_KEEPCAPS, 1) < 0)
		return fail_errno(err, "process.user.uid", "prctl");
	if (syscall(SYS_setresuid, plan->uid, plan->uid, plan->uid) < 0)
		return fail_errno(err, "process.user.uid", "setresuid");
	if (prctl(PR_SET_KEEPCAPS, 0) < 0)
		return fail_errno(err, "process.user.uid", "prctl");
	/* a change of ids takes the host's fs.suid_dumpable, which may let others of this id look into us */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return fail_errno(err, "process", "prctl");
	return 0;
}

/* A directory outside of the root could only be a descriptor of the host's that leaked in
 * (CVE-2024-21626): then the kernel's path does not begin with '/'. */
static int check_inside(struct error *err)
{
	char path[PATH_MAX];
	long n = syscall(SYS_getcwd, path, sizeof(path));

	if (n < 0)
		return fail_errno(err, "process.cwd", "getcwd");
	if (path[0] != '/')
		return fail(err, ERROR_CONFIG, "process.cwd", "is outside of the root");
	return 0;
}

int process_apply_user(const struct process_plan *plan, struct error *err)
{
	bool entered;

	(void)umask(plan->umask);
	environment_home(plan);
	environment_listen(plan);
	own_streams(plan);
	if (capabilities_bound(plan, err) < 0)
		return -1;
	/* As root first, for a folder that only root may enter, then, for one that root may not
	 * (a user's own over the network), as the user. */
	entered = (plan->in_root && strcmp(plan->cwd, "/") == 0) || chdir(plan->cwd) == 0;
	if (!entered && errno != EACCES) {
		(void)fail_errno(err, plan->cwd, "chdir");
		return error_within(err, "process.cwd");
	}
	if (become(plan, err) < 0)
		return -1;
	if (!entered && chdir(plan->cwd) < 0) {
		(void)fail_errno(err, plan->cwd, "chdir");
		return error_within(err, "process.cwd");
	}
	return strcmp(plan->cwd, "/") == 0 ? 0 : check_inside(err); /* the root is inside */
}
