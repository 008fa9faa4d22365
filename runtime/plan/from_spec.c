/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/table.h"
#include "cgroups/cgroups.h"
#include "resctrl/resctrl.h"
#include "rootfs/rootfs.h"
#include "runtime/process/process.h"

#include "plan.h"

/* In the order of enum namespace_type. */
static const uint64_t namespace_flags[NAMESPACE_TYPES] = {
	CLONE_NEWUSER, CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWUTS,
	CLONE_NEWNET,  CLONE_NEWPID,    CLONE_NEWNS,  CLONE_NEWTIME,
};

/* What is passed over, as it asks for nothing. */
static void tell_what_does_nothing(const struct spec *spec)
{
	static const char for_agents[] = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";
	const struct spec_scheduler *scheduler = &spec->process.scheduler;
	const struct spec_linux *l = &spec->linux_;

	if (scheduler->set && scheduler->nice != 0 &&
	    strcmp(scheduler->policy, "SCHED_OTHER") != 0 &&
	    strcmp(scheduler->policy, "SCHED_BATCH") != 0)
		log_warning("process.scheduler.nice: %d does nothing with %s", scheduler->nice,
		            scheduler->policy);
	if (l->personality.flags.count > 0)
		log_warning("linux.personality.flags[0]: '%.64s' does nothing: the specification "
		            "has no flags yet",
		            l->personality.flags.item[0]);
	for (size_t i = 0; l->seccomp.set && i < l->seccomp.flags.count; i++)
		if (strcmp(l->seccomp.flags.item[i], for_agents) == 0 &&
		    !spec_seccomp_notifies(&l->seccomp))
			log_warning("linux.seccomp.flags[%zu]: '%s' does nothing without "
			            "SCMP_ACT_NOTIFY",
			            i, for_agents);
}

/* What no room sees by itself. */
static int check_whole(const struct spec *spec, struct error *err)
{
	const struct spec_linux *l = &spec->linux_;

	if (l->net_devices.count > 0 && !l->namespaces[NAMESPACE_NETWORK].set)
		return fail(err, ERROR_CONFIG, "linux.netDevices",
		            "needs a network namespace in linux.namespaces: they are the host's "
		            "already");
	if (!spec->process.set)
		return fail(err, ERROR_CONFIG, "process",
		            "required: what the container runs, with args and cwd");
	tell_what_does_nothing(spec);
	return 0;
}

