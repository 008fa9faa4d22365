/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/fd.h"
#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "scratch.h"

static void a_file_is_read_whole_with_a_nul_behind_it(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct error err = {0};
	char *bytes = NULL;
	size_t length = 0;

	scratch_file(scratch, "config.json", "{}\n");
	assert_int_equal(
		fd_read_file(scratch->dir, "config.json", 100, arena, &bytes, &length, &err), 0);
	assert_int_equal(length, 3);
	assert_string_equal(bytes, "{}\n");
}

static void an_empty_file_is_an_empty_text(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct error err = {0};
	char *bytes = NULL;
	size_t length = 42;

	scratch_file(scratch, "empty", "");
	assert_int_equal(fd_read_file(scratch->dir, "empty", 0, arena, &bytes, &length, &err), 0);
	assert_int_equal(length, 0);
	assert_string_equal(bytes, "");
}

static void a_file_of_the_limit_is_read_and_one_byte_more_is_refused(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct error err = {0};
	char *bytes = NULL;
	size_t length = 42;

	scratch_file(scratch, "ten", "0123456789");
	assert_int_equal(fd_read_file(scratch->dir, "ten", 10, arena, &bytes, &length, &err), 0);
	assert_int_equal(length, 10);
	for (size_t limit = 0; limit < 10; limit++) {
		bytes = NULL;
		assert_int_equal(
			fd_read_file(scratch->dir, "ten", limit, arena, &bytes, &length, &err), -1);
		assert_null(bytes);
	}
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.object, "ten");
	assert_string_equal(err.reason, "larger than 9 bytes");
	assert_int_equal(length, 10);
}

/* Read what a child writes into a pipe. */
static int read_pipe(size_t written, size_t limit, struct arena *arena, size_t *ret_length,
                     struct error *err)
{
	char *bytes = NULL;
	int pipes[2];
	int result;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	if (fork() == 0) {
		(void)close(pipes[0]);
		for (; written > 0; written--)
			if (write(pipes[1], "x", 1) != 1)
				_exit(1);
		_exit(0);
	}
	(void)close(pipes[1]);
	result = fd_read_whole(pipes[0], "pipe", limit, arena, &bytes, ret_length, err);
	(void)close(pipes[0]);
	return result;
}

static void what_has_no_size_is_read_to_its_end(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 20000};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t length = 42;

		assert_int_equal(read_pipe(sizes[i], 20000, arena, &length, &err), 0);
		assert_int_equal(length, sizes[i]);
	}
}

static void what_has_no_size_is_held_to_the_limit(void **state)
{
	static const size_t limits[] = {0, 1, 4095, 4096, 4097, 9999};
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		size_t length = 42;

		assert_int_equal(read_pipe(limits[i] + 1, limits[i], arena, &length, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_int_equal(read_pipe(limits[i], limits[i], arena, &length, &err), 0);
		assert_int_equal(length, limits[i]);
	}
}

static void a_file_of_procfs_is_read_though_it_says_it_is_empty(void **state)
{
	owned_arena struct arena *arena = arena_new(1 << 20);
	struct error err = {0};
	char *bytes = NULL;

	(void)state;
	assert_int_equal(
		fd_read_file(AT_FDCWD, "/proc/self/status", 1 << 16, arena, &bytes, NULL, &err), 0);
	assert_non_null(strstr(bytes, "CapEff:"));
}

static void what_can_not_be_read_is_an_error(void **state)
{
	const struct scratch *scratch = *state;
	owned_arena struct arena *arena = arena_new(1 << 20);
	owned_arena struct arena *small = arena_new(4);
	struct error err = {0};
	char *bytes = NULL;

	assert_int_equal(fd_read_file(scratch->dir, "none", 9, arena, &bytes, NULL, &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(fd_read_file(scratch->dir, ".", 9, arena, &bytes, NULL, &err), -1);
	assert_int_equal(err.errnum, EISDIR);
	scratch_file(scratch, "five", "01234");
	assert_int_equal(fd_read_file(scratch->dir, "five", 9, small, &bytes, NULL, &err), -1);
	assert_memory_equal(err.object, "five", 4);
	assert_null(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_file_is_read_whole_with_a_nul_behind_it),
		SCRATCH_TEST(an_empty_file_is_an_empty_text),
		SCRATCH_TEST(a_file_of_the_limit_is_read_and_one_byte_more_is_refused),
		cmocka_unit_test(what_has_no_size_is_read_to_its_end),
		cmocka_unit_test(what_has_no_size_is_held_to_the_limit),
		cmocka_unit_test(a_file_of_procfs_is_read_though_it_says_it_is_empty),
		SCRATCH_TEST(what_can_not_be_read_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
