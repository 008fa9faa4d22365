/* SPDX-License-Identifier: Apache-2.0 */
/* The process that changes the mounts of a container, which it was born in. The law of child.c holds. */
#include <unistd.h>

#include "base/table.h"
#include "rootfs/rootfs.h"

#include "handshake.h"
#include "launch.h"

/* All or none holds for who asked, too: where he can't be told, or has ended, nothing was done. */
static void add(struct mounts_launch *l)
{
	struct error err = {0};

	if (rootfs_add_mounts(l->plan, l->proc, &err) < 0)
		handshake_fail(l->control, &err);
	if (handshake_send(l->control, MESSAGE_READY, -1, &err) == 0 &&
	    handshake_expect(l->control, MESSAGE_GO_ON, &err) == 0)
		return;
	rootfs_take_back(l->plan);
	handshake_fail(l->control, &err);
}

static void remove_all(struct mounts_launch *l)
{
	struct error err = {0};

	if (rootfs_remove_mounts(l->plan, l->proc, &err) < 0 ||
	    handshake_send(l->control, MESSAGE_READY, -1, &err) < 0)
		handshake_fail(l->control, &err);
}

void mounts_child_main(struct mounts_launch *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(l->host_fds); i++)
		if (l->host_fds[i] >= 0)
			(void)close(l->host_fds[i]);
	if (l->change == MOUNTS_ADD)
		add(l);
	else
		remove_all(l);
	_exit(0);
}
