/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/signals.h"
#include "base/syscalls.h"

#include "parts.h"

static int filter(const struct process_plan *plan, const struct process_listener *l,
                  struct error *err)
{
	struct sock_fprog program = {.len = plan->filter_length, .filter = plan->filter};
	unsigned int flags = plan->filter_flags;
	owned_fd listener = -1;
	int loaded;

	if (!plan->filter)
		return 0;
	if (!l) /* without a listener there is nothing to wait for */
		flags &= ~(unsigned int)(SECCOMP_FILTER_FLAG_NEW_LISTENER |
		                         SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	loaded = sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
	if (loaded < 0)
		return fail_errno(err, "linux.seccomp", "load the filter");
	if (!l || !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return 0;
	listener = loaded;
	return l->send(l->to, listener, err);
}

int process_apply_last(const struct process_plan *plan, const struct process_listener *listener,
                       struct error *err)
{
	if (fd_cloexec_from(3 + plan->preserve_fds, err) < 0)
		return -1;
	if (plan->channel > 0 && fcntl(plan->channel, F_SETFD, 0) < 0)
		return fail_errno(err, "process", "keep a descriptor");
	signals_reset_those(plan->ignored_signals);
	if (plan->no_new_privileges) {
		if (capabilities_set(plan, err) < 0)
			return -1;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return fail_errno(err, "process.noNewPrivileges", "prctl");
		return filter(plan, listener, err);
	}
	/* Without it only CAP_SYS_ADMIN may load a filter: before that right is given away. */
	if (capabilities_raise(err) < 0 || filter(plan, listener, err) < 0)
		return -1;
	return capabilities_set(plan, err);
}