static int open_namespace(const struct spec_namespace *ns, size_t type, int *ret_fd,
                          struct error *err)
{
	owned_fd fd = open(ns->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int found;

	if (fd < 0) {
		(void)fail_errno(err, ns->path, "open");
		return error_within(err, "linux.namespaces[%zu].path", ns->index);
	}
	found = ioctl(fd, NS_GET_NSTYPE);
	if (found < 0 || (uint64_t)found != namespace_flags[type]) {
		(void)fail(err, ERROR_CONFIG, ns->path, "is not a %s namespace",
		           namespace_names[type]);
		return error_within(err, "linux.namespaces[%zu].path", ns->index);
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Engines tell the maps of a user namespace that is joined too. The kernel's are the ones that hold: what says
 * the same is welcome, what does not is a mistake. */
static int check_joined_maps(const struct spec_linux *l, int ns, struct arena *arena,
                             struct error *err)
{
	id_map_list uids = {0}, gids = {0};
	const struct {
		const char *member;
		const id_map_list *asked, *real;
	} maps[] = {
		{"linux.uidMappings", &l->uid_mappings, &uids},
		{"linux.gidMappings", &l->gid_mappings, &gids},
	};

	if (l->uid_mappings.count == 0 && l->gid_mappings.count == 0)
		return 0;
	if (process_read_id_maps(ns, arena, &uids, &gids, err) < 0)
		return error_within(err, "linux.namespaces[%zu].path",
		                    l->namespaces[NAMESPACE_USER].index);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (maps[i].asked->count > 0 &&
		    process_compare_id_maps(maps[i].member, maps[i].asked, maps[i].real, arena,
		                            err) < 0)
			return -1;
	return 0;
}

static int check_user_namespace(const struct plan *plan, struct arena *arena, struct error *err)
{
	const struct spec_linux *l = &plan->spec->linux_;
	const struct plan_namespace *user = &plan->namespaces[NAMESPACE_USER];

	if (user->fd >= 0)
		return check_joined_maps(l, user->fd, arena, err);
	if (user->fresh && (l->uid_mappings.count == 0 || l->gid_mappings.count == 0))
		return fail(err, ERROR_CONFIG,
		            l->uid_mappings.count == 0 ? "linux.uidMappings" : "linux.gidMappings",
		            "required with a new user namespace");
	return 0;
}

static int plan_namespaces(struct plan *plan, const struct host *host, struct arena *arena,
                           struct error *err)
{
	const struct spec_linux *l = &plan->spec->linux_;

	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		const struct spec_namespace *ns = &l->namespaces[i];

		if (!ns->set)
			continue;
		plan->isolated |= 1U << i;
		if (ns->path) {
			if (!host->made_up &&
			    open_namespace(ns, i, &plan->namespaces[i].fd, err) < 0)
				return -1;
			continue;
		}
		plan->namespaces[i].fresh = true;
		if (i != NAMESPACE_CGROUP && i != NAMESPACE_TIME)
			plan->clone_flags |= namespace_flags[i];
	}
	return check_user_namespace(plan, arena, err);
}

static int plan_resctrl(const struct plan_request *request, struct arena *arena, struct plan *plan,
                        struct error *err)
{
	owned_fd root = -1;

	if (!request->spec->linux_.intel_rdt.set || request->host->made_up)
		return 0;
	root = resctrl_open(err);
	if (root < 0)
		return error_within(err, "linux.intelRdt");
	return resctrl_plan(request->spec, request->id, root, arena, &plan->resctrl, err);
}

static void plan_time(struct plan *plan, struct arena *arena)
{
	const struct spec_linux *l = &plan->spec->linux_;

	if (l->time_boottime.set || l->time_monotonic.set)
		plan->time_offsets = arena_format(
			arena,
			"monotonic %" PRId64 " %" PRIu32 "\nboottime %" PRId64 " %" PRIu32 "\n",
			l->time_monotonic.secs, l->time_monotonic.nanosecs, l->time_boottime.secs,
			l->time_boottime.nanosecs);
}

/* Whether the host's devices come back when the container is deleted: the specification wants them left to the network
 * namespace, unless somebody asks. */
static int plan_devices(struct plan *plan, struct error *err)
{
	static const char key[] = "org.cella.netDevices";
	const char *wish = spec_annotation(plan->spec, key);

	if (!wish || strcmp(wish, "leave") == 0)
		return 0;
	if (strcmp(wish, "return") != 0) {
		(void)fail(err, ERROR_CONFIG, "", "'%.64s': expected return or leave", wish);
		return error_within(err, "annotations[\"%s\"]", key);
	}
	plan->returns_devices = plan->spec->linux_.net_devices.count > 0;
	return 0;
}

static int compose(const struct plan_request *request, struct arena *arena, struct plan *plan,
                   struct error *err)
{
	struct rootfs_request rootfs = {
		.spec = request->spec,
		.host = request->host,
		.bundle = request->bundle,
		.no_pivot = request->no_pivot,
	};
	const struct cgroup_request cgroup = {
		.spec = request->spec,
		.host = request->host,
		.id = request->id,
		.systemd = request->systemd,
		.disabled = request->no_cgroup,
		.rootless = request->rootless,
	};

	if (check_whole(request->spec, err) < 0 || plan_devices(plan, err) < 0 ||
	    plan_namespaces(plan, request->host, arena, err) < 0)
		return -1;
	plan_time(plan, arena);
	if (cgroup_plan(&cgroup, arena, &plan->cgroup, err) < 0)
		return -1;
	if (plan->cgroup->path)
		rootfs.cgroup =
			arena_format(arena, "%s%s", plan->cgroup->mount, plan->cgroup->path);
	if (rootfs_plan(&rootfs, arena, &plan->rootfs, err) < 0)
		return -1;
	if (plan_resctrl(request, arena, plan, err) < 0)
		return -1;
	if (process_plan(request->spec, &request->spec->process, request->host, arena,
	                 &plan->process, err) < 0)
		return -1;
	plan->process->in_root = true; /* by rootfs_enter() */
	plan_process_flags(plan->process, request->preserve_fds,
	                   request->no_new_keyring ? NULL : plan_keyring(request->id, arena));
	return plan_process_activation(plan->process, &request->activation, arena, err);
}

int plan_from_spec(const struct plan_request *request, struct arena *arena, struct plan **ret_plan,
                   struct error *err)
{
	struct plan *plan = ARENA_NEW(arena, struct plan);

	if (!plan)
		return arena_check(arena, err);
	plan->spec = request->spec;
	plan->id = request->id;
	plan->bundle = request->bundle;
	plan->start_at_once = request->start_at_once;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		plan->namespaces[i].fd = -1;
	if (compose(request, arena, plan, err) < 0) {
		plan_close(plan);
		return -1;
	}
	*ret_plan = plan;
	return 0;
}

void plan_close(struct plan *plan)
{
	if (plan->rootfs)
		rootfs_close_sources(plan->rootfs);
	if (plan->cgroup && plan->cgroup->top >= 0)
		(void)close(take_fd(&plan->cgroup->top));
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		int *fd = &plan->namespaces[i].fd;

		if (*fd >= 0)
			(void)close(take_fd(fd));
	}
}

const char *plan_keyring(const char *id, struct arena *arena)
{
	return arena_format(arena, "_ses.%s", id);
}

int plan_mounts(const struct plan_request *request, bool removal, struct arena *arena,
                struct rootfs_plan **ret_plan, struct error *err)
{
	const struct rootfs_request rootfs = {
		.spec = request->spec,
		.host = request->host,
		.bundle = request->bundle,
		.removal = removal,
	};

	return rootfs_plan_mounts(&rootfs, arena, ret_plan, err);
}

int plan_exec(const struct spec *spec, const struct spec_process *process, const struct host *host,
              struct arena *arena, struct process_plan **ret_plan, struct error *err)
{
	return process_plan(spec, process, host, arena, ret_plan, err);
}

void plan_process_flags(struct process_plan *process, unsigned int preserve_fds,
                        const char *keyring)
{
	process->preserve_fds = preserve_fds;
	process->keyring = keyring;
}

int plan_process_activation(struct process_plan *process,
                            const struct socket_activation *activation, struct arena *arena,
                            struct error *err)
{
	if (activation->count == 0)
		return 0;
	return process_plan_sockets(process, activation->count, activation->names, arena, err);
}

int plan_process_channel(struct process_plan *process, int fd, size_t argument, struct arena *arena,
                         struct error *err)
{
	process->channel = fd;
	process->args[argument] = arena_format(arena, "%d", fd);
	return arena_check(arena, err);
}

int plan_open_filters(int root)
{
	return process_open_filters(root);
}

void plan_keep_filter(const struct plan *plan, int root)
{
	process_keep_filter(plan->process, root);
}

const char *plan_cgroup(const struct plan *plan)
{
	return plan->cgroup->path;
}

const char *plan_systemd_unit(const struct plan *plan)
{
	return cgroup_unit(plan->cgroup);
}

const char *plan_rootfs(const struct plan *plan)
{
	return rootfs_path(plan->rootfs);
}
