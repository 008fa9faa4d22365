/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/own.h"
#include "cli/relay.h"
#include "tests/unit/cmocka.h"

/* A terminal, pipes for our own stdio, and a loop that turns for as long as anything moves. */
struct fixture {
	struct loop *loop;
	int master, slave, input[2], output[2];
	struct relay relay;
	struct error err;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct termios modes;

	*state = f;
	f->loop = loop_new(&f->err);
	f->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (!f->loop || f->master < 0 || unlockpt(f->master) < 0 || pipe(f->input) < 0 ||
	    pipe(f->output) < 0)
		return -1;
	f->slave = ioctl(f->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (f->slave < 0 || tcgetattr(f->slave, &modes) < 0)
		return -1;
	modes.c_lflag &= ~(tcflag_t)ECHO;
	modes.c_oflag &= ~(tcflag_t)OPOST;
	return tcsetattr(f->slave, TCSANOW, &modes);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 6; i++) {
		int fd = (int[]){f->master,   f->slave,     f->input[0],
		                 f->input[1], f->output[0], f->output[1]}[i];

		if (fd >= 0)
			(void)close(fd);
	}
	loop_free(f->loop);
	free(f);
	return 0;
}

static void start(struct fixture *f)
{
	assert_int_equal(
		relay_start(&f->relay, f->loop, f->input[0], f->output[1], f->master, &f->err), 0);
}

static void drain(struct fixture *f)
{
	assert_int_equal(relay_drain(&f->relay, &f->err), 0);
	assert_int_equal(loop_run(f->loop, &f->err), 0);
}

/* A watcher that stops the loop when its descriptor has something. */
static int stop(struct loop_source *self, uint32_t events, struct error *err)
{
	(void)events;
	(void)err;
	loop_stop(self->data);
	return 0;
}

/* Let the loop run until fd is readable. */
static void turn_until_readable(struct fixture *f, int fd)
{
	struct loop_source watcher = {fd, stop, f->loop};

	assert_int_equal(loop_add(f->loop, &watcher, 1 /* EPOLLIN */, &f->err), 0);
	assert_int_equal(loop_run(f->loop, &f->err), 0);
	assert_int_equal(loop_remove(f->loop, &watcher, &f->err), 0);
}

static void assert_reads(int fd, const char *wanted)
{
	char bytes[256] = "";
	ssize_t n = read(fd, bytes, sizeof(bytes) - 1);

	assert_int_equal(n, strlen(wanted));
	assert_string_equal(bytes, wanted);
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void bytes_go_both_ways(void **state)
{
	struct fixture *f = *state;

	start(f);
	put(f->input[1], "typed\n");
	turn_until_readable(f, f->slave);
	assert_reads(f->slave, "typed\n");
	put(f->slave, "shown");
	turn_until_readable(f, f->output[0]);
	assert_reads(f->output[0], "shown");
}

static void the_end_of_input_is_typed(void **state)
{
	struct fixture *f = *state;

	put(f->input[1], "half a line");
	(void)close(take_fd(&f->input[1]));
	start(f);
	turn_until_readable(f, f->slave);
	assert_reads(f->slave, "half a line");
	turn_until_readable(f, f->slave);
	assert_reads(f->slave, "");
}

static void a_file_as_input_is_read_to_its_end(void **state)
{
	struct fixture *f = *state;
	char name[] = "/tmp/cella-relay-XXXXXX";
	int file = mkstemp(name);

	assert_true(file >= 0);
	(void)unlink(name);
	put(file, "line\n");
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	(void)close(f->input[0]);
	f->input[0] = file;
	start(f);
	turn_until_readable(f, f->slave);
	assert_reads(f->slave, "line\n");
	turn_until_readable(f, f->slave);
	assert_reads(f->slave, "");
}

static void what_was_written_before_the_end_arrives(void **state)
{
	struct fixture *f = *state;

	start(f);
	put(f->slave, "last words");
	(void)close(take_fd(&f->slave));
	drain(f);
	assert_reads(f->output[0], "last words");
}

static void a_file_as_output_gets_it_all(void **state)
{
	struct fixture *f = *state;
	char name[] = "/tmp/cella-relay-XXXXXX", bytes[32] = "";
	int file = mkstemp(name);

	assert_true(file >= 0);
	(void)unlink(name);
	(void)close(f->output[1]);
	f->output[1] = file;
	start(f);
	put(f->slave, "into a file");
	drain(f);
	assert_int_equal(pread(file, bytes, sizeof(bytes) - 1, 0), 11);
	assert_string_equal(bytes, "into a file");
}

/* The slave stays open: somebody behind it lives on. */
static void draining_does_not_wait_for_others(void **state)
{
	struct fixture *f = *state;

	start(f);
	drain(f);
	put(f->slave, "more");
	drain(f);
	assert_reads(f->output[0], "more");
}

static void a_reader_that_has_gone_stops_nothing(void **state)
{
	struct fixture *f = *state;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)close(take_fd(&f->output[0]));
	start(f);
	put(f->slave, "to nobody");
	put(f->input[1], "typed\n");
	turn_until_readable(f, f->slave);
	assert_reads(f->slave, "typed\n");
	drain(f);
	assert_true(f->relay.output_broken);
}

/* More than pipe, terminal and buffers hold together, and nobody reads: nothing is lost, and the
 * loop sleeps meanwhile instead of turning. */
static void a_slow_reader_gets_every_byte(void **state)
{
	enum { TOTAL = 300000 };
	struct fixture *f = *state;
	size_t written = 0, seen = 0;
	char chunk[1000];

	memset(chunk, 'x', sizeof(chunk));
	assert_int_equal(fcntl(f->slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	start(f);
	while (seen < TOTAL) {
		char bytes[4096];
		ssize_t n = written < TOTAL ? write(f->slave, chunk, sizeof(chunk)) : 0;

		if (n > 0) {
			written += (size_t)n;
			continue;
		}
		turn_until_readable(f, f->output[0]);
		n = read(f->output[0], bytes, sizeof(bytes));
		assert_true(n > 0);
		seen += (size_t)n;
		assert_true(seen <= written);
	}
	assert_int_equal(seen, written);
}

static void a_terminal_that_nobody_has_open_is_left_alone(void **state)
{
	struct fixture *f = *state;
	int other[2];

	assert_int_equal(pipe(other), 0);
	start(f);
	(void)close(take_fd(&f->slave));
	put(other[1], "x");
	turn_until_readable(f, other[0]);
	put(f->input[1], "typed\n");
	assert_reads(other[0], "x");
	put(other[1], "y");
	turn_until_readable(f, other[0]);
	assert_int_equal(f->relay.watched[RELAY_MASTER], 0);
	assert_int_equal(f->relay.watched[RELAY_INPUT], 0);
	drain(f);
	(void)close(other[0]);
	(void)close(other[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_go_both_ways),
		TEST(the_end_of_input_is_typed),
		TEST(a_file_as_input_is_read_to_its_end),
		TEST(what_was_written_before_the_end_arrives),
		TEST(a_file_as_output_gets_it_all),
		TEST(draining_does_not_wait_for_others),
		TEST(a_reader_that_has_gone_stops_nothing),
		TEST(a_slow_reader_gets_every_byte),
		TEST(a_terminal_that_nobody_has_open_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
