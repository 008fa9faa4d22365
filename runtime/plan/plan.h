/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_PLAN_PLAN_H
#define RUNTIME_PLAN_PLAN_H

/* runtime/plan: what will be done, resolved against this host; the last place that may refuse.
 *
 * PROMISE: when there is a plan, nothing has changed on the host yet, and every member of the config
 * that cella does not do is refused by its JSON path. */

#include "base/arena.h"
#include "base/error.h"
#include "base/host.h"
#include "base/json_write.h"
#include "spec/spec.h"

struct cgroup_plan;
struct process_plan;
struct resctrl_plan;
struct rootfs_plan;

/* Descriptors that were passed to us for a service, the first of those that are preserved. Spec: sd_listen_fds(3). */
struct socket_activation {
	unsigned int count;
	const char *names; /* of LISTEN_FDNAMES; NULL: none */
};

/* What the command line adds to a config. */
struct plan_request {
	const struct spec *spec;
	const struct host *host;
	const char *id;
	const char *bundle; /* absolute */
	bool systemd;       /* the systemd manager makes the cgroup */
	bool no_cgroup;     /* nobody does */
	enum rootless rootless;
	bool no_pivot;
	bool no_new_keyring;
	unsigned int preserve_fds;
	struct socket_activation activation;
	bool start_at_once; /* run: the creator starts it; no other process will */
};

struct plan_namespace {
	bool fresh; /* a new one */
	int fd;     /* one to join, owned by the plan's arena owner (closed by plan_close()); -1 */
};

struct plan {
	const struct spec *spec;
	const char *id, *bundle;
	struct plan_namespace namespaces[NAMESPACE_TYPES];
	uint64_t
		clone_flags; /* CLONE_NEW… of the fresh ones that clone3 makes (neither cgroup nor time) */
	unsigned int isolated;    /* bit per enum namespace_type: fresh or joined */
	const char *time_offsets; /* as /proc/PID/timens_offsets takes them; NULL: none */
	bool start_at_once;
	bool returns_devices; /* of linux.netDevices, at delete */
	struct cgroup_plan *cgroup;
	struct rootfs_plan *rootfs;
	struct process_plan *process;
	struct resctrl_plan *resctrl; /* NULL: none */
};

/* A user namespace for who has no rights without one, where the config has none: from then on all is as if it had.
 *
 * plan_user_namespace()     give *spec one, with the maps that process_plan_id_maps() has for us; in arena.
 *                           Returns 1, 0 where there is nothing to give, or -1 and *err. Context: host.
 * plan_in_user_namespace()  a config in a namespace with these maps (borrowed); in arena. NULL: no memory. */
int plan_user_namespace(const struct spec **spec, const struct host *host, struct arena *arena,
                        struct error *err) FALLIBLE;
const struct spec *plan_in_user_namespace(const struct spec *asked, const id_map_list *uids,
                                          const id_map_list *gids, struct arena *arena);

/* Decide. ret_plan in arena. Returns 0, or -1 and *err. Close its descriptors with plan_close(). Context: host. */
int plan_from_spec(const struct plan_request *request, struct arena *arena, struct plan **ret_plan,
                   struct error *err) FALLIBLE;
void plan_close(struct plan *plan);

/* The plan as JSON: --dry-run, golden tests. */
void plan_print(const struct plan *plan, struct json_writer *w);

/* The session keyring of a container, by id; in arena. */
const char *plan_keyring(const char *id, struct arena *arena);

/* A further process in an existing container. */
int plan_exec(const struct spec *spec, const struct spec_process *process, const struct host *host,
              struct arena *arena, struct process_plan **ret_plan, struct error *err) FALLIBLE;

/* Mounts for an existing container: request->spec is the container's, with what is to be mounted in place
 * of its mounts, or to be removed. Of the request spec, host and bundle are looked at. */
int plan_mounts(const struct plan_request *request, bool removal, struct arena *arena,
                struct rootfs_plan **ret_plan, struct error *err) FALLIBLE;

/* What a caller may change of a process plan from outside the rooms below. keyring: name of the session keyring. */
void plan_process_flags(struct process_plan *process, unsigned int preserve_fds,
                        const char *keyring);

/* Tell the program of sockets that were passed to us; in arena. Returns 0, or -1 and *err. */
int plan_process_activation(struct process_plan *process,
                            const struct socket_activation *activation, struct arena *arena,
                            struct error *err) FALLIBLE;

/* Have the program find a descriptor of ours open (borrowed until create), whose number is put in place of the
 * argument of this index; in arena. Returns 0, or -1 and *err. */
int plan_process_channel(struct process_plan *process, int fd, size_t argument, struct arena *arena,
                         struct error *err) FALLIBLE;

/* Seccomp filters made before, below the state directory of all containers; for struct host. The caller's; -1: none. */
int plan_open_filters(int root);
/* Keep that of this plan there; where that can't be it is made anew each time. */
void plan_keep_filter(const struct plan *plan, int root);

/* Where the container will stand in the v2 tree (NULL: nowhere) and its root file system on the host. */
const char *plan_cgroup(const struct plan *plan);
const char *plan_systemd_unit(const struct plan *plan);
const char *plan_rootfs(const struct plan *plan);

/* A virtual machine's host and guest share the work on one config.
 *
 * plan_guest()         what the guest does of it; in arena. NULL: no memory.
 * plan_split_unified() leave of r->unified only what is (not) the guest's; the list is new, in arena.
 * plan_check_guest()   whether the guest will plan it, asked before there is one.
 *                      Returns 0, or -1 and *err as plan_from_spec(). */
struct spec *plan_guest(const struct spec *asked, struct arena *arena);
void plan_split_unified(struct spec_resources *r, bool inside, struct arena *arena);
int plan_check_guest(const struct plan_request *request, struct arena *arena,
                     struct error *err) FALLIBLE;

/* Feature words of the rooms below, for `features`. */
void plan_features(struct features *ret_features);

#endif
