/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/own.h"

#include "steps.h"

/* mount(2) in the place of fsopen(2) and all that follows: three calls for any number of options, and a page of them
 * where fsconfig(2) takes 255 bytes in one, which the layers of an overlay are more than. But it wants a path. The new
 * mount lies for a moment over the host's /proc, where nobody but the host's root can lead a name elsewhere, and is
 * moved from there by its descriptor. */

static const char stage[] = "/proc";

enum { DATA_BYTES = 4096 };

/* Words that mount(2) wants as flags; a later one takes back what an earlier one said. */
static const struct {
	const char *word;
	unsigned long set, clear;
} super_flags[] = {
	{"async",      0,              MS_SYNCHRONOUS},
        {"dirsync",    MS_DIRSYNC,     0             },
        {"lazytime",   MS_LAZYTIME,    0             },
	{"nolazytime", 0,              MS_LAZYTIME   },
        {"sync",       MS_SYNCHRONOUS, 0             },
};

static bool change_flags(const char *word, unsigned long *flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(super_flags); i++)
		if (strcmp(super_flags[i].word, word) == 0) {
			*flags = (*flags & ~super_flags[i].clear) | super_flags[i].set;
			return true;
		}
	return false;
}

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

		if (!datum->value && change_flags(datum->key, ret_flags))
			continue;
		if ((length > 0 && !append(data, &length, ",")) ||
		    !append(data, &length, datum->key) ||
		    (datum->value &&
		     (!append(data, &length, "=") || !append(data, &length, datum->value))))
			return false;
	}
	return true;
}

/* Attributes that mount(2) knows as flags too. */
static const struct {
	uint64_t attribute;
	unsigned long flag;
} attribute_flags[] = {
	{MOUNT_ATTR_NOSUID,      MS_NOSUID     },
        {MOUNT_ATTR_NODEV,       MS_NODEV      },
	{MOUNT_ATTR_NOEXEC,      MS_NOEXEC     },
        {MOUNT_ATTR_NOATIME,     MS_NOATIME    },
	{MOUNT_ATTR_STRICTATIME, MS_STRICTATIME},
        {MOUNT_ATTR_NODIRATIME,  MS_NODIRATIME },
	{MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW},
};

bool rootfs_mount_arguments(const struct rootfs_plan *plan, const struct rootfs_mount *mount,
                            const char *type, struct rootfs_arguments *ret)
{
	/* the one of all cgroups, which keeps its own flags: this one is the mount's alone */
	bool is_there_already = plan->cgroup && strcmp(type, "cgroup2") == 0;
	ret->type = type;
	ret->source = mount->source && *mount->source ? mount->source : "none";
	ret->flags = 0;
	for (size_t i = 0; i < ARRAY_SIZE(attribute_flags); i++)
		if (mount->set & attribute_flags[i].attribute)
			ret->flags |= attribute_flags[i].flag;
	if ((mount->set & MOUNT_ATTR_RDONLY) &&
	    (rootfs_has_superblock_flag(type) || is_there_already))
		ret->flags |= MS_RDONLY;
	return collect(mount, ret->data, &ret->flags);
}

/* What mount(2) takes apart at commas may have none of its own. */
bool rootfs_may_at_once(const struct rootfs_mount *mount)
{
	for (size_t i = 0; i < mount->data_count; i++)
		if (mount->data[i].value && strpbrk(mount->data[i].value, ",\"\\"))
			return false;
	return true;
}

/* What lies over the stage, as it is to be. Returns  its descriptor, owned by the caller, or -1 and errno. */
static int take_from_stage(bool make_readonly)
{
	owned_fd made = open(stage, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (made < 0 || (make_readonly && rootfs_set_attributes(made, MOUNT_ATTR_RDONLY, 0) < 0))
		return -1;
	return take_fd(&made);
}

int rootfs_mount_at_once(const struct rootfs_plan *plan, const struct rootfs_mount *asked,
                         const char *type, struct error *err)
{
	struct rootfs_arguments a;
	int made;

	if (plan->late)
		return fail(err, ERROR_UNSUPPORTED, type,
		            "an option of more than 255 bytes in a container that lives");
	errno = E2BIG;
	if (!rootfs_mount_arguments(plan, asked, type, &a) ||
	    mount(a.source, stage, a.type, a.flags, a.data) < 0)
		return fail_errno(err, type, "mount");
	made = take_from_stage((asked->set & MOUNT_ATTR_RDONLY) && !(a.flags & MS_RDONLY));
	if (made >= 0)
		return made;
	(void)fail_errno(err, type, "mount");
	(void)umount2(stage, MNT_DETACH); /* what is there can be: it is ours, and whole */
	return -1;
}
