/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

/* runtime: a container's life, and THE CONTRACT.
 *
 * PROMISE: callers (command line, engines' shim) use the verbs below; which operation is allowed in
 * which state is one table in lifecycle.c; what carries it out is a struct executor. This room names none. */

#include <signal.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/process.h"
#include "base/table.h"
#include "runtime/plan/plan.h"
#include "spec/spec.h"

/* One container as one process of ours has it in hand. Made and freed by the verbs. */
struct container {
	struct arena *arena;
	struct state state; /* what state.json says; status is looked up anew by container_open() */
	const struct spec *spec; /* the config as it was at create; NULL until container_config() */
	int root;                /* descriptor of the state directory of all containers */
	int dir;                 /* descriptor of $ROOT/ID, locked while we change it; -1 */
	int cgroups;             /* executor's: the top of the cgroup tree, while it is open; -1 */
	int born_in;             /* executor's: the cgroup that the first process is born in; -1 */
	int control;             /* executor's: the channel to a process that waits for start; -1 */
	bool listens;            /* executor's: it waits on a socket for who else may start it */
	int init;                /* pidfd of the first process, when we made it; -1 */
	int console;             /* master of its terminal after create, the caller takes it; -1 */
	bool guest_log;          /* of create_options */
	struct container_watch watch; /* executor's, closed with the container */
	const struct executor *executor;
	const struct executor *traced; /* the one inside, when executor only logs */
};

/* What exec asks for beside the process. */
struct exec_options {
	unsigned int preserve_fds;
	struct socket_activation activation;
	const char *cgroup; /* "/NAME" below the container's cgroup; NULL: where the container is */
	bool ignore_paused; /* it may be made where it runs only after resume; until then exec waits */
};

/* A process that exec made. */
struct exec_result {
	pid_t pid;
	int pidfd;   /* the caller's */
	int console; /* the caller's, or -1 */
};

enum mounts_change { MOUNTS_ADD, MOUNTS_REMOVE };

/* Of checkpoint and restore; what says nothing else is for both. Texts are borrowed. */
enum checkpoint_cgroups {
	CGROUPS_UNSAID,
	CGROUPS_SOFT,
	CGROUPS_FULL,
	CGROUPS_STRICT,
	CGROUPS_IGNORE
};
/* What people and engines call those that can be said. */
enum { CHECKPOINT_CGROUPS_WORDS = 4 };
extern const struct word checkpoint_cgroups_words[CHECKPOINT_CGROUPS_WORDS];
enum checkpoint_lock { LOCK_UNSAID, LOCK_IPTABLES, LOCK_NFTABLES };
struct checkpoint_options {
	const char *criu; /* CRIU's program; NULL: in PATH */
	int images, work; /* directories, borrowed: for the images; for logs and the like, or -1 */
	const char *parent;              /* checkpoint: images of the one before, below images */
	const char *page_server_address; /* checkpoint: pages go there; NULL: into images */
	unsigned int page_server_port;
	int status_fd; /* checkpoint: gets a byte when pages are served; -1 */
	enum checkpoint_cgroups cgroups;
	enum checkpoint_lock lock;
	const char *lsm_profile, *lsm_mount_context; /* restore */
	bool leave_running, pre_dump;                /* checkpoint: it goes on; only its memory */
	bool tcp_established, tcp_skip_in_flight, tcp_close;
	bool ext_unix_sk, shell_job, file_locks, link_remap, auto_dedup, lazy_pages;
	bool empty_network; /* a network namespace of its own is dumped and restored without what is in it */
};

/* What a list of processes says of one, as texts. */
struct process_words {
	pid_t pid;
	const char *parent, *user, *command;
};

