/* SPDX-License-Identifier: Apache-2.0 */
/* What the parent opens of mounts' sources, before there is a child in the container's user namespace. */
#include <fcntl.h>
#include <unistd.h>

#include "base/own.h"
#include "rootfs/rootfs.h"
#include "runtime/process/process.h"

#include "launch.h"

/* Returns  a user namespace with the container's ids, the caller's; or -1 and *err. */
static int open_own(const struct spec *spec, struct error *err)
{
	const struct spec_linux *l = &spec->linux_;
	const char *path = l->namespaces[NAMESPACE_USER].path;
	int fd;

	/* its own may not be there yet, and one with the same maps does */
	if (!path)
		return process_user_namespace(&l->uid_mappings, &l->gid_mappings, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, path, "open") : fd;
}

static void close_all(struct rootfs_idmap *idmaps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fd_release(&idmaps[i].fd);
		idmaps[i].fd = -1;
	}
}

int sources_open(const struct spec *spec, struct rootfs_plan *plan, struct error *err)
{
	size_t count = 0;
	struct rootfs_idmap *idmaps = rootfs_idmaps(plan, &count);
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++) {
		struct rootfs_idmap *idmap = &idmaps[i];

		idmap->fd = idmap->uids ? process_user_namespace(idmap->uids, idmap->gids, err)
		                        : open_own(spec, err);
		if (idmap->fd < 0)
			result = error_within(err, "mounts[%zu]", idmap->mount);
	}
	if (result == 0)
		result = rootfs_open_sources(plan, err);
	close_all(idmaps, count);
	if (result < 0)
		rootfs_close_sources(plan);
	return result;
}
