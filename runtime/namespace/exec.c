/* SPDX-License-Identifier: Apache-2.0 */
/* A further process in a container: the parent. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "cgroups/cgroups.h"
#include "runtime/process/process.h"

#include "handshake.h"
#include "launch.h"

/* The cgroup that it is born in; -1 and no error: the container has none. */
static int find_cgroup(const struct container *c, const char *below, int *ret_cgroup,
                       struct error *err)
{
	*ret_cgroup = -1;
	if (!c->state.cgroup)
		return below ? fail(err, ERROR_UNSUPPORTED, "--cgroup",
		                    "the container has no cgroup")
		             : 0;
	*ret_cgroup = below ? cgroup_open_below(c->state.cgroup, below, err)
	                    : cgroup_open(c->state.cgroup, err);
	if (*ret_cgroup >= 0)
		return 0;
	return below ? error_within(err, "--cgroup") : -1;
}

/* A container that hands out controllers below its cgroup has no process in it any more: then the place is
 * beside its first one. */
static pid_t enter(const struct container *c, const struct join *join, int *cgroup,
                   struct exec_result *ret, bool anywhere, struct error *err)
{
	pid_t pid = join_clone(join, 0, *cgroup, &ret->pidfd, err);

	if (pid >= 0 || !anywhere || err->errnum != EBUSY)
		return pid;
	(void)close(*cgroup);
	*cgroup = cgroup_open_of(c->state.pid, c->state.cgroup, err);
	return *cgroup < 0 ? -1 : join_clone(join, 0, *cgroup, &ret->pidfd, err);
}

/* From processors of the config's choice, if it has one, until it is inside. */
static pid_t enter_from(const struct container *c, const struct process_plan *process,
                        const struct join *join, int *cgroup, struct exec_result *ret,
                        bool anywhere, struct error *err)
{
	cpu_set_t *before;
	pid_t pid;

	if (!process->cpus_initial)
		return enter(c, join, cgroup, ret, anywhere, err);
	before = arena_alloc(c->arena, 1, PROCESS_CPU_BYTES);
	if (!before)
		return arena_check(c->arena, err);
	if (sched_getaffinity(0, PROCESS_CPU_BYTES, before) < 0 ||
	    sched_setaffinity(0, PROCESS_CPU_BYTES, process->cpus_initial) < 0)
		return fail_errno(err, "process.execCPUAffinity.initial", "sched_setaffinity");
	pid = enter(c, join, cgroup, ret, anywhere, err);
	if (pid != 0 && sched_setaffinity(0, PROCESS_CPU_BYTES, before) < 0)
		log_debug("sched_setaffinity: %s", strerrordesc_np(errno));
	return pid;
}

static int launch(struct container *c, struct process_plan *process, const char *below,
                  struct exec_result *ret, int *ret_control, struct error *err)
{
	OWNED(join_release) struct join join = join_of(-1, 0, NULL);
	owned_fd cgroup = -1, ours = -1, theirs = -1;
	int ends[2];

	if (join_open(c, &join, err) < 0)
		return -1;
	if (find_cgroup(c, below, &cgroup, err) < 0)
		return -1;
	if (handshake_pair(ends, err) < 0)
		return -1;
	ours = ends[0];
	theirs = ends[1];
	join.limits = process;
	join.hide = true;
	ret->pid = enter_from(c, process, &join, &cgroup, ret, !below, err);
	if (ret->pid < 0)
		return -1;
	if (ret->pid == 0) {
		struct exec_launch l = {
			.process = process,
			.waits = process_has_priorities(process) || c->spec->linux_.intel_rdt.set,
			.control = theirs,
			.host_fds = {ours, c->dir, c->root, cgroup, join.pidfd},
		};

		exec_child_main(&l);
	}
	*ret_control = take_fd(&ours);
	return 0;
}

/* What the conversation with the new process needs. */
struct talk {
	const struct container *c;
	const struct process_plan *process;
	int control, agent; /* agent of a seccomp filter; -1 */
};

static void talk_release(struct talk *t)
{
	if (t->control >= 0)
		(void)close(take_fd(&t->control));
	if (t->agent >= 0)
		(void)close(take_fd(&t->agent));
}

/* Until execve closes the other end. */
static int converse(const struct talk *t, struct exec_result *ret, struct error *err)
{
	for (;;) {
		struct message message;
		owned_fd fd = -1;

		if (handshake_receive(t->control, &message, &fd, err) < 0)
			return -1;
		switch (message.kind) {
		case MESSAGE_CONSOLE:
			if (fd >= 0 && ret->console < 0)
				ret->console = take_fd(&fd);
			break;
		case MESSAGE_READY:
			if (group_join(t->c, ret->pid, err) < 0 ||
			    process_apply_priorities(t->process, ret->pid, err) < 0 ||
			    handshake_send(t->control, MESSAGE_GO_ON, -1, err) < 0)
				return -1;
			break;
		case MESSAGE_LISTENER:
			if (listener_give(t->agent, t->c, ret->pid, fd, err) < 0)
				return -1;
			break;
		case MESSAGE_ENDED:
			return 0;
		case MESSAGE_FAILED:
			*err = message.err;
			return -1;
		default:
			return fail(err, ERROR_SYSTEM, "handshake", "unexpected message %d",
			            message.kind);
		}
	}
}

static void abandon(struct exec_result *result)
{
	struct error ignored;

	if (process_signal(result->pidfd, SIGKILL, &ignored) < 0 && ignored.errnum != ESRCH)
		log_dropped("after a failed exec", &ignored);
	if (process_wait(result->pid, &ignored) < 0)
		log_dropped("after a failed exec", &ignored);
	(void)close(take_fd(&result->pidfd));
	if (result->console >= 0)
		(void)close(take_fd(&result->console));
}

int exec_plan(struct container *c, const struct spec_process *process,
              struct process_plan **ret_plan, struct error *err)
{
	owned_fd filters = -1;
	struct host host;

	if (host_look(&host, err) < 0)
		return -1;
	if (c->spec->linux_.seccomp.set)
		filters = process_open_filters(c->root);
	host.filters = filters;
	if (plan_exec(c->spec, process, &host, c->arena, ret_plan, err) < 0)
		return -1;
	process_keep_filter(*ret_plan, c->root);
	return 0;
}

int namespace_exec(struct container *c, const struct spec_process *process,
                   const struct exec_options *options, struct exec_result *ret_result,
                   struct error *err)
{
	OWNED(talk_release) struct talk talk = {.c = c, .control = -1, .agent = -1};
	struct process_plan *plan;

	*ret_result = (struct exec_result){.pidfd = -1, .console = -1};
	if (exec_plan(c, process, &plan, err) < 0)
		return -1;
	plan_process_flags(plan, options->preserve_fds,
	                   c->state.no_new_keyring ? NULL : plan_keyring(c->state.id, c->arena));
	talk.process = plan;
	if (plan_process_activation(plan, &options->activation, c->arena, err) < 0 ||
	    listener_connect(c, &talk.agent, err) < 0 ||
	    launch(c, plan, options->cgroup, ret_result, &talk.control, err) < 0)
		return -1;
	if (converse(&talk, ret_result, err) == 0)
		return 0;
	abandon(ret_result);
	return -1;
}
