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
	int host_fds[5]; /* the parent's own, closed first: nothing of the host's stays open */
	bool hooks;      /* the parent has hooks to run while we wait */
	bool privileged; /* the parent is root of the host */
	bool doors;      /* it is not, and will want to enter: doors.h */
	bool hidden; /* from birth: those who are in our pid namespace already may not look into us */
};

/* Be the container's first process. Context: child. */
_Noreturn void child_main(struct launch *launch);

/* A further process in an existing container. Context: child. */
struct exec_launch {
	const struct process_plan *process;
	bool waits; /* the parent has something to do for it before execve */
	int control;
	int host_fds[5];
};
_Noreturn void exec_child_main(struct exec_launch *launch);

/* Change the mounts of an existing container. Context: child, inside it. */
struct mounts_launch {
	struct rootfs_plan *plan;
	enum mounts_change change;
	int proc; /* the host's procfs */
	int control;
	int host_fds[4];
};
_Noreturn void mounts_child_main(struct mounts_launch *launch);

/* Make the user namespaces of id-mapped mounts and copy the sources that need the host's rights; the
 * copies are the plan's (rootfs_close_sources()). spec is the container's. Returns 0, or -1 and *err with
 * the JSON path; nothing is open then. */
int sources_open(const struct spec *spec, struct rootfs_plan *plan, struct error *err) FALLIBLE;

/* The container as no other is called, of any time, for its cgroup; in c->arena, NULL: no room, which that notes. */
const char *launch_owner(const struct container *c);

/* Namespaces to enter before the child is cloned. */
struct join {
	int pidfd;                          /* those of this process by flags; -1 */
	int flags;                          /* CLONE_NEW… */
	int fds[NAMESPACE_TYPES];           /* or one by one, in this order; -1: none */
	const char *names[NAMESPACE_TYPES]; /* for errors: JSON paths */
	const struct process_plan
		*limits; /* applied before entering, while /proc/self is ours; NULL */
	bool hide;       /* nobody in there may look into us */
	const struct spec_user
		*user; /* the container's, to be who rules there: join_become(); NULL */
};

/* Those of a container that is there: by its first process, or by its doors.
 * ret_join  for join_release().
 * Returns   0, or -1 and *err (ESRCH: that has ended). Context: host. */
int join_open(const struct container *c, struct join *ret_join, struct error *err) FALLIBLE;
void join_release(struct join *join);
/* Those with these flags of the process of a pidfd, which is borrowed. */
struct join join_of(int pidfd, int flags, const struct spec_user *user);

/* Who is in a user namespace has every right there, but its ids only after asking: those of its root, or, where
 * nobody is mapped to that, of the container's user, who is. Context: child.
 * Returns  0, or -1 and *err. */
int join_become(const struct spec_user *user, struct error *err) FALLIBLE;

/* Clone a child of ours that is inside these namespaces; a short-lived process goes in first, because
 * a pid namespace is entered only by being born in it.
 * Returns  the pid, 0 in the child, -1 and *err. ret_pidfd is the caller's. */
pid_t join_clone(const struct join *join, uint64_t clone_flags, int cgroup, int *ret_pidfd,
                 struct error *err) FALLIBLE;

/* The CLONE_NEW… flags of a set of enum namespace_type bits. */
int join_flags(unsigned int namespaces);

/* A hook's way into the container. process NULL: as whoever we are. bundle NULL: in the directory of the process. */
struct hook_entry {
	const struct join *join;
	const char *bundle;
	const struct process_plan *process;
};
int join_for_hook(void *entry, struct error *err) FALLIBLE;

/* The plan of a further process of a container, with the filter that was made for it before.
 * ret_plan in c->arena. Context: host. */
int exec_plan(struct container *c, const struct spec_process *process,
              struct process_plan **ret_plan, struct error *err) FALLIBLE;

/* The resctrl group of a container: made before its process runs, with a note in the state directory of what was
 * made; joined by a further process (content where the config has none); removed. Context: host. */
int group_make(const struct container *c, const struct plan *plan, struct error *err) FALLIBLE;
int group_join(const struct container *c, pid_t pid, struct error *err) FALLIBLE;
int group_remove(const struct container *c, struct error *err) FALLIBLE;

/* linux.netDevices: give them to the namespace that the container's first process is in. Context: host.
 * Returns 0, or -1 and *err; either way what has moved is in *ret, for devices_take_back(). */
int devices_give(const struct container *c, const struct plan *plan, struct moved *ret,
                 struct error *err) FALLIBLE;
/* Give back what is held of a container whose processes have ended. What can't be is left to the kernel, with a
 * warning. Returns 0, or -1 and *err: try again. Context: host. */
int devices_end(const struct container *c, struct error *err) FALLIBLE;

/* The agent of a seccomp filter with SCMP_ACT_NOTIFY: found before the program may run, told when the filter is
 * loaded. ret_agent is -1 where no call waits for one; else the caller's.
 * Context: host. Spec: runtime-spec 1.3 config-linux.md, "The Container Process State". */
int listener_connect(const struct container *c, int *ret_agent, struct error *err) FALLIBLE;
/* Hand it the listener (borrowed) of this process. */
int listener_give(int agent, const struct container *c, pid_t pid, int listener,
                  struct error *err) FALLIBLE;

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
int namespace_mounts(struct container *c, enum mounts_change change, const mount_list *mounts,
                     struct error *err) FALLIBLE;
int namespace_checkpoint(struct container *c, const struct checkpoint_options *options,
                         struct error *err) FALLIBLE;
int namespace_restore(struct container *c, struct plan *plan,
                      const struct checkpoint_options *options, struct error *err) FALLIBLE;
int namespace_look(struct container *c, enum container_status *ret_status,
                   struct error *err) FALLIBLE;
int namespace_destroy(struct container *c, struct error *err) FALLIBLE;

#endif
