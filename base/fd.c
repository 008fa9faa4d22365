/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "own.h"

/* The part of fd.h that the child may use: fd_read.c has what allocates. */

ssize_t fd_read_small(int dir, const char *path, char *text, size_t size, struct error *err)
{
	owned_fd fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return fail_errno(err, path, "open");
	do
		n = read(fd, text, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_errno(err, path, "read");
	text[n] = '\0';
	return n;
}

int fd_read_line(int dir, const char *path, char *line, size_t size, struct error *err)
{
	if (fd_read_small(dir, path, line, size, err) < 0)
		return -1;
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

int fd_write_whole(int fd, const char *name, const void *bytes, size_t length, struct error *err)
{
	const char *at = bytes;

	while (length > 0) {
		ssize_t n = write(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* else this could go on for ever */
		if (n <= 0)
			return fail_errno(err, name, "write");
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

int fd_write_file(int dir, const char *path, const char *text, struct error *err)
{
	owned_fd fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t length = strlen(text);
	ssize_t n;

	if (fd < 0)
		return fail_errno(err, path, "open");
	do
		n = write(fd, text, length);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_errno(err, path, "write");
	if ((size_t)n < length)
		return fail(err, ERROR_SYSTEM, path, "write: only %zd of %zu bytes were taken", n,
		            length);
	return 0;
}

int fd_reopen(int fd, int flags, const char *name, struct error *err)
{
	char path[sizeof("/proc/self/fd/-2147483648")];
	int opened;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	opened = open(path, flags | O_CLOEXEC);
	if (opened < 0)
		return fail_errno(err, name, "open");
	return opened;
}

void fd_heap_add(struct fd_heap *heap, int *fd)
{
	int taken = take_fd(fd);

	if (taken >= 64)
		(void)close(taken);
	else if (taken >= 0)
		heap->below_64 |= UINT64_C(1) << taken;
}

void fd_heap_close(struct fd_heap *heap)
{
	uint64_t left = heap->below_64;

	heap->below_64 = 0;
	while (left) {
		unsigned int first = (unsigned int)__builtin_ctzll(left), last = first;

		while (last < 63 && left >> (last + 1) & 1)
			last++;
		if (first == last)
			(void)close((int)first);
		else
			(void)close_range(first, last, 0);
		left &= last < 63 ? ~UINT64_C(0) << (last + 1) : 0;
	}
}

int fd_close_from(unsigned int first, struct error *err)
{
	return close_range(first, ~0U, 0) < 0 ? fail_errno(err, "descriptors", "close_range") : 0;
}

int fd_cloexec_from(unsigned int first, struct error *err)
{
	if (close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return fail_errno(err, "descriptors", "close_range");
	return 0;
}
