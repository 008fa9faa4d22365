/* SPDX-License-Identifier: Apache-2.0 */
/* The process that changes the mounts of a container, which it was born in. The law of child.c holds. */
#include <unistd.h>

#include "base/table.h"
#include "rootfs/rootfs.h"

#include "handshake.h"
#include "launch.h"

void mounts_child_main(struct mounts_launch *l)
{
	struct error err = {0};
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(l->host_fds); i++)
		if (l->host_fds[i] >= 0)
			(void)close(l->host_fds[i]);
	result = l->change == MOUNTS_ADD ? rootfs_add_mounts(l->plan, l->proc, &err)
	                                 : rootfs_remove_mounts(l->plan, l->proc, &err);
	if (result < 0 || handshake_send(l->control, MESSAGE_READY, -1, &err) < 0)
		handshake_fail(l->control, &err);
	_exit(0);
}
