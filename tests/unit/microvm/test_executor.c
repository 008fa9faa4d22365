/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "microvm/parts.h"
#include "tests/unit/cmocka.h"

#include "peer.h"

/* A process in the place of the monitor's, whose end is that of the machine. */
static pid_t start_machine(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		(void)pause();
}

/* An agent that does what it is told, so its machine ends, and one that only says so. */
static void obey(void *data, const struct wire_message *question, struct wire_message *ret)
{
	(void)ret;
	(void)kill(*(pid_t *)data, (int)question->number[1]);
}

static void lie(void *data, const struct wire_message *question, struct wire_message *ret)
{
	(void)data;
	(void)question;
	(void)ret;
}

typedef void (*agent)(void *, const struct wire_message *, struct wire_message *);

/* Send the machine a signal, and then one that ends it if nothing else has.
 * Returns  which it was that ended it. */
static int ended_by(int signum, agent answer)
{
	pid_t machine = start_machine();
	struct peer peer;
	struct error err;
	int status;

	peer_start(&peer, VM_SOCKET, answer, &machine);
	peer.container.state.status = STATUS_RUNNING;
	peer.container.state.pid = machine;
	assert_int_equal(process_look(machine, &peer.container.state.start_time, NULL, &err), 0);
	assert_int_equal(microvm_signal(&peer.container, signum, true, &err), 0);
	assert_int_equal(kill(machine, SIGUSR1), 0);
	assert_int_equal(waitpid(machine, &status, 0), machine);
	peer_end(&peer);
	return WTERMSIG(status);
}

static void a_machine_that_is_killed_ends_by_itself(void **state)
{
	(void)state;
	assert_int_equal(ended_by(SIGKILL, obey), SIGKILL);
}

static void a_machine_whose_guest_only_says_that_it_was_killed_ends_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(ended_by(SIGKILL, lie), SIGKILL);
}

static void a_machine_that_gets_another_signal_goes_on(void **state)
{
	(void)state;
	assert_int_equal(ended_by(SIGTERM, lie), SIGUSR1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_that_is_killed_ends_by_itself),
		cmocka_unit_test(
			a_machine_whose_guest_only_says_that_it_was_killed_ends_all_the_same),
		cmocka_unit_test(a_machine_that_gets_another_signal_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
