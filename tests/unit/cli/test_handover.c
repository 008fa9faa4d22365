/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "cli/handover.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

static void a_pid_file_holds_the_number_alone(void **state)
{
	const struct scratch *scratch = *state;
	char path[128], bytes[16] = "";
	struct error err;
	owned_fd fd = -1;

	(void)snprintf(path, sizeof(path), "%s/pid", scratch->path);
	scratch_file(scratch, "pid", "999999999");
	assert_int_equal(pid_file_write(path, 4711, &err), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 4);
	assert_string_equal(bytes, "4711");
	assert_int_equal(pid_file_write(NULL, 4711, &err), 0);
}

static void a_pid_file_that_cannot_be_written_is_an_error(void **state)
{
	const struct scratch *scratch = *state;
	struct error err;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/nowhere/pid", scratch->path);
	assert_int_equal(pid_file_write(path, 4711, &err), -1);
	assert_true(strncmp(err.object, "--pid-file: ", 12) == 0);
}

static void descriptors_to_preserve_must_have_been_passed(void **state)
{
	struct error err;
	int given, ours;

	(void)state;
	for (int fd = 3; fd < 10; fd++)
		(void)close(fd);
	assert_int_equal(preserve_fds_check(0, 0, &err), 0);
	assert_int_equal(preserve_fds_check(0, 1, &err), -1);
	given = open("/dev/null", O_RDONLY);
	assert_int_equal(given, 3);
	assert_int_equal(preserve_fds_check(0, 1, &err), 0);
	ours = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ours, 4);
	assert_int_equal(preserve_fds_check(0, 2, &err), -1);
	assert_string_equal(err.object, "--preserve-fds");
	assert_string_equal(err.reason, "descriptor 4 was not passed to cella");
	assert_int_equal(preserve_fds_check(1, 2, &err), -1);
	assert_string_equal(err.object, "--preserve-fds");
	assert_int_equal(preserve_fds_check(2, 2, &err), -1);
	assert_string_equal(err.object, "LISTEN_FDS");
	assert_int_equal(preserve_fds_check(0, UINT_MAX, &err), -1);
	(void)close(given);
	(void)close(ours);
}

static void a_console_is_sent_with_its_name(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd listener = -1, ours = -1, theirs = -1, sent = -1, got = -1;
	char path[128], name[32] = "";
	struct stat one, other;
	struct error err;

	listener = fdpass_listen_at(scratch->dir, "console.sock", &err);
	(void)snprintf(path, sizeof(path), "%s/console.sock", scratch->path);
	assert_int_equal(console_connect(path, &ours, &err), 0);
	theirs = accept(listener, NULL, NULL);
	sent = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_int_equal(console_send(ours, sent, &err), 0);
	assert_int_equal(fdpass_receive(theirs, name, sizeof(name), &got, &err), 9);
	assert_string_equal(name, "/dev/ptmx");
	assert_int_equal(fstat(sent, &one), 0);
	assert_int_equal(fstat(got, &other), 0);
	assert_true(one.st_rdev == other.st_rdev);
}

static void a_console_socket_that_is_not_there_is_named(void **state)
{
	struct error err;
	int socket = 77;

	(void)state;
	assert_int_equal(console_connect("/nonexistent/socket", &socket, &err), -1);
	assert_string_equal(err.object, "--console-socket: /nonexistent/socket");
	assert_int_equal(socket, 77);
	assert_int_equal(console_connect(NULL, &socket, &err), 0);
	assert_int_equal(socket, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pid_file_holds_the_number_alone),
		TEST(a_pid_file_that_cannot_be_written_is_an_error),
		TEST(a_console_is_sent_with_its_name),
		TEST(a_console_socket_that_is_not_there_is_named),
		cmocka_unit_test(descriptors_to_preserve_must_have_been_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
