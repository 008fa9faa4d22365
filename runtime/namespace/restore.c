/* SPDX-License-Identifier: Apache-2.0 */
/* A container from images, by CRIU. The cgroup with its limits is ours, as for create; CRIU is born in it, and
 * so is what it restores. Its root is made ready in a mount namespace that ends with CRIU: nothing is mounted on
 * the host. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "base/own.h"
#include "base/table.h"
#include "cgroups/cgroups.h"

#include "criu.h"
#include "launch.h"

static const char criu_log[] = "restore.log";

enum { ARENA_LIMIT = 256 << 20 };

struct restore {
	struct container *c;
	struct plan *plan;
	int cgroup; /* -1: none */
	bool settled;
};

/* ---- what is outside of the images ---- */

/* Under the names that checkpoint gave them. */
static void add_mounts(const struct restore *r, struct order *order)
{
	static const char *const keys[] = {"key", "val"};
	static const char *const devices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
	                                      "/dev/random", "/dev/urandom", "/dev/tty"};
	const struct spec *spec = r->plan->spec;

	for (size_t i = 0; i < spec->mounts.count; i++) {
		const struct spec_mount *mount = &spec->mounts.item[i];

		if (spec_is_bind(mount) && mount->source)
			order_pair(order, "ext_mnt", keys, mount->destination,
			           *mount->source == '/'
			                   ? mount->source
			                   : arena_format(order->arena, "%s/%s", r->plan->bundle,
			                                  mount->source));
	}
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		order_pair(order, "ext_mnt", keys, devices[i], devices[i]);
	for (size_t i = 0; i < spec->linux_.devices.count; i++)
		order_pair(order, "ext_mnt", keys, spec->linux_.devices.item[i].path,
		           spec->linux_.devices.item[i].path);
}

/* Namespaces that are there already. CRIU leaves those of the network and of pids alone where it is given them;
 * others it enters by their paths. */
static int add_namespaces(const struct restore *r, struct order *order, struct error *err)
{
	static const char *const inherit[] = {"key", "fd"}, *const join[] = {"ns", "ns_file"};
	static const char *const keys[NAMESPACE_TYPES] =
		{[NAMESPACE_NETWORK] = "extRootNetNS", [NAMESPACE_PID] = "extRootPidNS"};

	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		int fd = r->plan->namespaces[i].fd;

		if (fd < 0)
			continue;
		if (i == NAMESPACE_CGROUP)
			return fail(err, ERROR_UNSUPPORTED, "linux.namespaces",
			            "CRIU can't restore into a %s namespace that is there already",
			            namespace_names[i]);
		if (keys[i]) {
			order_pair(order, "inherit_fd", inherit, keys[i],
			           arena_format(order->arena, "%d", fd));
			order_keep(order, fd);
		} else {
			order_pair(order, "join_ns", join, namespace_files[i],
			           r->plan->spec->linux_.namespaces[i].path);
		}
	}
	return 0;
}

static int fill(const struct restore *r, struct order *order,
                const struct checkpoint_options *options, struct error *err)
{
	static const char *const root[] = {"ctrl", "path"};

	order_options(order, r->plan->spec, options, criu_log);
	order_add(order, "root", plan_rootfs(r->plan));
	order_add(order, "rst_sibling", "true");
	order_add(order, "evasive_devices", "true");
	if (r->cgroup >= 0)
		order_pair(order, "cg_root", root, "", r->c->state.cgroup);
	if (options->empty_network)
		order_number(order, "empty_ns", CLONE_NEWNET);
	if (options->lsm_profile)
		order_add(order, "lsm_profile", options->lsm_profile);
	if (options->lsm_mount_context)
		order_add(order, "lsm_mount_context", options->lsm_mount_context);
	add_mounts(r, order);
	if (add_namespaces(r, order, err) < 0 || stdio_restore(options->images, order, err) < 0)
		return -1;
	return arena_check(order->arena, err);
}

/* Wait for a child that says why when it fails. */
static int await_child(pid_t pid, int socket, struct error *err)
{
	struct criu_event event;
	struct error ignored;
	ssize_t n = fdpass_receive(socket, &event, sizeof(event), NULL, err);
	int status = process_wait(pid, n < 0 ? &ignored : err);

	if (n < 0 || status < 0)
		return -1;
	if (n == sizeof(event)) {
		*err = event.err;
		return -1;
	}
	return status == 0 ? 0 : fail(err, ERROR_SYSTEM, "restore", "its child ended unexpectedly");
}

/* rootfs: make places for mounts that the root has not got; NULL: make the root of pidfd's process read-only. */
static int run_child(struct rootfs_plan *rootfs, int pidfd, struct error *err)
{
	owned_fd ours = -1, theirs = -1;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "restore", "socketpair");
	ours = ends[0];
	theirs = ends[1];
	pid = process_clone(rootfs ? CLONE_NEWNS : 0, -1, NULL, err);
	if (pid < 0)
		return -1;
	if (pid == 0 && rootfs)
		order_places_main(rootfs, theirs);
	if (pid == 0)
		order_readonly_main(pidfd, theirs);
	(void)close(take_fd(&theirs));
	return await_child(pid, ours, err);
}

