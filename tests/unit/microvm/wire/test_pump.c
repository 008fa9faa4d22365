/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "microvm/wire/wire.h"
#include "tests/unit/cmocka.h"

static void stop(struct pump *pump)
{
	if (!pump->running)
		loop_stop(pump->data);
}

static struct loop *loop;

static struct pump begin(void)
{
	struct error err;

	loop = loop_new(&err);
	assert_non_null(loop);
	return (struct pump){.changed = stop, .data = loop};
}

static void all_of_it_arrives_and_then_the_end(void **state)
{
	struct pump pump = begin();
	char sent[3000], came[sizeof(sent) + 1];
	struct error err;
	int from[2], to[2];

	(void)state;
	memset(sent, 'x', sizeof(sent));
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, to), 0);
	assert_int_equal(write(from[1], sent, sizeof(sent)), (ssize_t)sizeof(sent));
	(void)close(from[1]);
	assert_int_equal(pump_start(&pump, loop, from[0], to[0], &err), 0);
	assert_int_equal(loop_run(loop, &err), 0);
	assert_int_equal(pump.moved, sizeof(sent));
	assert_true(pump_is_dry(&pump));
	assert_int_equal(recv(to[1], came, sizeof(came), MSG_WAITALL), (ssize_t)sizeof(sent));
	assert_memory_equal(came, sent, sizeof(sent));
	(void)close(to[1]);
	loop_free(loop);
}

static void what_is_no_stream_is_read_too(void **state)
{
	struct pump pump = begin();
	struct error err;
	char came[8];
	int to[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, to), 0);
	assert_int_equal(
		pump_start(&pump, loop, open("/dev/null", O_RDONLY | O_CLOEXEC), to[0], &err), 0);
	assert_int_equal(loop_run(loop, &err), 0);
	assert_int_equal(recv(to[1], came, sizeof(came), 0), 0);
	(void)close(to[1]);
	loop_free(loop);
}

static void a_reader_that_has_gone_ends_it(void **state)
{
	struct pump pump = begin();
	struct error err;
	int from[2], to[2];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	(void)close(to[0]);
	assert_int_equal(write(from[1], "x", 1), 1);
	assert_int_equal(pump_start(&pump, loop, from[0], to[1], &err), 0);
	assert_int_equal(loop_run(loop, &err), 0);
	assert_false(pump.running);
	(void)close(from[1]);
	loop_free(loop);
}

static void it_is_dry_when_nothing_waits(void **state)
{
	struct pump pump = begin();
	struct error err;
	int from[2], to[2];

	(void)state;
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pump_start(&pump, loop, from[0], to[1], &err), 0);
	assert_true(pump_is_dry(&pump));
	assert_int_equal(write(from[1], "x", 1), 1);
	assert_false(pump_is_dry(&pump));
	pump_stop(&pump);
	pump_stop(&pump);
	(void)close(from[1]);
	(void)close(to[0]);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_arrives_and_then_the_end),
		cmocka_unit_test(what_is_no_stream_is_read_too),
		cmocka_unit_test(a_reader_that_has_gone_ends_it),
		cmocka_unit_test(it_is_dry_when_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
