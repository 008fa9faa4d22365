/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/signals.h"
#include "base/table.h"
#include "tests/unit/cmocka.h"

static void signals_are_known_by_number_and_by_name(void **state)
{
	static const struct word good[] = {
		{"9",       9        },
		{"1",       1        },
		{"64",      64       },
		{"KILL",    SIGKILL  },
		{"SIGKILL", SIGKILL  },
		{"kill",    SIGKILL  },
		{"sigTerm", SIGTERM  },
		{"IOT",     SIGABRT  },
		{"CLD",     SIGCHLD  },
		{"POLL",    SIGIO    },
		{"STKFLT",  SIGSTKFLT}
        };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int signum = 0;

		assert_true(signal_from_text(good[i].word, &signum));
		assert_int_equal(signum, good[i].value);
	}
}

static void real_time_signals_are_counted_from_either_end(void **state)
{
	int signum = 0;

	(void)state;
	assert_true(signal_from_text("RTMIN", &signum) && signum == SIGRTMIN);
	assert_true(signal_from_text("SIGRTMIN+3", &signum) && signum == SIGRTMIN + 3);
	assert_true(signal_from_text("rtmin+30", &signum) && signum == SIGRTMAX);
	assert_true(signal_from_text("SIGRTMAX", &signum) && signum == SIGRTMAX);
	assert_true(signal_from_text("RTMAX-1", &signum) && signum == SIGRTMAX - 1);
	assert_true(signal_from_text("RTMAX-30", &signum) && signum == SIGRTMIN);
}

static void what_is_no_signal_leaves_the_result_alone(void **state)
{
	static const char *const bad[] = {"",        "0",       "65",        "-1",     "09",
	                                  "9 ",      "SIG",     "SIG9",      "KILLER", "SIGSIGKILL",
	                                  "RTMIN-1", "RTMAX+1", "RTMIN+31",  "RTMIN+", "RTMIN+-1",
	                                  "RTMIN3",  "EXIT",    "4294967305"};
	int signum = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(signal_from_text(bad[i], &signum));
	assert_int_equal(signum, 42);
}

static void every_name_of_the_c_library_is_known(void **state)
{
	int signum = 0;

	(void)state;
	for (int i = 1; i < 32; i++) {
		assert_true(signal_from_text(sigabbrev_np(i), &signum));
		assert_int_equal(signum, i);
	}
}

static void after_a_reset_a_signal_does_what_it_does_to_a_new_program(void **state)
{
	int status = 0;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		uint64_t kept[4] = {1}; /* SIG_IGN, as the kernel has it */
		sigset_t all;

		(void)sigfillset(&all);
		(void)sigprocmask(SIG_BLOCK, &all, NULL);
		(void)signal(SIGTERM, SIG_IGN);
		(void)signal(SIGUSR1, SIG_IGN);
		(void)syscall(SYS_rt_sigaction, 32, kept, NULL, 8); /* the C library's own */
		signals_reset();
		if (syscall(SYS_rt_sigaction, 32, NULL, kept, 8) < 0 || kept[0] != 0)
			_exit(3);
		if (signal(SIGUSR1, SIG_IGN) != SIG_DFL)
			_exit(1);
		(void)raise(SIGTERM);
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void signals_are_read_from_a_descriptor(void **state)
{
	static const int wanted[] = {SIGUSR1, SIGUSR2, 0};
	struct signalfd_siginfo info;
	struct error err = {0};
	owned_fd fd = signals_open(wanted, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(read(fd, &info, sizeof(info)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(raise(SIGUSR2), 0);
	assert_int_equal(read(fd, &info, sizeof(info)), sizeof(info));
	assert_int_equal(info.ssi_signo, SIGUSR2);
	signals_reset();
}

static void a_number_that_is_no_signal_can_not_be_read(void **state)
{
	static const int wanted[] = {SIGUSR1, 99, 0};
	struct error err = {0};
	sigset_t blocked;

	(void)state;
	assert_int_equal(signals_open(wanted, &err), -1);
	assert_int_equal(err.errnum, EINVAL);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &blocked), 0);
	assert_false(sigismember(&blocked, SIGUSR1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_known_by_number_and_by_name),
		cmocka_unit_test(real_time_signals_are_counted_from_either_end),
		cmocka_unit_test(what_is_no_signal_leaves_the_result_alone),
		cmocka_unit_test(every_name_of_the_c_library_is_known),
		cmocka_unit_test(after_a_reset_a_signal_does_what_it_does_to_a_new_program),
		cmocka_unit_test(signals_are_read_from_a_descriptor),
		cmocka_unit_test(a_number_that_is_no_signal_can_not_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
