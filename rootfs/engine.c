/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts that an engine wants to have on the host before a container is made: its root file system, which stays
 * until the container is deleted. What is at these paths is the engine's own: there is no stranger in it yet. */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/table.h"
#include "base/text.h"

#include "rootfs.h"

enum { DATA_MOST = 4095, DATA_LIMIT = 1 << 20, UNMOUNTS_MOST = 64 };

/* Words that are flags of mount(2); all else is the file system's. */
static const struct word flags[] = {
	{"async",       0               },
	{"bind",        MS_BIND         },
	{"defaults",    0               },
	{"dirsync",     MS_DIRSYNC      },
	{"noatime",     MS_NOATIME      },
	{"nodev",       MS_NODEV        },
	{"nodiratime",  MS_NODIRATIME   },
	{"noexec",      MS_NOEXEC       },
	{"nosuid",      MS_NOSUID       },
	{"rbind",       MS_BIND | MS_REC},
	{"relatime",    MS_RELATIME     },
	{"ro",          MS_RDONLY       },
	{"rw",          0               },
	{"strictatime", MS_STRICTATIME  },
	{"sync",        MS_SYNCHRONOUS  },
};

static const char lower[] = "lowerdir=";

static uint64_t read_options(const struct engine_mount *m, struct text *data)
{
	uint64_t all = 0;

	for (size_t i = 0; i < m->options_count; i++) {
		int64_t flag;

		if (table_value(flags, ARRAY_SIZE(flags), m->options[i], &flag)) {
			all |= (uint64_t)flag;
			continue;
		}
		if (data->length)
			text_append(data, ",");
		text_append(data, m->options[i]);
	}
	return all;
}

/* How much of its directory the paths of a lowerdir have in common, its last slash included; 0: too little. */
static size_t common_directory(const char *paths)
{
	size_t common = strcspn(paths, ":");

	for (const char *path = paths; *path; path += strspn(path, ":")) {
		size_t same = 0;

		while (same < common && path[same] == paths[same])
			same++;
		common = same;
		path += strcspn(path, ":");
	}
	while (common > 0 && paths[common - 1] != '/')
		common--;
	return common > 1 ? common : 0;
}

/* The options once more, with lowerdirs that begin where they differ; we go to the directory that they have in
 * common. */
static int shorten(const struct engine_mount *m, struct text *data, struct error *err)
{
	owned_text struct text where = {.limit = DATA_LIMIT}, option = {.limit = DATA_LIMIT};
	struct engine_mount shorter = {.options = m->options, .options_count = m->options_count};
	const char *options[64];
	const char *paths;
	size_t common;

	if (m->options_count > ARRAY_SIZE(options))
		return fail(err, ERROR_UNSUPPORTED, m->type, "more than 64 options");
	for (size_t i = 0; i < m->options_count; i++) {
		options[i] = m->options[i];
		if (!text_begins(options[i], lower))
			continue;
		paths = options[i] + strlen(lower);
		common = common_directory(paths);
		text_append_n(&where, paths, common);
		text_append(&option, lower);
		while (*paths && common > 0) {
			size_t length = strcspn(paths, ":");

			text_append_n(&option, paths + common, length - common);
			paths += length;
			if (*paths == ':')
				text_append_n(&option, paths++, 1);
		}
		options[i] = option.bytes;
	}
	if (text_check(&where, err) < 0 || text_check(&option, err) < 0)
		return -1;
	text_free(data);
	shorter.options = options;
	(void)read_options(&shorter, data);
	if (text_check(data, err) < 0)
		return -1;
	if (!where.length || data->length > DATA_MOST)
		return fail(err, ERROR_UNSUPPORTED, m->type,
		            "options of more than %d bytes, which mount(2) can't take", DATA_MOST);
	return chdir(where.bytes) < 0 ? fail_errno(err, where.bytes, "chdir") : 0;
}

int rootfs_engine_mount(const struct engine_mount *m, const char *target, struct error *err)
{
	owned_text struct text data = {.limit = DATA_LIMIT};
	uint64_t all = read_options(m, &data);
	const uint64_t bind = all & (MS_BIND | MS_REC);

	if (text_check(&data, err) < 0)
		return -1;
	if (data.length > DATA_MOST && shorten(m, &data, err) < 0)
		return -1;
	if (mount(m->source, target, m->type, bind ? bind : all, bind ? NULL : data.bytes) < 0)
		return fail_errno(err, target, "mount");
	/* a bind takes its flags only afterwards */
	if (bind && all != bind &&
	    mount(NULL, target, NULL, (all & ~(uint64_t)MS_REC) | MS_REMOUNT, NULL) < 0)
		return fail_errno(err, target, "remount");
	return 0;
}

int rootfs_engine_unmount(const char *target, struct error *err)
{
	for (int i = 0; i < UNMOUNTS_MOST; i++) {
		if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			continue;
		return errno == EINVAL || errno == ENOENT ? 0 : fail_errno(err, target, "umount");
	}
	return fail(err, ERROR_SYSTEM, target, "there is always another mount on it");
}
