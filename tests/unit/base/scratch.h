/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/cmocka.h"

/* A directory of its own for each test, empty at the beginning, gone at the end. */
struct scratch {
	int dir;
	char path[64];
};

static inline int scratch_setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return -1;
	(void)snprintf(scratch->path, sizeof(scratch->path), "/tmp/cella-unit-XXXXXX");
	if (!mkdtemp(scratch->path))
		return -1;
	scratch->dir = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = scratch;
	return scratch->dir < 0 ? -1 : 0;
}

static inline int scratch_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int scratch_teardown(void **state)
{
	struct scratch *scratch = *state;

	(void)close(scratch->dir);
	(void)nftw(scratch->path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(scratch);
	return 0;
}

/* Make a file with a text in it. */
static inline void scratch_file(const struct scratch *scratch, const char *name, const char *text)
{
	int fd = openat(scratch->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

/* What is in a file, cut to the buffer. */
static inline const char *scratch_text(const struct scratch *scratch, const char *name, char *text,
                                       size_t size)
{
	int fd = openat(scratch->dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, size - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	(void)close(fd);
	return text;
}

static inline void scratch_folder(const struct scratch *scratch, const char *name)
{
	assert_int_equal(mkdirat(scratch->dir, name, 0755), 0);
}

static inline void scratch_link(const struct scratch *scratch, const char *target, const char *name)
{
	assert_int_equal(symlinkat(target, scratch->dir, name), 0);
}

static inline int scratch_exists(const struct scratch *scratch, const char *name)
{
	return faccessat(scratch->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* How many descriptors this process has open. */
static inline int scratch_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

/* In the child cmocka's own assertions would return to the wrong place. */
#define CHECK(is_true)                                                                             \
	do {                                                                                       \
		if (!(is_true)) {                                                                  \
			(void)dprintf(2, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__,     \
			              #is_true, errno);                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

#endif
