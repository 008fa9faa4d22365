/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/own.h"

#include "rootfs.h"

enum { MOUNTS_LIMIT = 16 << 20, ARENA_LIMIT = 32 << 20 };

/* The first mount of the tree. Spec: proc_pid_mountinfo(5); escapes in a path are left as they are. */
static bool find(struct rootfs_cgroup_options *ret)
{
	owned_arena struct arena *arena = arena_new(ARENA_LIMIT);
	struct error ignored;
	char *save = NULL;
	char *mounts;

	if (!arena || fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_LIMIT, arena, &mounts,
	                           NULL, &ignored) < 0)
		return false;
	for (char *line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *kind = strstr(line, " - cgroup2 ");

		if (kind && sscanf(line, "%*s %*s %*s %*s %255s", ret->place) == 1 &&
		    sscanf(kind, " - cgroup2 %*s %255s", ret->text) == 1)
			return true;
	}
	return false;
}

void rootfs_note_cgroup_options(struct rootfs_cgroup_options *ret)
{
	*ret = (struct rootfs_cgroup_options){0};
	if (!find(ret))
		*ret->text = '\0';
}

static int set(int context, char *words, struct error *err)
{
	char *save = NULL;

	for (char *word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (strcmp(word, "rw") != 0 && strcmp(word, "ro") != 0 &&
		    fsconfig(context, FSCONFIG_SET_FLAG, word, NULL, 0) < 0)
			return fail_errno(err, word, "fsconfig");
	if (fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return fail_errno(err, "cgroup2", "fsconfig");
	return 0;
}

int rootfs_put_back_cgroup_options(const struct rootfs_cgroup_options *before, struct error *err)
{
	struct rootfs_cgroup_options now, wanted = *before;
	owned_fd context = -1;

	rootfs_note_cgroup_options(&now);
	if (!*before->text || !*now.text || strcmp(before->text, now.text) == 0)
		return 0;
	log_debug("cgroup2: the options of all are %s again, not %s", before->text, now.text);
	context = fspick(AT_FDCWD, now.place, FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT);
	if (context < 0)
		return fail_errno(err, now.place, "fspick");
	return set(context, wanted.text, err);
}
