/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_NAMESPACE_LAUNCH_H
#define RUNTIME_NAMESPACE_LAUNCH_H

#include "namespace.h"

/* In the state directory from create to start: who connects may say START. */
#define START_SOCKET "start.sock"

/* What the child needs; everything is resolved before clone. */
struct launch {
	struct plan *plan;
	int control;     /* the child's end of the handshake */
	int listener;    /* start.sock; -1 when the creator starts at once */
	int host_fds[4]; /* the parent's own, closed first: nothing of the host's stays open */
	bool hooks;      /* the parent has hooks to run while we wait */
};

/* Be the container's first process. Context: child. */
_Noreturn void child_main(struct launch *launch);

/* A further process in an existing container. Context: child. */
struct exec_launch {
	const struct process_plan *process;
	int control;
	int host_fds[5];
};
_Noreturn void exec_child_main(struct exec_launch *launch);

/* Namespaces to enter before the child is cloned. */
struct join {
	int pidfd;                          /* those of this process by flags; -1 */
	int flags;                          /* CLONE_NEW… */
	int fds[NAMESPACE_TYPES];           /* or one by one, in this order; -1: none */
	const char *names[NAMESPACE_TYPES]; /* for errors: JSON paths */
	const struct process_plan
		*limits; /* applied before entering, while /proc/self is ours; NULL */
};

/* Clone a child of ours that is inside these namespaces; a short-lived process goes in first, because
 * a pid namespace is entered only by being born in it.
 * Returns  the pid, 0 in the child, -1 and *err. ret_pidfd is the caller's. */
pid_t join_clone(const struct join *join, uint64_t clone_flags, int cgroup, int *ret_pidfd,
                 struct error *err) FALLIBLE;

/* The CLONE_NEW… flags of a set of enum namespace_type bits. */
int join_flags(unsigned int namespaces);

/* A hook's way into the container. process NULL: as whoever we are. */
struct hook_entry {
	int pidfd;
	int flags;
	const struct process_plan *process;
};
int join_for_hook(void *entry, struct error *err) FALLIBLE;

/* The executor's operations. */
int namespace_protect(char *const *argv, struct error *err) FALLIBLE;
int namespace_create(struct container *c, struct plan *plan, struct error *err) FALLIBLE;
int namespace_start(struct container *c, struct error *err) FALLIBLE;
int namespace_exec(struct container *c, const struct spec_process *process,
                   const struct exec_options *options, struct exec_result *ret_result,
                   struct error *err) FALLIBLE;
int namespace_signal(struct container *c, int signum, bool all, struct error *err) FALLIBLE;
int namespace_pause(struct container *c, struct error *err) FALLIBLE;
int namespace_resume(struct container *c, struct error *err) FALLIBLE;
int namespace_update(struct container *c, const struct spec_resources *resources,
                     struct error *err) FALLIBLE;
int namespace_processes(struct container *c, pid_t **ret_pids, size_t *ret_count,
                        struct error *err) FALLIBLE;
int namespace_stats(struct container *c, struct arena *arena, struct stats *ret,
                    struct error *err) FALLIBLE;
int namespace_watch(struct container *c, int timeout_ms, enum container_event *ret,
                    struct error *err) FALLIBLE;
int namespace_look(struct container *c, enum container_status *ret_status,
                   struct error *err) FALLIBLE;
int namespace_destroy(struct container *c, struct error *err) FALLIBLE;

#endif
