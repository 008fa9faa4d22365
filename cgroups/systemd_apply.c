/* SPDX-License-Identifier: Apache-2.0 */

/* Theory of operation. systemd wants a process to put into a new scope, and a scope ends with its last
 * one; the container's first process is to be born in the cgroup, with its limits in force. So
 * cella-systemd puts itself there, and is ended once the other one is there too. It needs no pid for
 * that, which would be another process's where cella runs in a pid namespace.
 *
 * Where the container is in a cgroup below the scope's, both have the limits: what is inside sees them in its own, and
 * systemd writes those of the scope anew whenever it likes. The holder moves along, as the kernel hands out no
 * controllers below a cgroup that has processes. */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"

#include "controllers.h"
#include "furnish.h"
#include "limits.h"
#include "owner.h"
#include "systemd.h"
#include "tree.h"

/* The last word on a file: linux.resources.unified has it. */
static const struct cgroup_write *write_of(const struct cgroup_plan *plan, const char *file)
{
	for (size_t i = plan->writes.count; i-- > 0;)
		if (strcmp(plan->writes.item[i].file, file) == 0)
			return &plan->writes.item[i];
	return NULL;
}

int cgroup_suspect_memory(const struct cgroup_plan *plan, struct error *err)
{
	const struct cgroup_write *write = write_of(plan, "memory.max");

	if (!plan->scope || !write || strcmp(write->value, "max") == 0)
		return -1;
	return fail(err, ERROR_CONFIG, write->member,
	            "too low to start in: limit %s, and a process was killed, or got no memory",
	            write->value);
}

/* How many processes there may be, in the container's cgroup and the scope's: as many as the plan says, or others. */
static int allow_processes(const struct cgroup_plan *plan, int dir, const char *others,
                           struct error *err)
{
	const struct cgroup_write *write = write_of(plan, "pids.max");
	const char *value;

	if (!write)
		return 0;
	value = others ? others : write->value;
	if (fd_write_file(dir, "pids.max", value, err) < 0 ||
	    (plan->scope->below && fd_write_file(dir, "../pids.max", value, err) < 0))
		return error_within(err, "%s", write->member);
	return 0;
}

static void let_go(struct cgroup_plan *plan)
{
	struct error ignored;

	(void)kill(plan->holder, SIGKILL);
	if (process_wait(plan->holder, &ignored) < 0)
		log_debug("%s: %s", ignored.object, ignored.reason);
	plan->holder = 0;
}

int cgroup_settle(struct cgroup_plan *plan, int dir, struct error *err)
{
	if (plan->holder <= 0)
		return 0;
	let_go(plan);
	return allow_processes(plan, dir, NULL, err);
}

/* systemd hands down what it knows itself; hugetlb, rdma and misc are not among that. */
static void enable_controllers(int top, const char *path)
{
	char ancestor[PATH_MAX];
	struct error ignored;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		owned_fd dir = -1;

		(void)snprintf(ancestor, sizeof(ancestor), "%.*s", (int)(slash - path), path);
		dir = tree_descend(top, ancestor, &ignored);
		if (dir >= 0)
			controllers_enable(dir, false);
	}
}

/* Make the container's own in the scope's. */
static int go_below(struct cgroup_plan *plan, int scope, struct error *err)
{
	owned_fd dir = -1;

	owner_mark(scope, plan->owner);
	if (limits_write(scope, &plan->writes, err) < 0)
		return -1;
	dir = furnish_below(scope, plan->scope->below, plan->holder, err);
	if (dir < 0)
		return -1;
	controllers_enable(scope, false);
	plan->path = arena_format(plan->arena, "%s/%s", plan->path, plan->scope->below);
	return arena_check(plan->arena, err) < 0 ? -1 : take_fd(&dir);
}

static int enter(struct cgroup_plan *plan, struct error *err)
{
	owned_fd top = tree_open(plan->mount, err);
	owned_fd scope = -1;
	owned_fd dir = -1;
	char *path;

	if (top < 0)
		return -1;
	if (systemd_start(plan->scope, plan->arena, &path, &plan->holder, err) < 0)
		return err->errnum == ENOMEM ? cgroup_suspect_memory(plan, err) : -1;
	plan->path = path;
	enable_controllers(top, path);
	scope = tree_descend(top, path, err);
	if (scope < 0)
		return -1;
	dir = plan->scope->below ? go_below(plan, scope, err) : take_fd(&scope);
	/* the holder must not take the place of the container's only process */
	if (dir < 0 || furnish(plan, dir, err) < 0 || allow_processes(plan, dir, "max", err) < 0)
		return -1;
	return take_fd(&dir);
}

int systemd_apply(struct cgroup_plan *plan, struct error *err)
{
	struct error ignored;
	int dir = enter(plan, err);

	if (dir >= 0 || plan->holder == 0) /* or there was no scope */
		return dir;
	let_go(plan);
	if (systemd_stop(plan->scope, &ignored) < 0)
		log_debug("%s: %s", ignored.object, ignored.reason);
	return -1;
}
