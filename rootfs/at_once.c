/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/own.h"

#include "steps.h"

/* fsconfig(2) takes 255 bytes in one value, and the layers of an overlay are more. mount(2) takes a page for all
 * options, but wants a path: the host's of the root, over which the mount lies for a moment, is the only one that
 * nobody in the container can lead elsewhere. */

enum { DATA_BYTES = 4096 };

/* Words that mount(2) wants as flags. */
static const struct word super_flags[] = {
	{"async",      0             },
        {"dirsync",    MS_DIRSYNC    },
        {"lazytime",   MS_LAZYTIME   },
	{"nolazytime", 0             },
        {"sync",       MS_SYNCHRONOUS},
};

static bool append(char *data, size_t *length, const char *text)
{
	size_t more = strlen(text);

	if (more >= DATA_BYTES - *length)
		return false;
	memcpy(data + *length, text, more + 1);
	*length += more;
	return true;
}

/* "a,b=c". */
static bool collect(const struct rootfs_mount *mount, char *data, unsigned long *ret_flags)
{
	size_t length = 0;

	data[0] = '\0';
	for (size_t i = 0; i < mount->data_count; i++) {
		const struct rootfs_datum *datum = &mount->data[i];
		int64_t flag;

		if (!datum->value &&
		    table_value(super_flags, ARRAY_SIZE(super_flags), datum->key, &flag)) {
			*ret_flags |= (unsigned long)flag;
			continue;
		}
		if ((length > 0 && !append(data, &length, ",")) ||
		    !append(data, &length, datum->key) ||
		    (datum->value &&
		     (!append(data, &length, "=") || !append(data, &length, datum->value))))
			return false;
	}
	return true;
}

int rootfs_mount_at_once(const struct rootfs_plan *plan, const struct rootfs_mount *asked,
                         const char *type, struct error *err)
{
	unsigned long flags = asked->set & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0;
	const char *source = asked->source ? asked->source : type;
	char data[DATA_BYTES];
	owned_fd tree = -1;

	if (plan->late)
		return fail(err, ERROR_UNSUPPORTED, type,
		            "an option of more than 255 bytes in a container that lives");
	errno = E2BIG;
	if (!collect(asked, data, &flags) || mount(source, plan->path, type, flags, data) < 0)
		return fail_errno(err, type, "mount");
	tree = rootfs_clone_tree(AT_FDCWD, plan->path, false);
	if (umount2(plan->path, MNT_DETACH) < 0)
		return fail_errno(err, plan->path, "umount");
	if (tree < 0)
		return fail_errno(err, plan->path, "open_tree");
	if (rootfs_set_attributes(tree, asked->set, asked->clear & MOUNT_ATTR__ATIME) < 0)
		return fail_errno(err, type, "mount_setattr");
	return take_fd(&tree);
}
