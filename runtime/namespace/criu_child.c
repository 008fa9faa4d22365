/* SPDX-License-Identifier: Apache-2.0 */
/* From clone to the execve of cella-criu. The law of child.c holds. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fdpass.h"
#include "base/own.h"
#include "base/signals.h"

#include "criu.h"

_Noreturn static void give_up(int socket, const struct error *why)
{
	struct criu_event event = {.kind = CRIU_FAILED, .err = *why};
	struct error ignored;

	_exit(fdpass_send(socket, &event, sizeof(event), -1, &ignored) < 0 ? 2 : 1);
}

/* What CRIU restores inherits our standard descriptors; what it has to say otherwise is in its log. */
static int close_stdio(struct error *err)
{
	owned_fd null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return fail_errno(err, "/dev/null", "open");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return fail_errno(err, "/dev/null", "dup2");
	return 0;
}

/* What was opened in another mount namespace can't be mounted in. */
static int reopen_folders(const struct order *order, struct error *err)
{
	for (size_t i = 0; i < order->folders_count; i++) {
		owned_fd fd = open(order->folders[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 || dup3(fd, order->folders[i].fd, O_CLOEXEC) < 0)
			return fail_errno(err, order->folders[i].path, "open");
	}
	return 0;
}

static int make_ready(const struct order *order, struct error *err)
{
	if (!order->restore)
		return close_stdio(err);
	if (rootfs_restore_root(order->restore, err) < 0)
		return -1;
	return reopen_folders(order, err);
}

static int prepare(const struct order_launch *l, struct error *err)
{
	const struct order *order = l->order;

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != l->parent)
		return fail(err, ERROR_SYSTEM, "cella", "was killed");
	if (make_ready(order, err) < 0 || fd_cloexec_from(3, err) < 0)
		return -1;
	for (size_t i = 0; i < order->keep_count; i++)
		if (fcntl(order->keep[i], F_SETFD, 0) < 0)
			return fail_errno(err, "cella-criu", "fcntl");
	if (fcntl(l->socket, F_SETFD, 0) < 0)
		return fail_errno(err, "cella-criu", "fcntl");
	signals_reset();
	return 0;
}

void order_child_main(const struct order_launch *l)
{
	struct error err = {0};

	if (prepare(l, &err) < 0)
		give_up(l->socket, &err);
	(void)execve(l->path, l->args, environ);
	(void)fail_errno(&err, l->path, "exec");
	give_up(l->socket, &err);
}

void order_readonly_main(int pidfd, int socket)
{
	struct error err = {0};

	if (setns(pidfd, CLONE_NEWNS) < 0) {
		(void)fail_errno(&err, "root.readonly", "setns");
		give_up(socket, &err);
	}
	if (rootfs_make_readonly("/", &err) < 0) {
		(void)error_within(&err, "root.readonly");
		give_up(socket, &err);
	}
	_exit(0);
}

void order_places_main(struct rootfs_plan *rootfs, int socket)
{
	struct error err = {0};

	(void)umask(0);
	if (rootfs_restore_places(rootfs, &err) < 0)
		give_up(socket, &err);
	_exit(0);
}
