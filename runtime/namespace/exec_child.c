/* SPDX-License-Identifier: Apache-2.0 */
/* A further process of a container, from clone to execve; it was born inside. The law of child.c holds. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "base/table.h"
#include "rootfs/rootfs.h"
#include "runtime/process/process.h"

#include "handshake.h"
#include "launch.h"

static int terminal(const struct exec_launch *l, struct error *err)
{
	owned_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	owned_fd master = -1, null = -1;
	struct error ignored;
	int slave = -1;

	if (root < 0)
		return fail_errno(err, "/", "open");
	if (!l->process->terminal && process_has_null(l->process))
		null = rootfs_null_below(root, &ignored);
	if (null >= 0 && process_apply_null(l->process, null, err) < 0)
		return -1;
	if (l->process->terminal) {
		master = rootfs_terminal_below(root, &slave, err);
		if (master < 0 || handshake_send(l->control, MESSAGE_CONSOLE, master, err) < 0)
			return -1;
	}
	return process_apply_terminal(l->process, slave, err);
}

/* Who has the host's rights gives us ours. */
static int priorities(const struct exec_launch *l, struct error *err)
{
	if (!l->waits)
		return 0;
	if (handshake_send(l->control, MESSAGE_READY, -1, err) < 0)
		return -1;
	return handshake_expect(l->control, MESSAGE_GO_ON, err);
}

static int prepare(const struct exec_launch *l, char *program, size_t size, struct error *err)
{
	const struct process_listener out = {.send = handshake_send_listener, .to = l->control};

	if (process_apply_keyring(l->process, err) < 0 ||
	    process_apply_policy(l->process, err) < 0 ||
	    process_apply_affinity(l->process, err) < 0 || priorities(l, err) < 0)
		return -1;
	if (terminal(l, err) < 0 || process_apply_user(l->process, err) < 0 ||
	    process_find(l->process, program, size, err) < 0 ||
	    process_apply_files(l->process, err) < 0)
		return -1;
	return process_apply_last(l->process, &out, err);
}

void exec_child_main(struct exec_launch *l)
{
	char program[PATH_MAX];
	struct fd_heap host = {0};
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(l->host_fds); i++)
		fd_heap_add(&host, &l->host_fds[i]);
	fd_heap_close(&host);
	if (prepare(l, program, sizeof(program), &err) == 0) {
		(void)execve(program, l->process->args, l->process->env);
		process_explain_exec(program, errno, &err);
	}
	handshake_fail(l->control, &err);
}
