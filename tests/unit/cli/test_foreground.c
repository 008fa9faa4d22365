/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/process.h"
#include "base/signals.h"
#include "cli/foreground.h"
#include "tests/unit/cmocka.h"

/* Every test stands for a child of its own in a child of its own: signals and stdio are changed. */
static int in_a_process(int (*body)(int tty), int tty)
{
	struct error err;
	pid_t pid = process_clone(0, -1, NULL, &err);

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(30);
		_exit(body(tty));
	}
	return process_wait(pid, &err);
}

enum { UNEXPECTED = 99 };

/* Start a child that runs body, and stand for it. */
static int stand_for(void (*body)(int slave), int master, int slave)
{
	owned_foreground f = FOREGROUND_NONE;
	owned_fd pidfd = -1;
	struct error err;
	pid_t pid;
	int status;

	if (foreground_open(&f, &err) < 0)
		return UNEXPECTED;
	pid = process_clone(0, -1, &pidfd, &err);
	if (pid == 0) {
		signals_reset();
		body(slave);
		_exit(0);
	}
	if (slave >= 0)
		(void)close(slave);
	status = foreground_wait(&f, pid, pidfd, master, &err);
	return status < 0 ? UNEXPECTED : status;
}

static void exit_7(int slave)
{
	(void)slave;
	_exit(7);
}

static int body_status(int tty)
{
	(void)tty;
	return stand_for(exit_7, -1, -1);
}

static void the_status_is_that_of_the_process(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(body_status, -1), 7);
}

static void end_by_kill(int slave)
{
	(void)slave;
	(void)raise(SIGKILL);
}

static int body_killed(int tty)
{
	(void)tty;
	return stand_for(end_by_kill, -1, -1);
}

static void a_signal_is_128_and_its_number(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(body_killed, -1), 128 + SIGKILL);
}

/* Sends the one who stands for it a signal that must come back. */
static void signal_parent(int signum)
{
	(void)kill(getppid(), signum);
	for (;;)
		(void)pause();
}

static void send_term(int slave)
{
	(void)slave;
	signal_parent(SIGTERM);
}

static void send_realtime(int slave)
{
	(void)slave;
	signal_parent(SIGRTMIN + 3);
}

static int body_term(int tty)
{
	(void)tty;
	return stand_for(send_term, -1, -1);
}

static int body_realtime(int tty)
{
	(void)tty;
	return stand_for(send_realtime, -1, -1);
}

static void signals_are_passed_on(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(body_term, -1), 128 + SIGTERM);
	assert_int_equal(in_a_process(body_realtime, -1), 128 + SIGRTMIN + 3);
}

/* Its own come first: were one of them passed on, it would end before SIGTERM. */
static void send_others_then_term(int slave)
{
	static const int others[] = {SIGPIPE, SIGWINCH, SIGURG, SIGCHLD};

	(void)slave;
	(void)signal(SIGWINCH, SIG_DFL);
	for (size_t i = 0; i < 4; i++)
		(void)kill(getppid(), others[i]);
	signal_parent(SIGTERM);
}

static int body_others(int tty)
{
	(void)tty;
	return stand_for(send_others_then_term, -1, -1);
}

static void what_is_our_own_business_is_not_passed_on(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(body_others, -1), 128 + SIGTERM);
}

static void stop_until_continued(int slave)
{
	(void)slave;
	signal_parent(SIGTSTP);
}

/* The child is stopped by the signal that it sent us; who sees it so ends it. */
static int body_stop(int tty)
{
	owned_foreground f = FOREGROUND_NONE;
	owned_fd pidfd = -1;
	struct error err;
	pid_t pid, watcher;

	(void)tty;
	if (foreground_open(&f, &err) < 0)
		return UNEXPECTED;
	pid = process_clone(0, -1, &pidfd, &err);
	if (pid == 0) {
		signals_reset();
		stop_until_continued(-1);
	}
	watcher = process_clone(0, -1, NULL, &err);
	if (watcher == 0) {
		char letter = '?';

		while (letter != 'T')
			if (process_look(pid, NULL, &letter, &err) < 0)
				_exit(1);
		_exit(kill(pid, SIGKILL));
	}
	return foreground_wait(&f, pid, pidfd, -1, &err);
}