/* ---- as it goes ---- */

/* The scope of systemd's, where there is one, lives by CRIU from here on. */
static int settle(struct restore *r, struct error *err)
{
	r->settled = true;
	return cgroup_settle(r->plan->cgroup, r->cgroup, err);
}

/* CRIU puts what it restores into a time namespace, so that its clocks go on. */
static bool has_own_time(pid_t pid)
{
	char path[64];
	struct stat ours, theirs;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/time", (int)pid);
	return stat("/proc/self/ns/time", &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_ino != theirs.st_ino;
}

static int take_first(struct container *c, pid_t pid, struct error *err)
{
	c->init = pidfd_open(pid, 0);
	if (c->init < 0)
		return fail_errno(err, "container", "pidfd_open");
	c->state.pid = pid;
	return process_look(pid, &c->state.start_time, NULL, err);
}

/* As runc has it: these hooks, which make a network ready, but none of those that are about the program's start. */
static int run_hooks(struct restore *r, pid_t pid, struct error *err)
{
	r->c->state.pid = pid;
	if (hooks_run(r->plan->spec, HOOK_PRESTART, &r->c->state, NULL, err) < 0 ||
	    hooks_run(r->plan->spec, HOOK_CREATE_RUNTIME, &r->c->state, NULL, err) < 0)
		return -1;
	return 0;
}

/* The last moment at which our death makes it end too. */
static int commit(struct restore *r, pid_t pid, struct error *err)
{
	if (take_first(r->c, pid, err) < 0 ||
	    (r->plan->spec->root_readonly && run_child(NULL, r->c->init, err) < 0))
		return -1;
	if (has_own_time(pid))
		r->c->state.namespaces |= 1U << NAMESPACE_TIME;
	r->c->state.status = STATUS_RUNNING;
	return store_save(r->c, err);
}

static int hear(void *data, const struct criu_event *event, int *fd, struct error *err)
{
	struct restore *r = data;

	switch (event->kind) {
	case CRIU_NAMESPACES:
		return settle(r, err) < 0 ? -1 : run_hooks(r, event->pid, err);
	case CRIU_CONSOLE:
		if (r->c->console < 0)
			r->c->console = take_fd(fd);
		return 0;
	case CRIU_RESTORED:
		return commit(r, event->pid, err);
	default:
		return 0;
	}
}

/* What CRIU has not ended itself; the error that stays is the first one. */
static void abandon(struct restore *r)
{
	struct container *c = r->c;
	struct error ignored;

	if (c->init >= 0 && process_signal(c->init, SIGKILL, &ignored) < 0 &&
	    ignored.errnum != ESRCH)
		log_dropped("after a failed restore", &ignored);
	if (c->init >= 0 && process_wait(c->state.pid, &ignored) < 0)
		log_dropped("after a failed restore", &ignored);
	if (!r->settled && r->cgroup >= 0 && settle(r, &ignored) < 0)
		log_dropped("after a failed restore", &ignored);
	if (cgroup_undo(-1, r->plan->cgroup->path, cgroup_unit(r->plan->cgroup),
	                r->plan->cgroup->owner, &ignored) < 0)
		log_dropped("after a failed restore", &ignored);
}

static int restore(struct restore *r, const struct checkpoint_options *options, struct error *err)
{
	const struct order_listener listener = {hear, r};
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	struct order order = {
		.arena = arena,
		.action = "restore",
		.cgroup = r->cgroup,
		.restore = r->plan->rootfs,
	};

	if (!arena)
		return fail(err, ERROR_SYSTEM, r->c->state.id, "out of memory");
	if (r->cgroup >= 0)
		order_keep(&order, r->cgroup);
	if (run_child(r->plan->rootfs, -1, err) < 0 || fill(r, &order, options, err) < 0)
		return -1;
	return order_carry_out(&order, &listener, err);
}

int namespace_restore(struct container *c, struct plan *plan,
                      const struct checkpoint_options *options, struct error *err)
{
	owned_fd cgroup = -1;
	struct restore r = {.c = c, .plan = plan, .cgroup = -1};

	plan->cgroup->owner = launch_owner(c);
	if (plan->cgroup->path) {
		cgroup = cgroup_apply(plan->cgroup, err);
		if (cgroup < 0)
			return -1;
		r.cgroup = cgroup;
		c->state.cgroup = plan->cgroup->path; /* systemd has the last word */
	}
	if (restore(&r, options, err) == 0)
		return 0;
	abandon(&r);
	return error_within(err, "%s", c->state.id);
}
