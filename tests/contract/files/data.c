/* SPDX-License-Identifier: Apache-2.0 */
/* What is in files: written, mapped, with holes, copied by the kernel. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"

enum { PAGE = 4096, MEGABYTE = 1 << 20, RECORDS = 200, RECORD = 64 };

static int make(const char *name)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);

	MUST(fd >= 0);
	return fd;
}

static off_t size_of(int fd)
{
	struct stat st;

	MUST(fstat(fd, &st) == 0);
	return st.st_size;
}

static bool all_are(const unsigned char *bytes, size_t length, unsigned char what)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != what)
			return false;
	return true;
}

/* Bytes from an offset on are just these. */
static bool range_is(int fd, off_t offset, size_t length, unsigned char what)
{
	unsigned char *bytes = malloc(length);
	bool result;

	MUST(bytes && pread(fd, bytes, length, offset) == (ssize_t)length);
	result = all_are(bytes, length, what);
	free(bytes);
	return result;
}

static void fill(int fd, off_t offset, size_t length, unsigned char what)
{
	unsigned char *bytes = malloc(length);

	MUST(bytes);
	memset(bytes, what, length);
	MUST(pwrite(fd, bytes, length, offset) == (ssize_t)length);
	free(bytes);
}

static void large(void)
{
	int fd = make("f");
	unsigned int *words = malloc((size_t)8 * MEGABYTE);
	size_t count = (size_t)8 * MEGABYTE / sizeof(*words);

	MUST(words);
	for (size_t i = 0; i < count; i++)
		words[i] = (unsigned int)(i * 2654435761U);
	MUST(write(fd, words, (size_t)8 * MEGABYTE) == 8 * MEGABYTE && fsync(fd) == 0);
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	memset(words, 0, (size_t)8 * MEGABYTE);
	MUST(pread(fd, words, (size_t)8 * MEGABYTE, 0) == 8 * MEGABYTE);
	for (size_t i = 0; i < count; i++)
		MUST(words[i] == (unsigned int)(i * 2654435761U));
	MUST(pread(fd, words, 100, 8 * MEGABYTE - 50) == 50 &&
	     pread(fd, words, 1, 9 * MEGABYTE) == 0);
	MUST(fdatasync(fd) == 0 && syncfs(fd) == 0 && close(fd) == 0);
	free(words);
}

static void scattered(void)
{
	char a[3] = "abc", b[5] = "defgh"; /* without a NUL */
	struct iovec pieces[] = {
		{a, 3},
		{b, 5}
        };
	int fd = open("f", O_CREAT | O_RDWR | O_SYNC | O_CLOEXEC, 0644);

	MUST(fd >= 0 && pwritev(fd, pieces, 2, 7) == 8 && size_of(fd) == 15);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	MUST(preadv(fd, pieces, 2, 7) == 8 && memcmp(a, "abc", 3) == 0 &&
	     memcmp(b, "defgh", 5) == 0);
	MUST(range_is(fd, 0, 7, 0));
	MUST(lseek(fd, -3, SEEK_END) == 12 && read(fd, a, 3) == 3 && memcmp(a, "fgh", 3) == 0);
	MUST(close(fd) == 0);
}

static void cut(void)
{
	int fd = make("f");

	fill(fd, 0, 3 * PAGE, 'a');
	MUST(ftruncate(fd, PAGE + 10) == 0 && ftruncate(fd, 3 * PAGE) == 0);
	MUST(range_is(fd, 0, PAGE + 10, 'a') && range_is(fd, PAGE + 10, 2 * PAGE - 10, 0));
	MUST(truncate("f", 5) == 0 && size_of(fd) == 5);
	FAILS(EINVAL, ftruncate(fd, -1));
	MUST(ftruncate(fd, (off_t)1 << 40) == 0 && range_is(fd, ((off_t)1 << 40) - 9, 9, 0));
	MUST(ftruncate(fd, 0) == 0 && close(fd) == 0);
}

static void append_records(void)
{
	int fd = open("log", O_WRONLY | O_APPEND | O_CLOEXEC);
	char record[RECORD];

	MUST(fd >= 0);
	memset(record, 'a' + getpid() % 26, RECORD - 1);
	record[RECORD - 1] = '\n';
	for (int i = 0; i < RECORDS; i++)
		MUST(write(fd, record, RECORD) == RECORD);
}