static void without_a_terminal_the_process_is_stopped_too(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(body_stop, -1), 128 + SIGKILL);
}

/* ---- with a terminal ---- */

struct terminal {
	int master, slave;
};

static struct terminal open_terminal(void)
{
	struct terminal t = {.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};

	assert_true(t.master >= 0 && unlockpt(t.master) == 0);
	t.slave = ioctl(t.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(t.slave >= 0);
	return t;
}

/* Says its window size and what it read; our terminal must be raw by then. */
static void report_size_and_line(int slave)
{
	struct winsize size = {0};
	char line[64];
	ssize_t n = read(slave, line, sizeof(line));

	(void)ioctl(slave, TIOCGWINSZ, &size);
	if (n != 6 || memcmp(line, "hello\n", 6) != 0 || size.ws_row != 33 || size.ws_col != 77)
		_exit(1);
	_exit(write(slave, "bye", 3) == 3 ? 5 : 2);
}

/* tty is our terminal; the process gets another one. */
static int body_terminal(int tty)
{
	struct terminal inner = open_terminal();
	struct termios before = {0}, after = {0}; /* also what lies between members */
	int status;

	if (tcgetattr(tty, &before) < 0 || dup2(tty, 0) < 0 || dup2(tty, 1) < 0)
		return UNEXPECTED;
	status = stand_for(report_size_and_line, inner.master, inner.slave);
	if (tcgetattr(tty, &after) < 0 || memcmp(&before, &after, sizeof(before)) != 0)
		return UNEXPECTED;
	return status;
}

static bool is_raw(int tty)
{
	struct termios modes;

	return tcgetattr(tty, &modes) == 0 && !(modes.c_lflag & (ICANON | ECHO | ISIG));
}

static void our_terminal_is_its_terminal_and_as_before_afterwards(void **state)
{
	struct terminal ours = open_terminal();
	struct winsize size = {.ws_row = 33, .ws_col = 77};
	char bytes[64] = "";
	size_t length = 0;
	struct error err;
	pid_t pid;

	(void)state;
	assert_int_equal(ioctl(ours.slave, TIOCSWINSZ, &size), 0);
	pid = process_clone(0, -1, NULL, &err);
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(30);
		_exit(body_terminal(ours.slave));
	}
	while (!is_raw(ours.slave)) /* it gets no line that is typed before */
		(void)usleep(1000);
	assert_int_equal(write(ours.master, "hello\n", 6), 6);
	while (!strstr(bytes, "bye") && length < sizeof(bytes) - 1) {
		ssize_t n = read(ours.master, bytes + length, sizeof(bytes) - 1 - length);

		assert_true(n > 0);
		length += (size_t)n;
	}
	/* the inner terminal has echoed what was typed, ours has not */
	assert_string_equal(bytes, "hello\r\nbye");
	assert_int_equal(process_wait(pid, &err), 5);
	assert_false(is_raw(ours.slave));
	(void)close(ours.master);
	(void)close(ours.slave);
}

static int body_null(int tty)
{
	struct terminal inner = open_terminal();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)tty;
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return UNEXPECTED;
	return stand_for(exit_7, inner.master, inner.slave);
}

static void no_terminal_of_ours_is_needed(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(body_null, -1), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_that_of_the_process),
		cmocka_unit_test(a_signal_is_128_and_its_number),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(what_is_our_own_business_is_not_passed_on),
		cmocka_unit_test(without_a_terminal_the_process_is_stopped_too),
		cmocka_unit_test(our_terminal_is_its_terminal_and_as_before_afterwards),
		cmocka_unit_test(no_terminal_of_ours_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
