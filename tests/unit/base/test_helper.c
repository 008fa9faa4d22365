/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/own.h"
#include "base/process.h"
#include "tests/unit/cmocka.h"

static char *shell[] = {(char[]){"sh"}, (char[]){"-c"}, NULL, NULL};

static struct helper start(const char *script, const struct helper_options *options)
{
	struct error err = {0};
	struct helper helper;

	shell[2] = (char *)(uintptr_t)script;
	assert_int_equal(helper_start(shell, options, &helper, &err), 0);
	return helper;
}

static void lines_come_as_they_are_and_long_ones_are_cut(void **state)
{
	const struct helper_options options = {.path = NULL};
	struct helper h = start("echo one; echo; echo 123456789; printf end", &options);
	owned_fd answer = h.answer;
	struct error err = {0};
	char line[6];

	(void)state;
	assert_true(helper_line(answer, line, sizeof(line)));
	assert_string_equal(line, "one");
	assert_true(helper_line(answer, line, sizeof(line)));
	assert_string_equal(line, "");
	assert_true(helper_line(answer, line, sizeof(line)));
	assert_string_equal(line, "12345");
	assert_true(helper_line(answer, line, sizeof(line)));
	assert_string_equal(line, "end");
	assert_false(helper_line(answer, line, sizeof(line)));
	assert_string_equal(line, "");
	assert_int_equal(process_wait(h.pid, &err), 0);
}

static void errors_go_with_the_answer_or_apart(void **state)
{
	const struct helper_options together = {.path = "/bin/sh"};
	const struct helper_options apart = {.path = "/bin/sh", .errors_apart = true};
	struct helper h = start("echo oops >&2; exit 3", &together);
	owned_fd first = h.answer, answer = -1, said = -1;
	struct error err = {0};
	char line[16];

	(void)state;
	assert_int_equal(h.said, -1);
	assert_true(helper_line(first, line, sizeof(line)));
	assert_string_equal(line, "oops");
	assert_int_equal(process_wait(h.pid, &err), 3);
	h = start("echo oops >&2; echo yes", &apart);
	answer = h.answer;
	said = h.said;
	assert_true(helper_line(answer, line, sizeof(line)));
	assert_string_equal(line, "yes");
	assert_true(helper_line(said, line, sizeof(line)));
	assert_string_equal(line, "oops");
	assert_int_equal(process_wait(h.pid, &err), 0);
}

static void what_is_no_program_has_a_status_of_its_own(void **state)
{
	const struct helper_options options = {.path = "/nowhere"};
	struct helper h = start("", &options);
	owned_fd answer = h.answer;
	struct error err = {0};
	char line[16];

	(void)state;
	assert_false(helper_line(answer, line, sizeof(line)));
	assert_int_equal(process_wait(h.pid, &err), HELPER_NOT_RUN);
}

/* It has none of our descriptors: the pipe that we hold the other end of would not end. */
static void it_has_no_other_descriptors(void **state)
{
	const struct helper_options options = {.path = "/bin/sh"};
	owned_fd reader = -1, writer = -1, answer = -1;
	struct error err = {0};
	struct helper h;
	char byte;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	reader = ends[0];
	writer = ends[1];
	h = start("exec sleep 60", &options);
	answer = h.answer;
	(void)close(take_fd(&writer));
	assert_int_equal(read(reader, &byte, 1), 0);
	assert_int_equal(kill(h.pid, SIGKILL), 0);
	assert_int_equal(process_wait(h.pid, &err), 128 + SIGKILL);
}

static void it_ends_with_whoever_started_it(void **state)
{
	const struct helper_options options = {.path = "/bin/sh", .ends_with_caller = true};
	owned_fd reader = -1, writer = -1;
	struct error err = {0};
	struct helper h;
	int ends[2];
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	reader = ends[0];
	writer = ends[1];
	pid = process_clone(0, -1, NULL, &err);
	if (pid == 0) {
		h = start("exec 2>&1; echo here; exec sleep 60", &options);
		_exit(read(h.answer, &byte, 1) == 1 && write(writer, &h.pid, sizeof(h.pid)) > 0
		              ? 0
		              : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(process_wait(pid, &err), 0);
	assert_int_equal(read(reader, &pid, sizeof(pid)), sizeof(pid));
	for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++) {
		struct process_identity who = {.pid = pid};
		char letter = 'X';

		if (process_look(pid, &who.start_time, &letter, &err) == 0 && letter == 'Z')
			return; /* nobody here reaps for init */
		(void)usleep(10000);
	}
	assert_int_equal(kill(pid, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_as_they_are_and_long_ones_are_cut),
		cmocka_unit_test(errors_go_with_the_answer_or_apart),
		cmocka_unit_test(what_is_no_program_has_a_status_of_its_own),
		cmocka_unit_test(it_has_no_other_descriptors),
		cmocka_unit_test(it_ends_with_whoever_started_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