/* THE CONTRACT. A member that is NULL is refused by the caller with one sentence. All: 0, or -1 and *err. */
struct executor {
	const char *name; /* --executor, state.json */
	/* Called first of all by programs that will create, start or exec: may execute this program
	 * anew with the same arguments; returns when it is safe to go on. NULL: it is. */
	int (*protect)(char *const *argv, struct error *err) FALLIBLE;
	/* Change what is planned for this host: the container may run elsewhere than what runs here for it.
	 * request->spec, which is the config's, is replaced, not changed; in arena. NULL: it runs here. */
	int (*prepare)(struct plan_request *request, struct arena *arena,
	               struct error *err) FALLIBLE;
	/* Make the container up to where start lets its program run: state.pid, init, control and
	 * console are set. On -1 nothing is left. */
	int (*create)(struct container *c, struct plan *plan, struct error *err) FALLIBLE;
	/* Let the program run; returns when execve has happened or failed. */
	int (*start)(struct container *c, struct error *err) FALLIBLE;
	/* c->spec is there. */
	int (*exec)(struct container *c, const struct spec_process *process,
	            const struct exec_options *options, struct exec_result *ret_result,
	            struct error *err) FALLIBLE;
	int (*signal)(struct container *c, int signum, bool all, struct error *err) FALLIBLE;
	int (*pause)(struct container *c, struct error *err) FALLIBLE;
	int (*resume)(struct container *c, struct error *err) FALLIBLE;
	/* Change limits: all of them, or on -1 none. */
	int (*update)(struct container *c, const struct spec_resources *resources,
	              struct error *err) FALLIBLE;
	int (*processes)(struct container *c, pid_t **ret_pids, size_t *ret_count,
	                 struct error *err) FALLIBLE;
	/* Likewise, with words, in c->arena. NULL: they are in this kernel's /proc. */
	int (*describe)(struct container *c, struct process_words **ret_words, size_t *ret_count,
	                struct error *err) FALLIBLE;
	/* What it uses now, in arena; parts that nobody counts are not set. */
	int (*stats)(struct container *c, struct arena *arena, struct stats *ret,
	             struct error *err) FALLIBLE;
	/* Wait at most timeout_ms (-1: for ever) for an event; c->watch is kept from call to call.
	 * EVENT_NONE: none yet, or the wait was interrupted. */
	int (*watch)(struct container *c, int timeout_ms, enum container_event *ret,
	             struct error *err) FALLIBLE;
	/* Mount these in it, or unmount what is at their destinations: all, or on -1 none. c->spec is there. */
	int (*mounts)(struct container *c, enum mounts_change change, const mount_list *mounts,
	              struct error *err) FALLIBLE;
	/* Write all that its processes are to images; unless they are left running they are gone then. On -1 they run
	 * on. c->spec is there. */
	int (*checkpoint)(struct container *c, const struct checkpoint_options *options,
	                  struct error *err) FALLIBLE;
	/* In place of create and start: its processes go on as the images have them. state.pid, init and console are
	 * set. On -1 nothing is left. */
	int (*restore)(struct container *c, struct plan *plan,
	               const struct checkpoint_options *options, struct error *err) FALLIBLE;
	/* Look whether it is created, running, paused or stopped now. */
	int (*look)(struct container *c, enum container_status *ret_status,
	            struct error *err) FALLIBLE;
	/* End everything and undo all that create made; content when nothing is there. */
	int (*destroy)(struct container *c, struct error *err) FALLIBLE;
};

/* The program's list of executors, the default first; NULL-terminated. */
struct runtime {
	const char *
		root; /* state directory; NULL: /run/cella, or $XDG_RUNTIME_DIR/cella for a plain user */
	const struct executor *const *executors;
	const char *executor; /* --executor, or NULL */
	bool trace;           /* log each operation */
	bool systemd;         /* create: have systemd make the cgroup */
	bool no_cgroup;       /* create: make none */
	enum rootless rootless;
	const char *criu; /* CRIU's program; NULL: in PATH */
};

/* What people and crun call create_options.seccomp_agent. */
#define SECCOMP_AGENT_VARIABLE "RUN_OCI_SECCOMP_RECEIVER"

/* Where the terminal of process.terminal will be served: checked before anything is made. */
enum terminal_place {
	TERMINAL_IN_FRONT, /* by the caller, if there is one */
	TERMINAL_SOCKET,   /* at the other end of --console-socket: there must be one */
	TERMINAL_NOWHERE,  /* there must be none */
};

struct create_options {
	const char *id, *bundle;
	const char *config; /* path of config.json when it is not in the bundle; NULL */
	bool no_pivot, no_new_keyring, start_at_once;
	unsigned int preserve_fds;
	struct socket_activation activation;
	bool guest_log; /* a machine's kernel and monitor say on the container's stderr what they do */
	bool notify;    /* somebody waits for sd_notify(3): see container_notify_open() */
	enum terminal_place terminal;
	const char *seccomp_agent; /* where it listens, when the config does not say it; NULL */
	const struct checkpoint_options *restore; /* of container_restore() */
};

/* Read, plan, and print the plan as JSON into out; changes nothing. */
int container_dry_run(const struct runtime *rt, const struct create_options *options,
                      struct text *out, struct error *err) FALLIBLE;
/* Each verb: 0, or -1 and *err. ret_container is freed by container_free(). */
int container_create(const struct runtime *rt, const struct create_options *options,
                     struct container **ret_container, struct error *err) FALLIBLE;
/* Open an existing one by id; its status is that of now. lock: nobody else may change it until container_free(). */
int container_open(const struct runtime *rt, const char *id, bool lock,
                   struct container **ret_container, struct error *err) FALLIBLE;
void container_free(struct container *c);
static inline void container_release(struct container **c)
{
	container_free(*c);
}
#define owned_container __attribute__((cleanup(container_release)))

/* Let the program of a created one run, then the poststart hooks; from then on others may change it. Where such a hook
 * fails, its processes are killed. */
int container_start(struct container *c, struct error *err) FALLIBLE;

/* Make the socket that the container's programs tell their state to; just before start.
 * ret_socket  the caller's, non-blocking; -1: create was not asked for one, or its executor has none.
 * Returns     0, or -1 and *err. Spec: sd_notify(3). */
int container_notify_open(const struct container *c, int *ret_socket, struct error *err) FALLIBLE;
/* Wait until a container that was started says that it is ready, and pass that on to a manager's socket
 * with its pid; or until it has ended. Returns 0, or -1 and *err. */
