/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "own.h"

enum { FIRST_SIZE = 4096 };

/* How much to make room for before the first read: a file's size and one byte, so that the end is
 * seen without growing; a guess for what has no size, such as a pipe or a file of procfs.
 * ret_end  where a file that has a size ends, which so needs no further read to be seen; SIZE_MAX. */
static size_t first_size(int fd, size_t limit_bytes, size_t *ret_end)
{
	struct stat st;
	size_t size = FIRST_SIZE;

	*ret_end = SIZE_MAX;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		if ((uint64_t)st.st_size >= limit_bytes)
			return limit_bytes + 1;
		*ret_end = (size_t)st.st_size;
		return *ret_end + 1;
	}
	return size > limit_bytes ? limit_bytes + 1 : size;
}

/* Give a buffer that is full more room, up to limit_bytes and the byte that shows there is more. */
static int grow(char **buffer, size_t *size, size_t limit_bytes)
{
	size_t bigger = *size <= limit_bytes / 2 ? *size * 2 : limit_bytes + 1;
	char *moved = realloc(*buffer, bigger);

	if (!moved)
		return -1;
	*buffer = moved;
	*size = bigger;
	return 0;
}

/* Read to the end into a buffer of the heap, at most one byte more than limit_bytes.
 * Returns  the length, or -1 and errno. */
static ssize_t read_to_end(int fd, size_t limit_bytes, char **ret_buffer)
{
	size_t end;
	size_t size = first_size(fd, limit_bytes, &end);
	owned_str buffer = malloc(size);
	size_t length = 0;
	ssize_t n;

	if (!buffer)
		return -1;
	for (;;) {
		if (length == size && (size > limit_bytes || grow(&buffer, &size, limit_bytes) < 0))
			break;
		n = read(fd, buffer + length, size - length);
		if (n < 0 && errno != EINTR)
			return -1;
		length += n > 0 ? (size_t)n : 0;
		if (n == 0 || length == end)
			break;
	}
	if (length == size && size <= limit_bytes)
		return -1; /* grow() failed */
	*ret_buffer = take_ptr(buffer);
	return (ssize_t)length;
}

int fd_read_whole(int fd, const char *name, size_t limit_bytes, struct arena *arena,
                  char **ret_bytes, size_t *ret_length, struct error *err)
{
	size_t limit = limit_bytes < SSIZE_MAX ? limit_bytes : SSIZE_MAX - 1;
	owned_str buffer = NULL;
	ssize_t length = read_to_end(fd, limit, &buffer);
	char *bytes;

	if (length < 0)
		return fail_errno(err, name, "read");
	if ((size_t)length > limit)
		return fail(err, ERROR_CONFIG, name, "larger than %zu bytes", limit);
	bytes = arena_alloc(arena, (size_t)length + 1, 1);
	if (!bytes) {
		if (arena_check(arena, err) < 0)
			return error_within(err, "%s", name);
		return fail(err, ERROR_SYSTEM, name, "out of memory");
	}
	memcpy(bytes, buffer, (size_t)length);
	*ret_bytes = bytes;
	if (ret_length)
		*ret_length = (size_t)length;
	return 0;
}

int fd_read_file(int dir, const char *path, size_t limit_bytes, struct arena *arena,
                 char **ret_bytes, size_t *ret_length, struct error *err)
{
	owned_fd fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fail_errno(err, path, "open");
	return fd_read_whole(fd, path, limit_bytes, arena, ret_bytes, ret_length, err);
}

int fd_read_input(const char *path, size_t limit_bytes, struct arena *arena, char **ret_bytes,
                  size_t *ret_length, struct error *err)
{
	owned_fd fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                                     : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, path, "open");
	return fd_read_whole(fd, path, limit_bytes, arena, ret_bytes, ret_length, err);
}
