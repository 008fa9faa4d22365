/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/table.h"

#include "agent.h"

static const char disk[] = "/dev/vda", place[] = "/run/disk";

enum { MARK_MOST = 4 };

/* Kinds of file systems: by what each says of itself, and where. The name is also that of its modules. */
static const struct kind {
	const char *name;
	off_t at;
	unsigned char mark[MARK_MOST];
	size_t length;
	bool readonly; /* it can't be written at all */
} kinds[] = {
	{"ext4",     1024 + 56, {0x53, 0xef},             2, false},
	{"squashfs", 0,         {'h', 's', 'q', 's'},     4, true },
	{"erofs",    1024,      {0xe2, 0xe1, 0xf5, 0xe0}, 4, true },
};

static const struct kind *recognise(int fd)
{
	unsigned char bytes[MARK_MOST];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (pread(fd, bytes, kinds[i].length, kinds[i].at) == (ssize_t)kinds[i].length &&
		    memcmp(bytes, kinds[i].mark, kinds[i].length) == 0)
			return &kinds[i];
	return NULL;
}

int disk_mount(bool readonly, const char **ret_path, struct error *err)
{
	owned_fd fd = open(disk, O_RDONLY | O_CLOEXEC);
	const struct kind *kind;

	if (fd < 0)
		return fail(err, ERROR_UNSUPPORTED, "vm.image",
		            "the guest's kernel has no driver for disks (virtio_blk)");
	kind = recognise(fd);
	if (!kind)
		return fail(err, ERROR_UNSUPPORTED, "vm.image",
		            "is no file system of a kind that is known: ext4, squashfs or erofs, "
		            "without partitions");
	if (modules_load(kind->name, err) < 0)
		return -1;
	if (mkdir(place, 0755) < 0 && errno != EEXIST)
		return fail_errno(err, place, "mkdir");
	if (mount(disk, place, kind->name, readonly || kind->readonly ? MS_RDONLY : 0, NULL) < 0)
		return errno == ENODEV ? fail(err, ERROR_UNSUPPORTED, "vm.image",
		                              "the guest's kernel can't mount %s", kind->name)
		                       : fail_errno(err, "vm.image", "mount it in the guest");
	*ret_path = place;
	return readonly || kind->readonly ? setup_layer(ret_path, err) : 0;
}