int container_notify_wait(const struct container *c, int socket, const char *manager,
                          struct error *err) FALLIBLE;
/* Make a further process in it, with its program running. process NULL: the config's own process object as it is. */
int container_exec(struct container *c, const struct spec_process *process,
                   const struct exec_options *options, struct exec_result *ret_result,
                   struct error *err) FALLIBLE;
/* Send a signal to its first process; all: to every one, also to those that outlived the first. signum 0: nothing is
 * sent; whether it could be is told. */
int container_kill(struct container *c, int signum, bool all, struct error *err) FALLIBLE;
/* Have all its processes stand still, and go on. */
int container_pause(struct container *c, struct error *err) FALLIBLE;
int container_resume(struct container *c, struct error *err) FALLIBLE;
/* Change the limits that are set in resources: all of them, or on -1 none. */
int container_update(struct container *c, const struct spec_resources *resources,
                     struct error *err) FALLIBLE;
/* Mount these in it (relative sources are below the bundle), or unmount what is at their destinations, of
 * which no other member is looked at: all, or on -1 none. */
int container_mounts(struct container *c, enum mounts_change change, const mount_list *mounts,
                     struct error *err) FALLIBLE;
/* The pids of all its processes, as the host has them (of a virtual machine: as the guest has), in c->arena. */
int container_processes(struct container *c, pid_t **ret_pids, size_t *ret_count,
                        struct error *err) FALLIBLE;
/* Likewise, with words; who has ended meanwhile is left out. In c->arena. */
int container_describe(struct container *c, struct process_words **ret_words, size_t *ret_count,
                       struct error *err) FALLIBLE;
/* What it uses now. Memory is in arena, which the caller may free between two calls.
 * Errors  ERROR_UNSUPPORTED: it has no cgroup; ENOENT, ENODEV: it has gone meanwhile. */
int container_stats(struct container *c, struct arena *arena, struct stats *ret,
                    struct error *err) FALLIBLE;
/* Wait at most timeout_ms (-1: for ever) until a process of it is killed for want of memory, or all have
 * ended. The first call begins the watch: what was before is no event. */
int container_watch(struct container *c, int timeout_ms, enum container_event *ret,
                    struct error *err) FALLIBLE;
/* Whether container_checkpoint() is there and its status allows it: to be asked before anything is made for the images.
 * Returns 0, or -1 and *err as that would have it. */
int container_checkpoint_allowed(const struct container *c, struct error *err) FALLIBLE;
/* Write its processes to images; unless they are left running, the container is deleted then. */
int container_checkpoint(struct container *c, const struct checkpoint_options *options,
                         struct error *err) FALLIBLE;
/* Make a container from a bundle and images: create and start in one. options->restore is there. */
int container_restore(const struct runtime *rt, const struct create_options *options,
                      struct container **ret_container, struct error *err) FALLIBLE;
/* Its first process, which we made, has been waited for: nobody need ask for it again. */
void container_has_ended(struct container *c);

/* force: kill first; without it only a stopped container is deleted. Runs poststop hooks. The
 * struct must still be freed. */
int container_delete(struct container *c, bool force, struct error *err) FALLIBLE;
/* Delete by id, also what a killed create left half-made. force and no such container: content. */
int container_delete_id(const struct runtime *rt, const char *id, bool force,
                        struct error *err) FALLIBLE;
/* The ids of all containers, sorted, in arena. */
int container_list(const struct runtime *rt, struct arena *arena, const char ***ret_ids,
                   size_t *ret_count, struct error *err) FALLIBLE;
/* Read the config as it was at create into c->spec. */
int container_config(struct container *c, struct error *err) FALLIBLE;

/* Make this process safe for create, start and exec by any executor; before anything else. */
int runtime_protect(const struct runtime *rt, char *const *argv, struct error *err) FALLIBLE;

/* features.json of this program. */
int runtime_features(const struct runtime *rt, struct text *out, struct error *err) FALLIBLE;

/* Run the hooks of one point in order with the state on stdin; used by the lifecycle and by executors.
 *
 * place    in a container; NULL: here, in the bundle (in "/" where that is gone), and a hook without env has ours.
 * Returns  0, or -1 and *err ("hooks.prestart[1]"): the first that fails is the last; but those of poststop all run,
 *          and what fails is logged.
 * Context  host.
 * Spec     config.md "POSIX-platform Hooks". */
struct hook_place {
	/* Called in the hook's process before execve: enter the container, and the hook's working directory; there
	 * open_files_restore() belongs to it. */
	int (*enter)(void *data, struct error *err) FALLIBLE;
	void *data;
	/* Of a hook without env, as it is after enter(). NULL: that of the config's process. */
	char *const *env;
};
int hooks_run(const struct spec *spec, enum hook_point point, const struct state *state,
              const struct hook_place *place, struct error *err) FALLIBLE;

/* For executors: write state.json of c->state anew, whole or not at all. */
int store_save(struct container *c, struct error *err) FALLIBLE;

#endif