static void appended(void)
{
	int fd = make("log"), append;
	char record[RECORD];
	pid_t pid[3];

	for (int i = 0; i < 3; i++)
		pid[i] = begin(append_records);
	for (int i = 0; i < 3; i++)
		end(pid[i]);
	MUST(size_of(fd) == (off_t)3 * RECORDS * RECORD);
	for (int i = 0; i < 3 * RECORDS; i++) {
		MUST(read(fd, record, RECORD) == RECORD && record[RECORD - 1] == '\n');
		MUST(all_are((const unsigned char *)record, RECORD - 1, (unsigned char)record[0]));
	}
	/* wherever it stood, and after others have written */
	append = open("log", O_RDWR | O_APPEND | O_CLOEXEC);
	MUST(append >= 0 && lseek(append, 0, SEEK_SET) == 0 && write(append, "x", 1) == 1);
	MUST(range_is(fd, (off_t)3 * RECORDS * RECORD, 1, 'x'));
	MUST(ftruncate(fd, 3) == 0 && write(append, "y", 1) == 1 && size_of(fd) == 4);
	MUST(close(append) == 0 && close(fd) == 0);
}

/* Whether it could; this file system may not have every mode. */
static bool allocate(int fd, int mode, off_t offset, off_t length)
{
	int result = fallocate(fd, mode, offset, length);

	MUST(result == 0 || errno == EOPNOTSUPP);
	return result == 0;
}

static void allocated(void)
{
	int fd = make("f");

	if (!allocate(fd, 0, 0, 2 * PAGE))
		skip("fallocate(2) isn't supported here");
	MUST(size_of(fd) == 2 * PAGE && range_is(fd, 0, 2 * PAGE, 0));
	fill(fd, 0, 4 * PAGE, 'a');
	MUST(allocate(fd, FALLOC_FL_KEEP_SIZE, 4 * PAGE, PAGE) && size_of(fd) == 4 * PAGE);
	if (allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE))
		MUST(range_is(fd, 0, PAGE, 'a') && range_is(fd, PAGE, PAGE, 0) &&
		     range_is(fd, 2 * PAGE, 2 * PAGE, 'a'));
	if (allocate(fd, FALLOC_FL_ZERO_RANGE, 3 * PAGE - 10, 20))
		MUST(range_is(fd, 3 * PAGE - 10, 20, 0) && range_is(fd, 3 * PAGE - 11, 1, 'a'));
	FAILS(EINVAL, fallocate(fd, 0, 0, 0));
	MUST(close(fd) == 0);
}

static void holes(void)
{
	int fd = make("f");
	off_t hole;

	fill(fd, 0, PAGE, 'a');
	fill(fd, MEGABYTE, PAGE, 'b');
	MUST(fsync(fd) == 0);
	MUST(lseek(fd, 0, SEEK_DATA) == 0);
	hole = lseek(fd, 0, SEEK_HOLE);
	MUST(hole >= PAGE);
	if (hole < MEGABYTE)
		MUST(lseek(fd, hole, SEEK_DATA) > hole && lseek(fd, hole, SEEK_DATA) <= MEGABYTE);
	MUST(lseek(fd, MEGABYTE, SEEK_DATA) == MEGABYTE);
	MUST(lseek(fd, MEGABYTE, SEEK_HOLE) == MEGABYTE + PAGE);
	FAILS(ENXIO, lseek(fd, MEGABYTE + PAGE, SEEK_DATA));
	MUST(range_is(fd, PAGE, MEGABYTE - PAGE, 0) && close(fd) == 0);
}

static void copied(void)
{
	int from = make("from"), to = make("to"), ends[2];
	off_t at = 10, into = 5;
	char text[8];

	fill(from, 0, MEGABYTE, 'c');
	MUST(copy_file_range(from, &at, to, &into, 3 * PAGE, 0) == 3 * PAGE);
	MUST(at == 10 + 3 * PAGE && into == 5 + 3 * PAGE && size_of(to) == 5 + 3 * PAGE);
	MUST(range_is(to, 0, 5, 0) && range_is(to, 5, 3 * PAGE, 'c'));
	at = MEGABYTE;
	MUST(copy_file_range(from, &at, to, &into, 1, 0) == 0);
	at = 0;
	MUST(sendfile(to, from, &at, 2 * PAGE) == 2 * PAGE && at == 2 * PAGE);
	MUST(range_is(to, 0, 2 * PAGE, 'c'));
	MUST(pipe2(ends, O_CLOEXEC) == 0);
	at = 0;
	MUST(splice(from, &at, ends[1], NULL, 8, 0) == 8 && read(ends[0], text, 8) == 8);
	MUST(all_are((const unsigned char *)text, 8, 'c'));
	MUST(close(from) == 0 && close(to) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
}

static unsigned char *map(int fd, size_t length, int flags)
{
	unsigned char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);

	MUST(at != MAP_FAILED);
	return at;
}

static void write_to_map(void)
{
	int fd = open("f", O_RDWR | O_CLOEXEC);
	unsigned char *at = map(fd, 2 * PAGE, MAP_SHARED);

	MUST(at[0] == 'm');
	at[PAGE] = 'k';
	MUST(munmap(at, 2 * PAGE) == 0 && close(fd) == 0);
}

