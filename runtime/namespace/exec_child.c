/* SPDX-License-Identifier: Apache-2.0 */
/* A further process of a container, from clone to execve; it was born inside. The law of child.c holds. */
#include <fcntl.h>
#include <limits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/own.h"
#include "base/table.h"
#include "rootfs/rootfs.h"
#include "runtime/process/process.h"

#include "handshake.h"
#include "launch.h"

static int terminal(const struct exec_launch *l, struct error *err)
{
	owned_fd root = -1, master = -1;
	int slave = -1;

	if (l->process->terminal) {
		root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			return fail_errno(err, "/", "open");
		master = rootfs_terminal_below(root, &slave, err);
		if (master < 0 || handshake_send(l->control, MESSAGE_CONSOLE, master, err) < 0)
			return -1;
	}
	return process_apply_terminal(l->process, slave, err);
}

/* Who has the host's rights gives us ours. */
static int priorities(const struct exec_launch *l, struct error *err)
{
	if (!process_has_priorities(l->process))
		return 0;
	if (handshake_send(l->control, MESSAGE_READY, -1, err) < 0)
		return -1;
	return handshake_expect(l->control, MESSAGE_GO_ON, err);
}

static int prepare(const struct exec_launch *l, char *program, size_t size, struct error *err)
{
	if (process_apply_policy(l->process, err) < 0 ||
	    process_apply_affinity(l->process, err) < 0 || priorities(l, err) < 0)
		return -1;
	if (terminal(l, err) < 0 || process_apply_user(l->process, err) < 0 ||
	    process_find(l->process, program, size, err) < 0)
		return -1;
	return process_apply_last(l->process, err);
}

void exec_child_main(struct exec_launch *l)
{
	char program[PATH_MAX];
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(l->host_fds); i++)
		if (l->host_fds[i] >= 0)
			(void)close(l->host_fds[i]);
	if (prepare(l, program, sizeof(program), &err) == 0) {
		(void)execve(program, l->process->args, l->process->env);
		(void)fail_errno(&err, program, "exec");
	}
	handshake_fail(l->control, &err);
}
