/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/process.h"
#include "tests/unit/cmocka.h"

/* A child that waits for a signal, for ever. */
static pid_t start_waiting(int *ret_pidfd)
{
	struct error err = {0};
	pid_t pid = process_clone(0, -1, ret_pidfd, &err);

	if (pid == 0) {
		(void)alarm(60); /* for when the test fails and nobody ends this */
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void the_status_of_a_child_is_what_it_exited_with(void **state)
{
	struct error err = {0};
	owned_fd pidfd = -1;
	pid_t pid = process_clone(0, -1, &pidfd, &err);

	(void)state;
	if (pid == 0)
		_exit(7);
	assert_true(pid > 0);
	assert_int_equal(process_peek(pidfd, &err), 7);
	assert_int_equal(process_wait(pid, &err), 7);
	assert_int_equal(process_wait(pid, &err), -1);
	assert_int_equal(err.errnum, ECHILD);
}

static void the_status_of_a_killed_child_is_128_and_the_signal(void **state)
{
	owned_fd pidfd = -1;
	struct error err = {0};
	pid_t pid = start_waiting(&pidfd);

	(void)state;
	assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(process_wait_pidfd(pidfd, 0, &err), 0);
	assert_int_equal(process_wait_pidfd(pidfd, 20, &err), 0);
	assert_int_equal(process_signal(pidfd, SIGKILL, &err), 0);
	assert_int_equal(process_wait_pidfd(pidfd, -1, &err), 1);
	assert_int_equal(process_peek(pidfd, &err), 137);
	assert_int_equal(process_wait(pid, &err), 137);
	assert_int_equal(process_peek(pidfd, &err), -1);
	assert_int_equal(err.errnum, ECHILD);
	assert_int_equal(process_signal(pidfd, SIGKILL, &err), -1);
	assert_int_equal(err.errnum, ESRCH);
}

static void statuses_are_those_of_a_shell(void **state)
{
	(void)state;
	assert_int_equal(process_status(0), 0);
	assert_int_equal(process_status(255 << 8), 255);
	assert_int_equal(process_status(SIGTERM), 143);
	assert_int_equal(process_status(SIGSEGV | 0x80), 139);
}

static void a_child_is_not_made_in_what_is_no_cgroup(void **state)
{
	owned_fd null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct error err = {0};
	int pidfd = 42;

	(void)state;
	assert_int_equal(process_clone(0, null, &pidfd, &err), -1);
	assert_memory_equal(err.reason, "clone: ", 7);
	assert_true(err.errnum != 0);
	assert_int_equal(pidfd, 42);
}

static void a_sibling_is_a_child_of_the_same_parent(void **state)
{
	struct error err = {0};
	pid_t sibling = -1;
	int pipes[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = process_clone(0, -1, NULL, &err);
	if (pid == 0) {
		pid_t made = process_clone(CLONE_PARENT, -1, NULL, &err);

		if (made == 0)
			_exit(9);
		_exit(write(pipes[1], &made, sizeof(made)) != sizeof(made));
	}
	assert_int_equal(process_wait(pid, &err), 0);
	assert_int_equal(read(pipes[0], &sibling, sizeof(sibling)), sizeof(sibling));
	assert_true(sibling > 0);
	assert_int_equal(process_wait(sibling, &err), 9);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

static void a_process_is_looked_up_whatever_its_name_holds(void **state)
{
	static const char *const names[] = {"a) R 1 (b", ")", "(", "", "a b", ") Z 0 0 0", "\n"};
	struct error err = {0};
	uint64_t before = 0;
	char old[16];
	char letter = '?';

	(void)state;
	assert_int_equal(process_look(getpid(), &before, &letter, &err), 0);
	assert_true(before > 0);
	assert_int_equal(letter, 'R');
	assert_int_equal(prctl(PR_GET_NAME, old), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint64_t start_time = 0;

		assert_int_equal(prctl(PR_SET_NAME, names[i]), 0);
		assert_int_equal(process_look(getpid(), &start_time, &letter, &err), 0);
		assert_int_equal(start_time, before);
		assert_int_equal(letter, 'R');
	}
	assert_int_equal(prctl(PR_SET_NAME, old), 0);
	assert_int_equal(process_look(getpid(), NULL, NULL, &err), 0);
}

static void a_process_that_is_gone_is_not_found(void **state)
{
	struct process_identity who = {.start_time = 1};
	struct error err = {0};
	uint64_t start_time = 42;
	char letter = '?';

	(void)state;
	who.pid = process_clone(0, -1, NULL, &err);
	if (who.pid == 0)
		_exit(0);
	assert_int_equal(process_wait(who.pid, &err), 0);
	assert_int_equal(process_look(who.pid, &start_time, &letter, &err), -1);
	assert_int_equal(err.errnum, ESRCH);
	assert_true(start_time == 42 && letter == '?');
	assert_int_equal(process_open(&who, &err), -1);
	assert_int_equal(err.errnum, ESRCH);
	assert_string_equal(err.reason, "open: No such process");
}

static void a_process_is_opened_only_as_who_it_was(void **state)
{
	struct process_identity who = {.pid = getpid()};
	struct error err = {0};
	owned_fd pidfd = -1;

	(void)state;
	assert_int_equal(process_look(who.pid, &who.start_time, NULL, &err), 0);
	pidfd = process_open(&who, &err);
	assert_true(pidfd >= 0);
	who.start_time++;
	assert_int_equal(process_open(&who, &err), -1);
	assert_int_equal(err.errnum, ESRCH);
}

static void a_zombie_has_ended(void **state)
{
	owned_fd pidfd = -1;
	struct process_identity who = {0};
	struct error err = {0};
	char letter = '?';

	(void)state;
	who.pid = start_waiting(&pidfd);
	assert_int_equal(process_look(who.pid, &who.start_time, NULL, &err), 0);
	assert_int_equal(process_signal(pidfd, SIGKILL, &err), 0);
	assert_int_equal(process_wait_pidfd(pidfd, 10000, &err), 1);
	assert_int_equal(process_look(who.pid, &who.start_time, &letter, &err), 0);
	assert_int_equal(letter, 'Z');
	assert_int_equal(process_open(&who, &err), -1);
	assert_int_equal(err.errnum, ESRCH);
	assert_int_equal(process_wait(who.pid, &err), 137);
}

static void on_alarm(int signum)
{
	(void)signum;
}

static void waiting_with_a_limit_goes_on_after_a_signal(void **state)
{
	struct sigaction action = {.sa_handler = on_alarm};
	owned_fd pidfd = -1;
	struct error err = {0};
	pid_t pid = start_waiting(&pidfd);

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(ualarm(5000, 5000), 0);
	assert_int_equal(process_wait_pidfd(pidfd, 50, &err), 0);
	(void)ualarm(0, 0);
	assert_int_equal(process_signal(pidfd, SIGKILL, &err), 0);
	assert_int_equal(process_wait(pid, &err), 137);
}

static void a_descriptor_that_is_not_open_is_an_error(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(process_wait_pidfd(1000, 10, &err), -1);
	assert_int_equal(err.errnum, EBADF);
	assert_int_equal(process_signal(-1, SIGTERM, &err), -1);
	assert_int_equal(err.errnum, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_of_a_child_is_what_it_exited_with),
		cmocka_unit_test(the_status_of_a_killed_child_is_128_and_the_signal),
		cmocka_unit_test(statuses_are_those_of_a_shell),
		cmocka_unit_test(a_child_is_not_made_in_what_is_no_cgroup),
		cmocka_unit_test(a_sibling_is_a_child_of_the_same_parent),
		cmocka_unit_test(a_process_is_looked_up_whatever_its_name_holds),
		cmocka_unit_test(a_process_that_is_gone_is_not_found),
		cmocka_unit_test(a_process_is_opened_only_as_who_it_was),
		cmocka_unit_test(a_zombie_has_ended),
		cmocka_unit_test(waiting_with_a_limit_goes_on_after_a_signal),
		cmocka_unit_test(a_descriptor_that_is_not_open_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
