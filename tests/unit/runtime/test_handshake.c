/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/own.h"
#include "runtime/namespace/handshake.h"
#include "tests/unit/cmocka.h"

static void a_message_arrives_with_its_descriptor(void **state)
{
	owned_fd received = -1;
	struct message message;
	struct error err;
	int ends[2];

	(void)state;
	assert_int_equal(handshake_pair(ends, &err), 0);
	assert_int_equal(handshake_send(ends[0], MESSAGE_CONSOLE, STDIN_FILENO, &err), 0);
	assert_int_equal(handshake_receive(ends[1], &message, &received, &err), 0);
	assert_int_equal(message.kind, MESSAGE_CONSOLE);
	assert_true(received >= 0);
	assert_int_equal(handshake_send_pid(ends[0], 4711, &err), 0);
	assert_int_equal(handshake_receive(ends[1], &message, NULL, &err), 0);
	assert_int_equal(message.kind, MESSAGE_PID);
	assert_int_equal(message.pid, 4711);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void the_other_end_gone_is_the_end(void **state)
{
	struct message message;
	struct error err;
	int ends[2];

	(void)state;
	assert_int_equal(handshake_pair(ends, &err), 0);
	(void)close(ends[0]);
	assert_int_equal(handshake_receive(ends[1], &message, NULL, &err), 0);
	assert_int_equal(message.kind, MESSAGE_ENDED);
	assert_int_equal(handshake_expect(ends[1], MESSAGE_GO_ON, &err), -1);
	assert_string_equal(err.reason, "its process ended unexpectedly");
	(void)close(ends[1]);
}

static void a_failure_crosses_whole(void **state)
{
	struct error why = {.kind = ERROR_CONFIG, .errnum = 2}, err;
	int ends[2], status;
	pid_t pid;

	(void)state;
	strcpy(why.object, "mounts[3].source");
	strcpy(why.reason, "no such file or directory");
	assert_int_equal(handshake_pair(ends, &err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		handshake_fail(ends[0], &why);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal(handshake_expect(ends[1], MESSAGE_READY, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(err.errnum, 2);
	assert_string_equal(err.object, why.object);
	assert_string_equal(err.reason, why.reason);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void anything_else_is_refused(void **state)
{
	struct message message;
	struct error err;
	int ends[2];

	(void)state;
	assert_int_equal(handshake_pair(ends, &err), 0);
	assert_int_equal(fdpass_send(ends[0], "hello", 5, -1, &err), 0);
	assert_int_equal(handshake_receive(ends[1], &message, NULL, &err), -1);
	assert_int_equal(handshake_send(ends[0], MESSAGE_START, -1, &err), 0);
	assert_int_equal(handshake_expect(ends[1], MESSAGE_GO_ON, &err), -1);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_arrives_with_its_descriptor),
		cmocka_unit_test(the_other_end_gone_is_the_end),
		cmocka_unit_test(a_failure_crosses_whole),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
