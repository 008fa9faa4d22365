/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "base/own.h"

#include "steps.h"

int rootfs_readonly_view(const char *path)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
	owned_fd tree = rootfs_clone_tree(AT_FDCWD, path, false);

	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		return -1;
	return take_fd(&tree);
}
