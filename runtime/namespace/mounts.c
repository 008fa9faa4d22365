/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a container that lives: the parent. Sources are copied out here, where they are; a child that
 * has entered the container's namespaces puts the copies in their places. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/path.h"
#include "rootfs/rootfs.h"

#include "handshake.h"
#include "launch.h"

/* Returns  the child's pid, which is to be waited for; *ret_control is the caller's. */
static pid_t enter(struct container *c, struct rootfs_plan *plan, enum mounts_change change,
                   int *ret_control, struct error *err)
{
	OWNED(join_release) struct join join = join_of(-1, 0, NULL);
	owned_fd proc = -1, ours = -1, theirs = -1, ignored = -1;
	int ends[2];
	pid_t pid;

	if (join_open(c, &join, err) < 0)
		return -1;
	proc = path_open_proc(err);
	if (proc < 0 || handshake_pair(ends, err) < 0)
		return -1;
	ours = ends[0];
	theirs = ends[1];
	pid = join_clone(&join, 0, -1, &ignored, err);
	if (pid == 0) {
		struct mounts_launch l = {
			.plan = plan,
			.change = change,
			.proc = proc,
			.control = theirs,
			.host_fds = {ours, c->dir, c->root, join.pidfd},
		};

		mounts_child_main(&l);
	}
	if (pid > 0)
		*ret_control = take_fd(&ours);
	return pid;
}

static int change_mounts(struct container *c, struct rootfs_plan *plan, enum mounts_change change,
                         struct error *err)
{
	owned_fd control = -1;
	pid_t pid = enter(c, plan, change, &control, err);
	struct error ignored;
	int result, status;

	if (pid < 0)
		return -1;
	result = handshake_expect(control, MESSAGE_READY, err);
	if (result == 0 && change == MOUNTS_ADD)
		result = handshake_send(control, MESSAGE_GO_ON, -1, err);
	if (result < 0)
		(void)close(take_fd(&control)); /* one that waits takes back what it did */
	status = process_wait(pid, &ignored);
	if (status < 0)
		log_dropped("after mounts", &ignored);
	else if (result == 0 && status > 0) /* it has taken back, and says why */
		result = handshake_expect(control, MESSAGE_GO_ON, err);
	return result;
}

int namespace_mounts(struct container *c, enum mounts_change change, const mount_list *mounts,
                     struct error *err)
{
	struct spec spec = *c->spec;
	struct host host;
	const struct plan_request request = {.spec = &spec,
	                                     .host = &host,
	                                     .bundle = c->state.bundle};
	struct rootfs_plan *plan = NULL;
	int result;

	spec.mounts = *mounts;
	if (host_look(&host, err) < 0 ||
	    plan_mounts(&request, change == MOUNTS_REMOVE, c->arena, &plan, err) < 0)
		return -1;
	if (change == MOUNTS_ADD && sources_open(&spec, plan, err) < 0)
		return -1;
	result = change_mounts(c, plan, change, err);
	rootfs_close_sources(plan);
	return result;
}
