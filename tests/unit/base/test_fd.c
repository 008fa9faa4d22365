/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "base/fd.h"
#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "scratch.h"

static void a_small_file_is_read_up_to_the_buffer(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	char text[8];

	scratch_file(scratch, "short", "max\n");
	scratch_file(scratch, "long", "0123456789");
	assert_int_equal(fd_read_small(scratch->dir, "short", text, sizeof(text), &err), 4);
	assert_string_equal(text, "max\n");
	assert_int_equal(fd_read_small(scratch->dir, "long", text, sizeof(text), &err), 7);
	assert_string_equal(text, "0123456");
}

static void a_missing_file_is_named_by_its_path(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	char text[8];

	assert_int_equal(fd_read_small(scratch->dir, "none", text, sizeof(text), &err), -1);
	assert_string_equal(err.object, "none");
	assert_string_equal(err.reason, "open: No such file or directory");
	assert_int_equal(fd_read_small(scratch->dir, ".", text, sizeof(text), &err), -1);
	assert_int_equal(err.errnum, EISDIR);
	assert_int_equal(fd_write_file(scratch->dir, "none", "1", &err), -1);
	assert_int_equal(err.errnum, ENOENT);
	assert_false(scratch_exists(scratch, "none"));
}

static void a_setting_is_written_into_a_file_that_exists(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = {0};
	char text[16];

	scratch_file(scratch, "pids.max", "");
	assert_int_equal(fd_write_file(scratch->dir, "pids.max", "42", &err), 0);
	assert_string_equal(scratch_text(scratch, "pids.max", text, sizeof(text)), "42");
}

static void writing_whole_goes_over_short_writes(void **state)
{
	static char sent[1 << 20];
	static char came[1 << 20];
	struct error err = {0};
	size_t length = 0;
	int pipes[2];
	pid_t child;

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 % 251);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	child = fork();
	if (child == 0)
		_exit(fd_write_whole(pipes[1], "pipe", sent, sizeof(sent), &err) < 0);
	(void)close(pipes[1]);
	for (ssize_t n = 1; n > 0; length += (size_t)n) {
		n = read(pipes[0], came + length, sizeof(came) - length);
		assert_true(n >= 0);
	}
	assert_int_equal(length, sizeof(sent));
	assert_memory_equal(sent, came, sizeof(sent));
	(void)close(pipes[0]);
}

static void a_failed_write_names_what_was_written(void **state)
{
	owned_fd full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct error err = {0};

	(void)state;
	assert_int_equal(fd_write_whole(full, "state.json", "x", 1, &err), -1);
	assert_string_equal(err.object, "state.json");
	assert_int_equal(err.errnum, ENOSPC);
	assert_int_equal(fd_write_whole(full, "state.json", "", 0, &err), 0);
	assert_int_equal(fd_write_file(AT_FDCWD, "/dev/full", "x", &err), -1);
	assert_string_equal(err.reason, "write: No space left on device");
}

static void a_place_is_reopened_as_a_file(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd place = -1;
	owned_fd file = -1;
	struct error err = {0};
	char text[8] = "";

	scratch_file(scratch, "file", "inside");
	place = openat(scratch->dir, "file", O_PATH | O_CLOEXEC);
	file = fd_reopen(place, O_RDONLY, "file", &err);
	assert_true(file >= 0);
	assert_int_equal(read(file, text, sizeof(text) - 1), 6);
	assert_string_equal(text, "inside");
	assert_true(fcntl(file, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fd_reopen(-1, O_RDONLY, "nothing", &err), -1);
	assert_string_equal(err.object, "nothing");
}

static void a_heap_closes_what_was_put_on_it_and_nothing_between(void **state)
{
	static const int numbers[] = {40, 41, 42, 44, 63, 64, 70};
	struct fd_heap heap = {0};
	int none = -1;

	(void)state;
	assert_int_equal(dup2(STDERR_FILENO, 43), 43);
	fd_heap_add(&heap, &none);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int fd = dup2(STDERR_FILENO, numbers[i]);

		assert_int_equal(fd, numbers[i]);
		fd_heap_add(&heap, &fd);
		assert_int_equal(fd, -1);
	}
	fd_heap_close(&heap);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_int_equal(fcntl(numbers[i], F_GETFD), -1);
	assert_int_equal(close(43), 0);
	fd_heap_close(&heap); /* is empty */
}

static void descriptors_from_a_number_on_become_close_on_exec(void **state)
{
	owned_fd low = open("/dev/null", O_RDONLY);
	owned_fd high = fcntl(low, F_DUPFD, 200);
	struct error err = {0};

	(void)state;
	assert_int_equal(high, 200);
	assert_int_equal(fd_cloexec_from(200, &err), 0);
	assert_false(fcntl(low, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(high, F_GETFD) & FD_CLOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_small_file_is_read_up_to_the_buffer),
		SCRATCH_TEST(a_missing_file_is_named_by_its_path),
		SCRATCH_TEST(a_setting_is_written_into_a_file_that_exists),
		cmocka_unit_test(writing_whole_goes_over_short_writes),
		cmocka_unit_test(a_failed_write_names_what_was_written),
		SCRATCH_TEST(a_place_is_reopened_as_a_file),
		cmocka_unit_test(a_heap_closes_what_was_put_on_it_and_nothing_between),
		cmocka_unit_test(descriptors_from_a_number_on_become_close_on_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
