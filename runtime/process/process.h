/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_PROCESS_PROCESS_H
#define RUNTIME_PROCESS_PROCESS_H

/* runtime/process: what a process is; create and exec use the same code.
 *
 * PROMISE: everything about a process (ids, sets, limits, filter, environment) is resolved to numbers
 * and bytes on the host; the child only applies it, in the order that keeps each step possible. */

#include <linux/filter.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/host.h"
#include "base/json_write.h"
#include "base/syscalls.h"
#include "spec/spec.h"

struct process_limit {
	int resource;
	struct rlimit64 limit;
};

enum {
	PROCESS_CPU_BYTES =
		1024,         /* of a set of processors: for 8192, the most that Linux can have */
	PROCESS_NODES = 1024, /* of memory, likewise */
};

/* Spec: set_mempolicy(2). */
struct process_memory {
	int mode; /* with its flags */
	unsigned long nodes[PROCESS_NODES / 8 / sizeof(unsigned long)];
};

struct process_plan {
	char **args; /* NULL-terminated */
	char **env;  /* NULL-terminated, with room for one more behind its end */
	size_t env_count;
	const char *cwd;
	bool terminal;
	unsigned short rows, columns; /* 0: not given */
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t groups_count;
	bool keep_groups; /* setgroups is denied in this user namespace: leave them */
	mode_t umask;
	uint64_t bounding, effective, inheritable, permitted, ambient;
	uint64_t ignored_signals; /* that were left to us, and are to be as by default */
	bool no_new_privileges;
	struct process_limit *limits;
	size_t limits_count;
	struct maybe_i64 oom_score_adj;
	struct sys_sched_attr
		*scheduler;            /* NULL: that of who starts it; in the arena as all here */
	struct maybe_i64 io_priority;  /* of ioprio_set(2) */
	struct process_memory *memory; /* NULL: no policy */
	struct maybe_u64 personality;  /* of personality(2) */
	cpu_set_t *cpus_initial,
		*cpus_final;        /* of a process of exec; PROCESS_CPU_BYTES; NULL: any */
	struct sock_filter *filter; /* NULL: no seccomp */
	unsigned short filter_length;
	unsigned int filter_flags; /* SECCOMP_FILTER_FLAG_… */
	bool new_keyring;          /* a session keyring of its own */
	unsigned int preserve_fds; /* descriptors 3 … are kept */
	int channel;               /* kept too, whatever its number; 0: none */
};

/* Resolve. process may differ from spec->process (exec).
 * ret_plan  in arena.
 * Returns   0, or -1 and *err with the JSON path: unknown capability, one that this host doesn't grant, unknown
 *           rlimit; and, by name, what is not there yet: apparmorProfile, selinuxLabel, seccomp notify. */
int process_plan(const struct spec *spec, const struct spec_process *process,
                 const struct host *host, struct arena *arena, struct process_plan **ret_plan,
                 struct error *err) FALLIBLE;

void process_print(const struct process_plan *plan, struct json_writer *w, const char *key);

/* The steps, in the child, in this order; each returns 0, or -1 and *err. None allocates. */

/* Limits of a process (0: this one), as far as the host's rights are wanted for them: what is inside
 * a new user namespace can't raise them. Context: any. Spec: prlimit(2). */
int process_apply_rlimits(const struct process_plan *plan, pid_t pid, struct error *err) FALLIBLE;
/* Scheduler and priority of input and output, which who has rights on the host sets for a process that waits.
 * Context: host; the first, any. Spec: sched_setattr(2), ioprio_set(2). */
bool process_has_priorities(const struct process_plan *plan);
int process_apply_priorities(const struct process_plan *plan, pid_t pid,
                             struct error *err) FALLIBLE;
/* Memory policy and personality. Context: child. Spec: set_mempolicy(2), personality(2). */
int process_apply_policy(const struct process_plan *plan, struct error *err) FALLIBLE;
/* The processors of a process of exec. Context: child. Spec: sched_setaffinity(2). */
int process_apply_affinity(const struct process_plan *plan, struct error *err) FALLIBLE;
/* Limits, oom score, keyring. Needs /proc. Context: child, with full rights, before the root is entered. */
int process_apply_limits(const struct process_plan *plan, struct error *err) FALLIBLE;
/* New session, controlling terminal (slave >= 0, becomes 0, 1, 2), its size. */
int process_apply_terminal(const struct process_plan *plan, int slave, struct error *err) FALLIBLE;
/* Umask, HOME, bounding set, groups, gid, uid, keeping permitted capabilities for the last step; then
 * cwd, checked to be inside the root. Context: child, in the root. */
int process_apply_user(const struct process_plan *plan, struct error *err) FALLIBLE;
/* Find args[0] as the user would, in PATH of plan->env. The path is left in found (size PATH_MAX).
 * Errors  "executable file not found in $PATH", or the kernel's words: "no such file or directory", "permission denied". */
int process_find(const struct process_plan *plan, char *found, size_t size,
                 struct error *err) FALLIBLE;
/* Capabilities, no_new_privs, seccomp, in the order that noNewPrivileges asks for; close-on-exec for all but preserved
 * descriptors; signals reset. Only execve(2) may follow. */
int process_apply_last(const struct process_plan *plan, struct error *err) FALLIBLE;

/* Write maps of a process's new user namespace: directly with rights or for the own single id, else
 * with newuidmap(1) and newgidmap(1).
 * pid_dir_pid  the process. Context: host. Returns 0, or -1 and *err ("linux.uidMappings"). */
int process_write_id_maps(pid_t pid, const id_map_list *uids, const id_map_list *gids,
                          const struct host *host, struct error *err) FALLIBLE;

/* Words for `features`. */
const char *const *process_capability_names(size_t *ret_count);
const char *const *process_seccomp_actions(size_t *ret_count);
const char *const *process_seccomp_operators(size_t *ret_count);
const char *const *process_seccomp_archs(size_t *ret_count);
const char *const *process_seccomp_flags(size_t *ret_count); /* known and supported alike */

/* "CAP_KILL" to its number; -1 unknown. */
int process_capability(const char *name);

#endif
