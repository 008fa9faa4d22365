/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/table.h"

#include "initramfs.h"

/* One thing in a cpio. */
struct node {
	const char *path;
	uint32_t mode;
	uint32_t major, minor; /* of a device */
	struct bytes bytes;    /* of a file */
};

static const struct node in_front[] =
	{
		{"dev",         S_IFDIR | 0755, 0, 0, {NULL, 0}},
		{"dev/console", S_IFCHR | 0600, 5, 1, {NULL, 0}},
		{"dev/null",    S_IFCHR | 0666, 1, 3, {NULL, 0}},
},
			 behind[] = {
				 {"proc", S_IFDIR | 0755, 0, 0, {NULL, 0}},
				 {"run", S_IFDIR | 0755, 0, 0, {NULL, 0}},
				 {"sys", S_IFDIR | 0755, 0, 0, {NULL, 0}},
};

static const struct node the_end = {
	"TRAILER!!!",
	0,
	0,
	0,
	{NULL, 0}
};

/* Headers with their names, and contents, end at multiples of four. */
static void fill_up(struct text *out, size_t from)
{
	static const char zeros[4];

	text_append_n(out, zeros, -(out->length - from) & 3);
}

/* Numbers are of eight hexadecimal digits each: inode, mode, uid, gid, links, mtime, size of the contents,
 * device (major, minor), device that it is (major, minor), size of the name with its NUL, a sum that
 * this kind has not. */
static void write_node(const struct node *node, uint32_t inode, size_t from, struct text *out)
{
	const uint32_t links = S_ISDIR(node->mode) ? 2 : 1;
	const uint32_t numbers[] = {inode,
	                            node->mode,
	                            0,
	                            0,
	                            links,
	                            0,
	                            (uint32_t)node->bytes.length,
	                            0,
	                            0,
	                            node->major,
	                            node->minor,
	                            (uint32_t)strlen(node->path) + 1,
	                            0};

	text_append(out, "070701");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		text_format(out, "%08x", numbers[i]);
	text_append_n(out, node->path, strlen(node->path) + 1);
	fill_up(out, from);
	if (node->bytes.length > 0)
		text_append_n(out, (const char *)node->bytes.at, node->bytes.length);
	fill_up(out, from);
}

int initramfs_write(struct bytes agent, const struct modules *modules, const struct bytes *contents,
                    struct bytes order, struct text *out, struct error *err)
{
	const struct node init = {"init", S_IFREG | 0755, 0, 0, agent};
	const struct node folder = {
		"modules",
		S_IFDIR | 0755,
		0,
		0,
		{NULL, 0}
        };
	const struct node list = {"modules/order", S_IFREG | 0644, 0, 0, order};
	const size_t from = out->length;
	uint32_t inode = 0;
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(in_front); i++)
		write_node(&in_front[i], ++inode, from, out);
	write_node(&init, ++inode, from, out);
	write_node(&folder, ++inode, from, out);
	for (size_t i = 0; i < modules->count; i++) {
		const struct node module = {path, S_IFREG | 0644, 0, 0, contents[i]};

		(void)snprintf(path, sizeof(path), "modules/%s", modules->list[i].file);
		write_node(&module, ++inode, from, out);
	}
	write_node(&list, ++inode, from, out);
	for (size_t i = 0; i < ARRAY_SIZE(behind); i++)
		write_node(&behind[i], ++inode, from, out);
	write_node(&the_end, 0, from, out);
	if (text_check(out, err) < 0)
		return error_within(err, "initramfs");
	return 0;
}
