/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "microvm/parts.h"
#include "tests/unit/cmocka.h"

#include "peer.h"

/* Only sleeping takes time here: these stand for the C library's. */
static struct timespec slept;

int nanosleep(const struct timespec *wanted, struct timespec *ret_left)
{
	(void)ret_left;
	slept.tv_sec += wanted->tv_sec;
	slept.tv_nsec += wanted->tv_nsec;
	if (slept.tv_nsec >= 1000000000) {
		slept.tv_sec++;
		slept.tv_nsec -= 1000000000;
	}
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (clock != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, clock, ret);
	*ret = slept;
	return 0;
}

/* A monitor whose guest gives back so much at each question. */
struct guest {
	uint64_t has, step;
	unsigned int questions_left;
};

static void give_back(void *data, const struct wire_message *question, struct wire_message *ret)
{
	struct guest *guest = data;

	if (guest->questions_left-- == 0)
		_exit(0);
	ret->number[0] = guest->has;
	if (guest->has > question->number[0])
		guest->has -= guest->step;
}

enum { MIB = 1 << 20, PAGE = 4096, MANY = 20000 };

static void a_guest_that_gives_back_what_is_asked_fits(void **state)
{
	struct guest guest = {(uint64_t)512 * MIB, MIB, MANY};
	struct peer peer;
	struct error err;

	(void)state;
	peer_start(&peer, VM_CONTROL, give_back, &guest);
	assert_int_equal(memory_fit(&peer.container, (uint64_t)256 * MIB, &err), 0);
	peer_end(&peer);
}

static void a_guest_that_gives_back_nothing_is_not_waited_for(void **state)
{
	struct guest guest = {(uint64_t)512 * MIB, 0, MANY};
	struct peer peer;
	struct error err;

	(void)state;
	peer_start(&peer, VM_CONTROL, give_back, &guest);
	assert_int_equal(memory_fit(&peer.container, (uint64_t)256 * MIB, &err), -1);
	assert_non_null(strstr(err.reason, "still has 512 MiB"));
	peer_end(&peer);
}

static void a_guest_that_gives_back_a_page_at_a_time_holds_nobody_for_long(void **state)
{
	struct guest guest = {(uint64_t)512 * MIB, PAGE, MANY};
	struct peer peer;
	struct error err;

	(void)state;
	peer_start(&peer, VM_CONTROL, give_back, &guest);
	assert_int_equal(memory_fit(&peer.container, (uint64_t)256 * MIB, &err), -1);
	assert_non_null(strstr(err.reason, "gives back too few of them to reach 256"));
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_that_gives_back_what_is_asked_fits),
		cmocka_unit_test(a_guest_that_gives_back_nothing_is_not_waited_for),
		cmocka_unit_test(a_guest_that_gives_back_a_page_at_a_time_holds_nobody_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
