/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/own.h"
#include "base/table.h"
#include "base/text.h"

#include "agent.h"

enum { ORDER_LIMIT = 1 << 20 };

/* Kinds of virtio devices (virtio 1.2, 5) and the group of modules that serves each; what the boot group has is not
 * here. */
static const struct {
	unsigned int device;
	const char *group;
} groups[] = {
	{1, "net"    },
        {2, "blk"    },
        {3, "console"},
        {4, "rng"    },
        {5, "balloon"},
};

/* Above the numbers of anything else; kept open for the groups that are loaded later. */
enum { MODULES = 900 };

int modules_open(struct error *err)
{
	owned_fd dir = open("/modules", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "/modules", "open");
	return dup3(dir, MODULES, O_CLOEXEC) < 0 ? fail_errno(err, "/modules", "dup") : 0;
}

static int load(const char *name, struct error *err)
{
	owned_fd fd = openat(MODULES, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, name, "open");
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return fail_errno(err, name, "load");
	return 0;
}

int modules_load(const char *group, struct error *err)
{
	owned_arena struct arena *arena = arena_new((size_t)2 * ORDER_LIMIT);
	size_t length, group_length = strlen(group);
	char *order, *save = NULL;

	if (!arena)
		return fail(err, ERROR_SYSTEM, "/modules/order", "out of memory");
	if (fd_read_file(MODULES, "order", ORDER_LIMIT, arena, &order, &length, err) < 0)
		return err->errnum == ENOENT || err->errnum == EBADF ? 0 : -1;
	for (char *line = strtok_r(order, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, group, group_length) == 0 && line[group_length] == ' ' &&
		    load(line + group_length + 1, err) < 0)
			return -1;
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* The bit of each kind that the bus has. */
static int find_devices(unsigned int *ret_kinds, struct error *err)
{
	static const char bus[] = "/newroot/sys/bus/virtio/devices";
	OWNED(close_dir) DIR *dir = opendir(bus);
	const struct dirent *entry;

	*ret_kinds = 0;
	if (!dir)
		return fail_errno(err, bus, "open");
	while ((entry = readdir(dir))) {
		char path[512], text[32];
		struct error ignored;
		unsigned long kind;

		(void)snprintf(path, sizeof(path), "%s/device", entry->d_name);
		if (fd_read_small(dirfd(dir), path, text, sizeof(text), &ignored) < 0)
			continue;
		kind = strtoul(text, NULL, 16);
		if (kind < 32)
			*ret_kinds |= 1U << kind;
	}
	return 0;
}

int modules_load_devices(struct error *err)
{
	unsigned int kinds;

	if (find_devices(&kinds, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if ((kinds & (1U << groups[i].device)) && modules_load(groups[i].group, err) < 0)
			return -1;
	return 0;
}
