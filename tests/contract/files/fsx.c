/* SPDX-License-Identifier: Apache-2.0 */
/* Random things done to one file by two descriptors, and what it must hold then, in memory. The same seed does the
 * same things, so that a failure can be had again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

enum { MOST = 256 << 10, CHUNK = 40 << 10 };

static unsigned char right[MOST], seen[MOST];
static size_t size;
static int fds[2] = {-1, -1};
static unsigned long long state;
static unsigned long step;

static unsigned long draw(unsigned long below)
{
	/* xorshift64* */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned long)(state * 2685821657736338717ULL >> 33) % below;
}

static int any(void)
{
	return fds[draw(2)];
}

static void wrong(const char *what, unsigned long at)
{
	printf("not ok step %lu: %s at %lu of %zu: %s\n", step, what, at, size, strerror(errno));
	exit(1);
}

static void compare(size_t from, size_t length, const char *what)
{
	for (size_t i = 0; i < length; i++)
		if (seen[i] != right[from + i])
			wrong(what, from + i);
}

/* A place and a length within the most that there may be. */
static size_t place(size_t *ret_length, size_t most)
{
	size_t at = draw(most ? most : 1);

	*ret_length = 1 + draw(CHUNK);
	if (*ret_length > most - at)
		*ret_length = most - at;
	return at;
}

static void grow(size_t end)
{
	if (end > size)
		size = end;
}

static void do_read(void)
{
	size_t length, at = place(&length, MOST);
	size_t there = at >= size ? 0 : size - at < length ? size - at : length;

	if (pread(any(), seen, length, (off_t)at) != (ssize_t)there)
		wrong("read", at);
	compare(at, there, "read");
}

static void do_write(void)
{
	size_t length, at = place(&length, MOST);
	unsigned char byte = (unsigned char)draw(256);

	for (size_t i = 0; i < length; i++)
		right[at + i] = (unsigned char)(byte + i);
	if (pwrite(any(), right + at, length, (off_t)at) != (ssize_t)length)
		wrong("write", at);
	grow(at + length);
}

static void do_append(void)
{
	size_t length = 1 + draw(2000);
	int fd;

	if (size + length > MOST)
		return;
	memset(right + size, (int)draw(256), length);
	fd = open("fsx", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || write(fd, right + size, length) != (ssize_t)length || close(fd) < 0)
		wrong("append", size);
	size += length;
}

static void do_truncate(void)
{
	size_t to = draw(MOST);

	if (draw(2) ? ftruncate(any(), (off_t)to) : truncate("fsx", (off_t)to))
		wrong("truncate", to);
	if (to < size)
		memset(right + to, 0, size - to);
	size = to;
}

static void do_map(void)
{
	size_t length, at = place(&length, size), shift = at % 4096;
	bool write = draw(2);
	unsigned char *map;

	if (size == 0)
		return;
	map = mmap(NULL, length + shift, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED, any(),
	           (off_t)(at - shift));
	if (map == MAP_FAILED)
		wrong("mmap", at);
	memcpy(seen, map + shift, length);
	compare(at, length, "mapped");
	if (write) {
		memset(map + shift, (int)draw(256), length);
		memcpy(right + at, map + shift, length);
		if (draw(3) == 0 && msync(map, length + shift, MS_SYNC) < 0)
			wrong("msync", at);
	}
	if (munmap(map, length + shift) < 0)
		wrong("munmap", at);
}

static void do_allocate(void)
{
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
	size_t length, at = place(&length, MOST);
	int mode = modes[draw(5)];

	if (length == 0)
		return;
	if (fallocate(any(), mode, (off_t)at, (off_t)length) < 0) {
		if (errno != EOPNOTSUPP)
			wrong("fallocate", at);
		return;
	}
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		memset(right + at, 0, length);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		grow(at + length);
}

static void do_copy(void)
{
	size_t length, from = place(&length, size), to = draw(MOST);
	off_t in = (off_t)from, out = (off_t)to;
	ssize_t n;

	if (to + length > MOST)
		length = MOST - to;
	if (length == 0 || (from < to + length && to < from + length))
		return; /* not onto itself */
	n = copy_file_range(fds[0], &in, fds[1], &out, length, 0);
	if (n < 0 && (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL))
		return;
	if (n <= 0)
		wrong("copy_file_range", from);
	memmove(right + to, right + from, (size_t)n);
	grow(to + (size_t)n);
}

static void do_open(void)
{
	int which = (int)draw(2);

	if (fds[which] >= 0 && close(fds[which]) < 0)
		wrong("close", 0);
	fds[which] = open("fsx", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	if (fds[which] < 0)
		wrong("open", 0);
}

static void do_sync(void)
{
	if (draw(2) ? fsync(any()) : fdatasync(any()))
		wrong("fsync", 0);
	if (draw(4) == 0 && posix_fadvise(any(), 0, 0, POSIX_FADV_DONTNEED))
		wrong("fadvise", 0);
}

static void do_look(void)
{
	struct stat st;

	if (fstat(any(), &st) < 0 || (size_t)st.st_size != size)
		wrong("its size is another", (unsigned long)st.st_size);
}

int fsx(unsigned long seed, unsigned long operations)
{
	static void (*const deeds[])(void) = {do_read, do_read,     do_write, do_write, do_map,
	                                      do_map,  do_truncate, do_copy,  do_open,  do_allocate,
	                                      do_sync, do_look,     do_append};

	state = seed ? seed : 1;
	(void)unlink("fsx");
	for (int i = 0; i < 2; i++) {
		fds[i] = open("fsx", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
		if (fds[i] < 0)
			wrong("open", 0);
	}
	for (step = 0; step < operations; step++) {
		deeds[draw(sizeof(deeds) / sizeof(deeds[0]))]();
		do_look();
	}
	if (pread(fds[0], seen, MOST, 0) != (ssize_t)size)
		wrong("read all", 0);
	compare(0, size, "at the end");
	(void)unlink("fsx");
	printf("ok 1 %lu steps of seed %lu\n1..1\n", operations, seed);
	return 0;
}