static void mapped(void)
{
	int fd = make("f");
	unsigned char *at, *own;

	fill(fd, 0, 2 * PAGE, 'a');
	at = map(fd, 2 * PAGE, MAP_SHARED);
	own = map(fd, 2 * PAGE, MAP_PRIVATE);
	MUST(all_are(at, 2 * PAGE, 'a'));
	at[0] = 'm';
	MUST(range_is(fd, 0, 1, 'm'));
	fill(fd, 1, 1, 'w');
	MUST(at[1] == 'w');
	end(begin(write_to_map));
	MUST(at[PAGE] == 'k' && range_is(fd, PAGE, 1, 'k'));
	own[PAGE + 1] = 'p';
	MUST(at[PAGE + 1] == 'a' && range_is(fd, PAGE + 1, 1, 'a'));
	MUST(msync(at, 2 * PAGE, MS_SYNC) == 0 && munmap(at, 2 * PAGE) == 0);
	MUST(close(fd) == 0 && munmap(own, 2 * PAGE) == 0);
	/* the descriptor may go before the mapping does */
	fd = open("f", O_RDWR | O_CLOEXEC);
	at = map(fd, PAGE, MAP_SHARED);
	MUST(close(fd) == 0);
	at[2] = 'z';
	MUST(munmap(at, PAGE) == 0);
	fd = open("f", O_RDONLY | O_CLOEXEC);
	MUST(range_is(fd, 2, 1, 'z') && close(fd) == 0);
}

static sigjmp_buf behind;

static void bus_error(int signal)
{
	(void)signal;
	siglongjmp(behind, 1);
}

static void mapped_and_cut(void)
{
	int fd = make("f");
	volatile unsigned char *at;

	fill(fd, 0, 2 * PAGE, 'a');
	at = map(fd, 2 * PAGE, MAP_SHARED);
	MUST(at[PAGE] == 'a' && ftruncate(fd, 10) == 0);
	MUST(at[9] == 'a' && at[10] == 0);
	(void)signal(SIGBUS, bus_error);
	if (sigsetjmp(behind, 1) == 0) {
		MUST(at[PAGE] == 1); /* nothing is there to be read */
		MUST(false);
	}
	MUST(ftruncate(fd, 2 * PAGE) == 0 && at[PAGE] == 0 && close(fd) == 0);
}

static void around_the_cache(void)
{
	int fd = open("f", O_CREAT | O_RDWR | O_DIRECT | O_CLOEXEC, 0644), cached;
	unsigned char *bytes = aligned_alloc(PAGE, (size_t)2 * PAGE);

	if (fd < 0)
		skip("no O_DIRECT here");
	MUST(bytes);
	memset(bytes, 'd', 2 * PAGE);
	MUST(pwrite(fd, bytes, 2 * PAGE, 0) == 2 * PAGE);
	memset(bytes, 0, 2 * PAGE);
	MUST(pread(fd, bytes, 2 * PAGE, 0) == 2 * PAGE && all_are(bytes, 2 * PAGE, 'd'));
	cached = open("f", O_RDWR | O_CLOEXEC);
	MUST(cached >= 0 && range_is(cached, 0, 2 * PAGE, 'd'));
	memset(bytes, 'e', PAGE);
	MUST(pwrite(fd, bytes, PAGE, PAGE) == PAGE && range_is(cached, PAGE, PAGE, 'e'));
	fill(cached, 0, PAGE, 'f');
	MUST(pread(fd, bytes, PAGE, 0) == PAGE && all_are(bytes, PAGE, 'f'));
	MUST(close(fd) == 0 && close(cached) == 0);
	free(bytes);
}

/* A copy of this program, that is run and can't be written to meanwhile. */
static void executed(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open("program", O_CREAT | O_WRONLY | O_CLOEXEC, 0755), status;
	pid_t pid;

	MUST(from >= 0 && to >= 0);
	while ((status = (int)sendfile(to, from, NULL, MEGABYTE)) > 0)
		;
	MUST(status == 0 && close(to) == 0 && close(from) == 0);
	pid = fork();
	if (pid == 0) {
		MUST(freopen("/dev/null", "w", stderr));
		(void)execl("program", "program", NULL);
		_exit(1);
	}
	/* it says how it is used */
	MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 2);
	MUST(chmod("program", 0644) == 0);
	FAILS(EACCES, execl("program", "program", NULL));
}

const struct check data_checks[] = {
	{"megabytes are read as they were written",               large           },
	{"writes of pieces, and places in a file",                scattered       },
	{"what a file is cut to, and what comes behind",          cut             },
	{"who appends does so at the end",                        appended        },
	{"room is allocated, and given back",                     allocated       },
	{"holes and data are found",                              holes           },
	{"the kernel copies from file to file",                   copied          },
	{"a mapping that is shared is the file",                  mapped          },
	{"behind the end of a file that was cut nothing is read", mapped_and_cut  },
	{"input and output around the cache",                     around_the_cache},
	{"a program is run, when its mode allows it",             executed        },
	{NULL,						    NULL            }
};
