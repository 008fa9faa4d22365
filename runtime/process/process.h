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
	PROCESS_ENV_MORE = 4, /* HOME and three of sd_listen_fds(3) */
};

/* Spec: set_mempolicy(2). */
struct process_memory {
	int mode; /* with its flags */
	unsigned long nodes[PROCESS_NODES / 8 / sizeof(unsigned long)];
};

struct process_plan {
	char **args; /* NULL-terminated */
	char **env;  /* NULL-terminated, with room for PROCESS_ENV_MORE behind its end */
	size_t env_count;
	char *listen_pid; /* of them, "LISTEN_PID=" and room for the number; NULL: none */
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
	const char *filter_key; /* what the filter was made of: bytes, for process_keep_filter() */
	size_t filter_key_length; /* 0: not to be kept, or it is */
	const char *keyring;      /* name of the session keyring; NULL: that of who starts it */
	const char *apparmor_profile, *apparmor_change; /* NULL: none; what the kernel is told */
	const char *selinux_label;                      /* NULL: none */
	/* what it has from who starts it: where that is not known, it is asked for or set all the same */
	struct host_stream streams[HOST_STREAMS]; /* what 0, 1 and 2 are; mode 0: not known */
	uint64_t absent;                          /* what its bounding set has not got */
	bool has_ids;                             /* its ids are those that it shall have */
	bool has_groups;                          /* likewise */
	bool no_ambient;                          /* it has no ambient capabilities */
	uid_t owner;                              /* who it is, as its user namespace has it */
	bool in_root;              /* its working directory is the root, when its user is applied */
	unsigned int preserve_fds; /* descriptors 3 … are kept */
	int channel;               /* kept too, whatever its number; 0: none */
};

/* Resolve. process may differ from spec->process (exec).
 * ret_plan  in arena.
 * Returns   0, or -1 and *err with the JSON path: unknown rlimit; what this kernel or build has not, by name. A
 *           capability that is unknown or that this host doesn't grant is left out, with a warning. */
int process_plan(const struct spec *spec, const struct spec_process *process,
                 const struct host *host, struct arena *arena, struct process_plan **ret_plan,
                 struct error *err) FALLIBLE;

/* Tell the program of sockets that it finds at the first preserved descriptors: LISTEN_FDS, LISTEN_PID,
 * LISTEN_FDNAMES, in place of the config's own. Returns 0, or -1 and *err. */
int process_plan_sockets(struct process_plan *plan, unsigned int count, const char *names,
                         struct arena *arena, struct error *err) FALLIBLE;

void process_print(const struct process_plan *plan, struct json_writer *w, const char *key);

/* The steps, in the child, in this order; each returns 0, or -1 and *err. None allocates. */

/* Limits and oom score of a process (0: this one), whose user namespace may have no right to them: there a hard limit
 * can't be raised, nor the score be lowered. Context: any. Spec: prlimit(2), proc_pid_oom_score_adj(5). */
int process_apply_limits_to(const struct process_plan *plan, pid_t pid, struct error *err) FALLIBLE;
/* Scheduler and priority of input and output, which who has rights on the host sets for a process that waits.
 * Context: host; the first, any. Spec: sched_setattr(2), ioprio_set(2). */
bool process_has_priorities(const struct process_plan *plan);
int process_apply_priorities(const struct process_plan *plan, pid_t pid,
                             struct error *err) FALLIBLE;
/* Memory policy and personality. Context: child. Spec: set_mempolicy(2), personality(2). */
int process_apply_policy(const struct process_plan *plan, struct error *err) FALLIBLE;
/* The processors of a process of exec, in the end: process.execCPUAffinity.final, else all that its cgroup has.
 * Context: child, in its cgroup. Spec: sched_setaffinity(2). */
int process_apply_affinity(const struct process_plan *plan, struct error *err) FALLIBLE;
/* AppArmor profile, SELinux label. Needs /proc, the host's. Context: child. Spec: proc(5), "attr". */
int process_apply_labels(const struct process_plan *plan, struct error *err) FALLIBLE;
/* The session keyring, in the user namespace it is for. Context: child. Spec: session-keyring(7). */
int process_apply_keyring(const struct process_plan *plan, struct error *err) FALLIBLE;
/* Limits, oom score, labels. Needs /proc. Context: child, with full rights, before the root is entered. */
int process_apply_limits(const struct process_plan *plan, struct error *err) FALLIBLE;
/* New session, controlling terminal (slave >= 0, becomes 0, 1, 2), its size. */
int process_apply_terminal(const struct process_plan *plan, int slave, struct error *err) FALLIBLE;
/* Whether one of 0, 1, 2 is the null device, and another one in the place of each that is. Context: child. */
bool process_has_null(const struct process_plan *plan);
int process_apply_null(const struct process_plan *plan, int null, struct error *err) FALLIBLE;
/* Umask, HOME, bounding set, groups, gid, uid, keeping permitted capabilities for the last step; then
 * cwd, checked to be inside the root. Context: child, in the root. */
