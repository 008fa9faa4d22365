/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/notify.h"
#include "base/own.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

static void assert_filtered(const char *message, const char *left)
{
	char text[NOTIFY_SIZE];

	(void)strcpy(text, message);
	assert_int_equal(notify_filter(text), strlen(left));
	assert_string_equal(text, left);
}

static void what_names_pids_or_descriptors_stays_inside(void **state)
{
	(void)state;
	assert_filtered("READY=1\nMAINPID=7\nSTATUS=up\nFDSTORE=1\n", "READY=1\nSTATUS=up\n");
	assert_filtered("BARRIER=1", "");
	assert_filtered("X_READY=1\nWATCHDOG=1", "WATCHDOG=1");
	assert_filtered("", "");
	assert_filtered("\n\n", "");
}

static void ready_is_a_line_of_its_own(void **state)
{
	(void)state;
	assert_true(notify_is_ready("READY=1"));
	assert_true(notify_is_ready("STATUS=x\nREADY=1\n"));
	assert_false(notify_is_ready("READY=10"));
	assert_false(notify_is_ready("STATUS=READY=1"));
	assert_false(notify_is_ready(""));
}

static void what_is_sent_is_received_and_a_barrier_ends(void **state)
{
	const struct scratch *scratch = *state;
	owned_fd dir = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[512], text[NOTIFY_SIZE];
	struct error err;
	owned_fd socket = notify_bind(dir, "sock", &err);

	assert_true(socket >= 0);
	assert_int_equal(notify_receive(socket, text), 0); /* does not wait */
	(void)snprintf(path, sizeof(path), "%s/sock", scratch->path);
	assert_int_equal(notify_send(path, "STATUS=on", 20, &err),
	                 0); /* nobody closes the barrier's pipe */
	assert_int_equal(notify_receive(socket, text), strlen("STATUS=on"));
	assert_string_equal(text, "STATUS=on");
	assert_int_equal(notify_receive(socket, text), 0);
	assert_int_equal(notify_send("relative", "READY=1", 0, &err), -1);
	assert_string_equal(err.object, "NOTIFY_SOCKET: relative");
	assert_int_equal(notify_send("/no/such", "READY=1", 0, &err), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_names_pids_or_descriptors_stays_inside),
		cmocka_unit_test(ready_is_a_line_of_its_own),
		cmocka_unit_test_setup_teardown(what_is_sent_is_received_and_a_barrier_ends,
	                                        scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
