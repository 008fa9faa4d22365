/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the container's procfs. Most paths that are to be masked there, no kernel has all of: one listing tells
 * which are missing and which are directories, where each would be tried. A procfs that we have mounted has but the
 * kernel's own names, and one process. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "steps.h"

enum { LISTING_CALLS = 2 }; /* that it takes */

void rootfs_list(struct rootfs_plan *plan)
{
	const struct spec_linux *spec = &plan->spec->linux_;
	const struct rootfs_mount *proc = rootfs_cover(plan, "/proc");
	struct rootfs_listing *list = &plan->listing;
	ssize_t n;

	if (!proc || proc->bind || !proc->held || proc->fd < 0 || strcmp(proc->type, "proc") != 0 ||
	    spec->readonly_paths.count + spec->masked_paths.count <= LISTING_CALLS)
		return;
	list->dir = openat(proc->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n = list->dir < 0 ? -1 : getdents64(list->dir, list->bytes, sizeof(list->bytes));
	/* one more would have found room: so it is whole */
	if (n <= 0 || sizeof(list->bytes) - (size_t)n < sizeof(struct dirent64))
		return;
	list->of = proc->fd;
	list->length = (size_t)n;
}

/* Processes are there that are not listed: each thread. */
static bool is_process(const char *name)
{
	return *name >= '0' && *name <= '9';
}

enum rootfs_kind rootfs_kind_in_proc(const struct rootfs_plan *plan, const char *name)
{
	const struct rootfs_listing *list = &plan->listing;

	if (list->of < 0 || is_process(name))
		return ROOTFS_KIND_UNKNOWN;
	for (size_t at = 0; at < list->length;) {
		const struct dirent64 *entry = (const void *)(list->bytes + at);

		if (strcmp(entry->d_name, name) == 0)
			return entry->d_type == DT_REG   ? ROOTFS_KIND_FILE
			       : entry->d_type == DT_DIR ? ROOTFS_KIND_DIRECTORY
			                                 : ROOTFS_KIND_UNKNOWN;
		at += entry->d_reclen;
	}
	return ROOTFS_KIND_MISSING;
}

enum rootfs_kind rootfs_kind_of(const struct rootfs_plan *plan, const char *path, const char *name)
{
	const struct rootfs_mount *in = rootfs_cover(plan, path);

	if (in->fd == plan->listing.of)
		return rootfs_kind_in_proc(plan, name);
	/* at the top of a sysfs are directories only */
	return strcmp(in->type, "sysfs") == 0 ? ROOTFS_KIND_DIRECTORY : ROOTFS_KIND_UNKNOWN;
}