int process_apply_user(const struct process_plan *plan, struct error *err) FALLIBLE;
/* Find args[0] as the user would, in PATH of plan->env. The path is left in found (size PATH_MAX).
 * Errors  "executable file not found in $PATH", or the kernel's words: "no such file or directory", "permission denied". */
int process_find(const struct process_plan *plan, char *found, size_t size,
                 struct error *err) FALLIBLE;
/* How the listener of a filter with SCMP_ACT_NOTIFY gets out: by send, over the socket `to`. */
struct process_listener {
	int (*send)(int to, int listener, struct error *err) FALLIBLE;
	int to;
};
/* What execve(2) of a program that was found has failed for: names the interpreter that is missing. Context: child. */
void process_explain_exec(const char *program, int errnum, struct error *err);
/* The interpreter that a file of this head names, cut where there is no room. false: none, or the head is damaged. */
bool process_interpreter(const char *head, size_t length, char *ret, size_t size);
/* Where it may have few files open: that limit, which process_apply_limits() has left alone. Before the filter, which
 * may forbid it, and with no descriptor to be opened any more but the filter's own. */
int process_apply_files(const struct process_plan *plan, struct error *err) FALLIBLE;
/* Capabilities, no_new_privs, seccomp, in the order that noNewPrivileges asks for; close-on-exec for all but preserved
 * descriptors; signals reset. Only execve(2) may follow.
 * listener  NULL: nobody will answer, so that the kernel refuses such calls with ENOSYS (a hook). */
int process_apply_last(const struct process_plan *plan, const struct process_listener *listener,
                       struct error *err) FALLIBLE;

/* Maps for a user namespace of who has no rights without one, as crun gives them: inside, user is who we are outside,
 * and the ids around it are those that /etc/subuid and /etc/subgid give us. Where one of them gives none, or
 * newuidmap(1) is not there to write such maps, user is all.
 *
 * ret_…    in arena.
 * Returns  0, or -1: no memory. Context: host. Spec: subuid(5), subgid(5). */
int process_plan_id_maps(const struct spec_user *user, const struct host *host, struct arena *arena,
                         id_map_list *ret_uids, id_map_list *ret_gids) FALLIBLE;

/* Write maps of a process's new user namespace: directly with rights or for the own single id, else
 * with newuidmap(1) and newgidmap(1).
 * Returns  0, or -1 and *err ("linux.uidMappings"). Context: host. Spec: user_namespaces(7). */
int process_write_id_maps(pid_t pid, const id_map_list *uids, const id_map_list *gids,
                          const struct host *host, struct error *err) FALLIBLE;

/* Read the maps of a user namespace, with the ids that they have in ours.
 *
 * ns          its descriptor; borrowed. Who may not enter it may not read them.
 * ret_uids, ret_gids  in arena; nothing where it has not been mapped yet.
 * Returns     0, or -1 and *err. Context: host. Spec: user_namespaces(7). */
int process_read_id_maps(int ns, struct arena *arena, id_map_list *ret_uids, id_map_list *ret_gids,
                         struct error *err) FALLIBLE;

/* Refuse maps that don't mean what the namespace has; in which order and in how many pieces they say it is their own.
 * Returns  0, or -1 and *err (member). Context: host. */
int process_compare_id_maps(const char *member, const id_map_list *asked, const id_map_list *real,
                            struct arena *arena, struct error *err) FALLIBLE;

/* Filters made before, by content, in a directory below the state directory; for struct host.
 * Returns   its descriptor, the caller's; -1 where there is none that is ours alone.
 * Context   host. */
int process_open_filters(int root);
/* Keep the filter of a plan that was not found there. A store that can't be written is none: that is logged.
 * Context  host. */
void process_keep_filter(const struct process_plan *plan, int root);
/* What a file of it says: the filter, when the key is this one.
 * Returns  whether it does; the filter points into bytes, which are aligned for any type. */
bool process_read_filter(const char *bytes, size_t length, const char *key, size_t key_length,
                         struct sock_filter **ret_filter, unsigned short *ret_length);

/* Whether this kernel has the module, and it is on. Context: host. */
bool process_has_apparmor(void);
bool process_has_selinux(void);

/* Make a user namespace with these maps, in which no process is: an id-mapped mount takes its ids from it.
 * Needs the host's rights over ids.
 * Returns  its descriptor, the caller's; or -1 and *err, whose object begins with the map's member.
 * Context  host; a short-lived process is born and waited for.
 * Spec     mount_setattr(2), MOUNT_ATTR_IDMAP. */
int process_user_namespace(const id_map_list *uids, const id_map_list *gids,
                           struct error *err) FALLIBLE;

/* Words for `features`. */
const char *const *process_capability_names(size_t *ret_count);
const char *const *process_seccomp_actions(size_t *ret_count);
const char *const *process_seccomp_operators(size_t *ret_count);
const char *const *process_seccomp_archs(size_t *ret_count);
const char *const *process_seccomp_flags(size_t *ret_count);
const char *const *process_seccomp_supported_flags(size_t *ret_count); /* by this kernel */

/* The version of libseccomp that makes filters: "2.5.4". */
void process_seccomp_library(char *ret, size_t size);

/* "CAP_KILL" to its number; -1 unknown. */
int process_capability(const char *name);

#endif
