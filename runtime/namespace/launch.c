/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side of create: clone into cgroup and namespaces, maps, handshake. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "base/own.h"
#include "cgroups/cgroups.h"
#include "rootfs/rootfs.h"
#include "runtime/process/process.h"

#include "explain.h"
#include "handshake.h"
#include "launch.h"

static bool has_hooks(const struct spec *spec)
{
	return spec->hooks[HOOK_PRESTART].count > 0 || spec->hooks[HOOK_CREATE_RUNTIME].count > 0 ||
	       spec->hooks[HOOK_CREATE_CONTAINER].count > 0;
}

/* Whether any namespace has to be entered first. */
static bool joins(const struct plan *plan, struct join *ret_join)
{
	bool any = false;

	*ret_join = (struct join){.pidfd = -1};
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		ret_join->fds[i] = plan->namespaces[i].fd;
		ret_join->names[i] = namespace_names[i];
		any = any || plan->namespaces[i].fd >= 0;
	}
	return any;
}

/* Whether the child is hidden from its birth: in a pid namespace of others. Then what /proc/self is needed for is done
 * before that; offsets of a new time namespace can't be, and a plain user's hooks could not enter by its pid. */
static bool is_hidden(const struct plan *plan)
{
	bool offsets = plan->namespaces[NAMESPACE_TIME].fresh && plan->time_offsets;

	return plan->namespaces[NAMESPACE_PID].fd >= 0 && !offsets &&
	       (!has_hooks(plan->spec) || geteuid() == 0);
}

static pid_t clone_child(struct container *c, const struct plan *plan, struct error *err)
{
	struct join join;

	if (!joins(plan, &join))
		return process_clone(plan->clone_flags, c->born_in, &c->init, err);
	join.hide = is_hidden(plan);
	/* before it is in a user namespace without rights over them, or can't see its own files */
	if (join.hide || join.fds[NAMESPACE_USER] >= 0)
		join.limits = plan->process;
	return join_clone(&join, plan->clone_flags, c->born_in, &c->init, err);
}

static int launch(struct container *c, struct plan *plan, struct error *err)
{
	owned_fd listener = -1, theirs = -1;
	bool hooks = has_hooks(plan->spec);
	bool enters = !plan->start_at_once || plan->spec->hooks[HOOK_START_CONTAINER].count > 0;
	bool is_root = !(hooks || enters) || geteuid() == 0; /* of no concern without */
	int ends[2];
	pid_t pid;

	if (!plan->start_at_once) {
		listener = fdpass_listen_at(c->dir, START_SOCKET, err);
		if (listener < 0)
			return -1;
		c->listens = true;
	}
	if (handshake_pair(ends, err) < 0)
		return -1;
	c->control = ends[0];
	theirs = ends[1];
	pid = clone_child(c, plan, err);
	if (pid < 0)
		return -1;
	if (pid == 0) {
		struct launch l = {
			.plan = plan,
			.control = theirs,
			.listener = listener,
			.host_fds = {c->control, c->dir, c->root, c->cgroups, c->born_in},
			.hooks = hooks,
			.privileged = is_root,
			.doors = !is_root && enters,
			.hidden = is_hidden(plan),
		};

		child_main(&l);
	}
	c->state.pid = pid;
	return 0;
}

static int write_maps(const struct container *c, const struct plan *plan, struct error *err)
{
	const struct spec_linux *l = &plan->spec->linux_;
	struct host host;

	if (!plan->namespaces[NAMESPACE_USER].fresh)
		return 0;
	if (host_look(&host, err) < 0 ||
	    process_write_id_maps(c->state.pid, &l->uid_mappings, &l->gid_mappings, &host, err) < 0)
		return -1;
	/* Its rights end at its user namespace: what they don't reach is done from here or not at all. */
	if (host.privileged && process_apply_limits_to(plan->process, c->state.pid, err) < 0)
		return -1;
	return handshake_send(c->control, MESSAGE_GO_ON, -1, err);
}

