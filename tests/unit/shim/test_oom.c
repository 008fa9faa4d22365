/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include "base/own.h"
#include "shim/events.h"
#include "shim/life.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"
#include "tests/unit/runtime/stored.h"

enum { GIVE_UP_S = 30 };

/* An executor whose guest is the other end of a socket: each byte is a kill. */
static struct loop *loop;
static int guest, hears;
static bool over; /* it has ended */

static int hear(struct container *c, int timeout_ms, enum container_event *ret, struct error *err)
{
	char byte;
	ssize_t n;

	(void)timeout_ms;
	(void)err;
	hears++;
	*ret = EVENT_NONE;
	if (c->watch.population < 0) {
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		c->watch.population = ends[0]; /* of which nothing is told */
		c->watch.memory = ends[1];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		c->watch.other = ends[0];
		guest = ends[1];
	}
	n = c->watch.other < 0 ? -1 : recv(c->watch.other, &byte, 1, MSG_DONTWAIT);
	if (n > 0)
		*ret = EVENT_OOM;
	if (n == 0) {
		(void)close(take_fd(&c->watch.other));
		over = true;
	}
	if (n >= 0)
		loop_stop(loop);
	return 0;
}

static int say(struct container *c, enum container_status *ret_status, struct error *err)
{
	(void)c;
	(void)err;
	*ret_status = STATUS_RUNNING;
	return 0;
}

static const struct executor hearing = {.name = "hearing", .watch = hear, .look = say};
static const struct executor *const executors[] = {&hearing, NULL};

static void a_guest_is_heard_when_it_tells_and_its_end_is_seen(void **state)
{
	const struct scratch *scratch = *state;
	const struct shim_options options = {.namespace = "ns", .events_address = "/nowhere"};
	struct error err;
	struct shim shim = {
		.options = &options,
		.runtime = {.root = scratch->path, .executors = executors},
		.loop = loop_new(&err),
	};
	struct task *task = task_new(&shim, "one", "/bundle", &err);

	(void)alarm(GIVE_UP_S);
	loop = shim.loop;
	stored_put(&shim.runtime, "one", NULL);
	assert_int_equal(events_open(&shim, &err), 0);
	oom_watch(task);
	assert_int_equal(hears, 1);
	assert_true(events_are_told(&shim));
	assert_int_equal(write(guest, "k", 1), 1);
	assert_int_equal(loop_run(shim.loop, &err), 0);
	assert_int_equal(hears, 2);
	assert_false(events_are_told(&shim));
	(void)close(guest);
	assert_int_equal(loop_run(shim.loop, &err), 0);
	assert_true(over);
	assert_non_null(task->watched);
	task_remove(task);
	events_close(&shim);
	loop_free(shim.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(a_guest_is_heard_when_it_tells_and_its_end_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
