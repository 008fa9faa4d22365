/* SPDX-License-Identifier: Apache-2.0 */
/* CRIU can't restore a root that is mounted read-only: it makes a directory in it for a moment when it enters
 * it. So the images say that the root is writable, and restore has it read-only again before a process runs.
 *
 * A file of images is two numbers of four bytes, then entries: four bytes of length, and a message of protobuf.
 * Of mountpoints-ID.img the member 5 of an entry is flags as of mount(2), the member 7 where it is mounted. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/own.h"
#include "base/text.h"

#include "criu.h"

enum { HEADER = 8, LENGTH = 4, FLAGS = 5, MOUNTPOINT = 7, IMAGE_LIMIT = 64 << 20 };
enum wire { WIRE_VARINT = 0, WIRE_EIGHT = 1, WIRE_BYTES = 2, WIRE_FOUR = 5 };

static uint64_t read_varint(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t byte = read_u8(r);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	r->failed = true;
	return 0;
}

static bool is_root(const void *text, size_t length)
{
	return (length == 1 && memcmp(text, "/", 1) == 0) ||
	       (length == 2 && memcmp(text, "./", 2) == 0);
}

/* Where the flags of an entry stand, if it is that of the root. */
static const uint8_t *find_flags(struct reader *entry)
{
	const uint8_t *flags = NULL;
	bool root = false;

	while (entry->left > 0 && !entry->failed) {
		uint64_t tag = read_varint(entry), length = 0;
		const void *text = NULL;

		switch ((enum wire)(tag & 7)) {
		case WIRE_VARINT:
			if (tag >> 3 == FLAGS)
				flags = entry->at;
			(void)read_varint(entry);
			break;
		case WIRE_BYTES:
			length = read_varint(entry);
			text = read_bytes(entry, (size_t)length);
			root = root || (text && tag >> 3 == MOUNTPOINT && is_root(text, length));
			break;
		case WIRE_EIGHT:
			(void)read_u64(entry);
			break;
		case WIRE_FOUR:
			(void)read_u32(entry);
			break;
		default:
			return NULL;
		}
	}
	return root && !entry->failed ? flags : NULL;
}

bool mountpoints_find_readonly_root(const void *bytes, size_t length, size_t *ret_offset)
{
	struct reader r = reader_of(bytes, length);

	(void)read_bytes(&r, HEADER);
	while (r.left > LENGTH && !r.failed) {
		size_t size = read_u32(&r);
		struct reader entry = reader_of(read_bytes(&r, size), size);
		const uint8_t *flags = r.failed ? NULL : find_flags(&entry);

		if (!flags ||
		    !(*flags & MS_RDONLY)) /* the lowest seven bits are the first byte's */
			continue;
		*ret_offset = (size_t)(flags - (const uint8_t *)bytes);
		return true;
	}
	return false;
}

static int release(int images, const char *name, struct arena *arena, struct error *err)
{
	owned_fd file = openat(images, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	char *bytes, byte;
	size_t length, offset;

	if (file < 0)
		return fail_errno(err, name, "open");
	if (fd_read_whole(file, name, IMAGE_LIMIT, arena, &bytes, &length, err) < 0)
		return -1;
	while (mountpoints_find_readonly_root(bytes, length, &offset)) {
		bytes[offset] = (char)(bytes[offset] & ~MS_RDONLY);
		byte = bytes[offset];
		if (pwrite(file, &byte, 1, (off_t)offset) != 1)
			return fail_errno(err, name, "write");
	}
	return 0;
}

static void dir_release(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

int images_release_root(int images, struct arena *arena, struct error *err)
{
	int again = openat(images, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OWNED(dir_release) DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;

	if (!dir)
		return fail_errno(err, "--image-path", "open");
	while ((entry = readdir(dir)))
		if (text_begins(entry->d_name, "mountpoints-") &&
		    release(images, entry->d_name, arena, err) < 0)
			return error_within(err, "--image-path");
	return 0;
}