static int run_hooks(struct container *c, const struct plan *plan, struct error *err)
{
	const struct join join =
		join_of(c->init, join_flags(plan->isolated), &plan->spec->process.user);
	struct hook_entry entry = {.join = &join, .bundle = c->state.bundle};
	const struct hook_place inside = {.enter = join_for_hook, .data = &entry};

	if (hooks_run(plan->spec, HOOK_PRESTART, &c->state, NULL, err) < 0 ||
	    hooks_run(plan->spec, HOOK_CREATE_RUNTIME, &c->state, NULL, err) < 0 ||
	    hooks_run(plan->spec, HOOK_CREATE_CONTAINER, &c->state, &inside, err) < 0)
		return -1;
	return handshake_send(c->control, MESSAGE_GO_ON, -1, err);
}

/* The last moment at which our death makes the child end too. */
static int commit(struct container *c, const struct plan *plan, struct error *err)
{
	if (process_look(c->state.pid, &c->state.start_time, NULL, err) < 0 ||
	    process_apply_priorities(plan->process, c->state.pid, err) < 0 ||
	    cgroup_move_below(plan->cgroup, c->state.pid, err) < 0)
		return -1;
	c->state.status = STATUS_CREATED;
	if (store_save(c, err) < 0)
		return -1;
	return plan->start_at_once ? 0 : handshake_send(c->control, MESSAGE_GO_ON, -1, err);
}

static int converse(struct container *c, const struct plan *plan, struct error *err)
{
	for (;;) {
		struct message message;
		owned_fd fd = -1;

		if (handshake_receive(c->control, &message, &fd, err) < 0)
			return -1;
		switch (message.kind) {
		case MESSAGE_MOUNTED:
			if (run_hooks(c, plan, err) < 0)
				return -1;
			break;
		case MESSAGE_CONSOLE:
			if (fd >= 0 && c->console < 0)
				c->console = take_fd(&fd);
			break;
		case MESSAGE_READY:
			return commit(c, plan, err);
		case MESSAGE_FAILED:
			*err = message.err;
			return err->errnum == ENOMEM ? explain_memory(c, plan, err)
			                             : explain_access(&plan->spec->linux_, err);
		default:
			(void)fail(err, ERROR_SYSTEM, "container",
			           "its process ended unexpectedly");
			return explain_memory(c, plan, err);
		}
	}
}

/* Undo what a failed create made; the error that stays is the first one. */
static void abandon(struct container *c, const struct plan *plan, struct moved *moved)
{
	struct error ignored;

	devices_take_back(moved);
	if (c->init >= 0 && process_signal(c->init, SIGKILL, &ignored) < 0 &&
	    ignored.errnum != ESRCH)
		log_dropped("after a failed create", &ignored);
	if (c->init >= 0 && process_wait(c->state.pid, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	if (cgroup_undo(c->cgroups, plan->cgroup->path, cgroup_unit(plan->cgroup),
	                plan->cgroup->owner, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
	if (group_remove(c, &ignored) < 0)
		log_dropped("after a failed create", &ignored);
}

const char *launch_owner(const struct container *c)
{
	return arena_format(c->arena, "%s %s", c->state.id, c->state.created);
}

int namespace_create_first(struct container *c, struct plan *plan, struct moved *ret_moved,
                           struct error *err)
{
	struct error ignored;
	int launched, settled;

	if (sources_open(plan->spec, plan->rootfs, err) < 0)
		return -1;
	plan->cgroup->owner = launch_owner(c);
	if (plan->cgroup->path) {
		c->born_in = cgroup_apply(plan->cgroup, err);
		c->cgroups = take_fd(&plan->cgroup->top); /* to undo it by */
		if (c->born_in < 0)
			return -1;
		c->state.cgroup = plan->cgroup->path; /* systemd has the last word */
	}
	launched = launch(c, plan, err);
	rootfs_close_sources(plan->rootfs);
	settled = cgroup_settle(plan->cgroup, c->born_in, launched == 0 ? err : &ignored);
	if (launched == 0 && settled == 0 && write_maps(c, plan, err) == 0 &&
	    group_make(c, plan, err) == 0 && devices_give(c, plan, ret_moved, err) == 0 &&
	    converse(c, plan, err) == 0)
		return 0;
	abandon(c, plan, ret_moved);
	return -1;
}

int namespace_create(struct container *c, struct plan *plan, struct error *err)
{
	OWNED(devices_release) struct moved moved = MOVED_NONE;

	return namespace_create_first(c, plan, &moved, err);
}
