/* SPDX-License-Identifier: Apache-2.0 */
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/process.h"
#include "netns/netns.h"
#include "tests/unit/cmocka.h"

enum { UP, DOWN, NOT_POSSIBLE };

static int is_up(void)
{
	owned_fd any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = {.ifr_name = "lo"};

	return ioctl(any, SIOCGIFFLAGS, &lo) == 0 && (lo.ifr_flags & IFF_UP) ? 1 : 0;
}

static int in_child(void)
{
	struct error err;

	if (unshare(CLONE_NEWNET) < 0)
		return NOT_POSSIBLE;
	if (is_up() || netns_loopback_up(&err) < 0 || netns_loopback_up(&err) < 0)
		return DOWN;
	return is_up() ? UP : DOWN;
}

static void a_new_network_namespace_has_its_loopback_up(void **state)
{
	struct error err;
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(in_child());
	status = process_wait(pid, &err);
	if (status == NOT_POSSIBLE)
		skip();
	assert_int_equal(status, UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_network_namespace_has_its_loopback_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
