/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/open_files.h"
#include "base/own.h"
#include "base/table.h"
#include "runtime/process/process.h"

#include "doors.h"
#include "handshake.h"
#include "launch.h"

/* In the order of enum namespace_type. */
static const int flag_of[NAMESPACE_TYPES] = {
	CLONE_NEWUSER, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWUTS,
	CLONE_NEWNET,  CLONE_NEWPID,    CLONE_NEWNS,  CLONE_NEWTIME,
};

int join_flags(unsigned int namespaces)
{
	int flags = 0;

	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (namespaces & (1U << i))
			flags |= flag_of[i];
	return flags;
}

/* Raw calls: glibc's would signal threads that a copy of a process does not have. */
static int set_ids(uid_t uid, gid_t gid)
{
	return syscall(SYS_setresgid, gid, gid, gid) < 0 ||
	                       syscall(SYS_setresuid, uid, uid, uid) < 0
	               ? -1
	               : 0;
}

int join_become(const struct spec_user *user, struct error *err)
{
	if (set_ids(0, 0) == 0 || (errno == EINVAL && set_ids(user->uid, user->gid) == 0))
		return 0;
	return fail_errno(err, "linux.uidMappings", "become root of the user namespace");
}

struct join join_of(int pidfd, int flags, const struct spec_user *user)
{
	struct join join = {.pidfd = pidfd, .flags = flags, .user = user};

	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		join.fds[i] = -1;
	return join;
}

int join_open(const struct container *c, struct join *ret_join, struct error *err)
{
	const struct process_identity who = {.pid = c->state.pid,
	                                     .start_time = c->state.start_time};
	int pidfd = process_open(&who, err);

	if (pidfd < 0)
		return -1;
	*ret_join = join_of(pidfd, 0, &c->spec->process.user);
	if (!doors_ask(c, ret_join->fds))
		ret_join->flags = join_flags(c->state.namespaces);
	return 0;
}

void join_release(struct join *join)
{
	if (join->pidfd >= 0)
		(void)close(take_fd(&join->pidfd));
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (join->fds[i] >= 0)
			(void)close(take_fd(&join->fds[i]));
}

static bool joins(const struct join *j, enum namespace_type type)
{
	return j->fds[type] >= 0 || (j->flags & flag_of[type]);
}

static int enter_namespaces(const struct join *j, struct error *err)
{
	if (j->pidfd >= 0 && j->flags && setns(j->pidfd, j->flags) < 0)
		return fail_errno(err, "container", "setns");
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (j->fds[i] >= 0 && setns(j->fds[i], flag_of[i]) < 0)
			return fail_errno(err, j->names[i] ? j->names[i] : "namespace", "setns");
	return 0;
}

static int enter(const struct join *j, struct error *err)
{
	if (j->limits && process_apply_limits(j->limits, err) < 0)
		return -1;
	/* A process of the container must not look into us once we are there. */
	if (j->hide && prctl(PR_SET_DUMPABLE, 0) < 0)
		return fail_errno(err, "process", "prctl");
	if (enter_namespaces(j, err) < 0)
		return -1;
	return joins(j, NAMESPACE_USER) && j->user ? join_become(j->user, err) : 0;
}

pid_t join_clone(const struct join *join, uint64_t clone_flags, int cgroup, int *ret_pidfd,
                 struct error *err)
{
	owned_fd ours = -1, theirs = -1;
	struct message message;
	struct error ignored;
	pid_t usher, pid;
	int ends[2];

	if (handshake_pair(ends, err) < 0)
		return -1;
	ours = ends[0];
	theirs = ends[1];
	usher = process_clone(0, cgroup, NULL, err);
	if (usher < 0)
		return -1;
	if (usher == 0) {
		struct error why = {0};

		if (enter(join, &why) < 0)
			handshake_fail(theirs, &why);
		pid = process_clone(clone_flags | CLONE_PARENT, -1, NULL, &why);
		if (pid < 0)
			handshake_fail(theirs, &why);
		if (pid == 0) {
			(void)close(take_fd(&ours));
			(void)close(take_fd(&theirs));
			return 0;
		}
		_exit(handshake_send_pid(theirs, pid, &why) < 0);
	}
	(void)close(take_fd(&theirs));
	if (handshake_receive(ours, &message, NULL, err) < 0)
		message.kind = MESSAGE_ENDED;
	if (process_wait(usher, &ignored) < 0)
		message.kind = MESSAGE_ENDED;
	if (message.kind == MESSAGE_FAILED) {
		*err = message.err;
		return -1;
	}
	if (message.kind != MESSAGE_PID)
		return fail(err, ERROR_SYSTEM, "container", "its process ended unexpectedly");
	*ret_pidfd = pidfd_open(message.pid, 0);
	if (*ret_pidfd < 0)
		return fail_errno(err, "container", "pidfd_open");
	return message.pid;
}

int join_for_hook(void *data, struct error *err)
{
	const struct hook_entry *entry = data;
	struct error ignored;
	pid_t pid;

	/* as enter(): until the hook's own program runs */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return fail_errno(err, "process", "prctl");
	if (enter_namespaces(entry->join, err) < 0)
		return -1;
	/* as who made the bundle: the container's root may have no way there */
	if (entry->bundle && chdir(entry->bundle) < 0 && chdir("/") < 0)
		return fail_errno(err, "/", "chdir");
	if (joins(entry->join, NAMESPACE_USER) && join_become(entry->join->user, err) < 0)
		return -1;
	if (joins(entry->join, NAMESPACE_PID)) {
		int status;

		pid = process_clone(0, -1, NULL, err); /* born in the pid namespace */
		if (pid < 0)
			return -1;
		if (pid > 0) {
			(void)syscall(SYS_close_range, 3, ~0U,
			              0); /* the report's end is the hook's alone */
			status = process_wait(pid, &ignored);
			_exit(status < 0 ? 126 : status);
		}
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	if (entry->process && process_apply_user(entry->process, err) < 0)
		return -1;
	open_files_restore();
	return !entry->process ? 0 : process_apply_last(entry->process, NULL, err);
}
