/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "microvm/virtio/console.h"
#include "tests/unit/cmocka.h"

#include "driver.h"

enum { RECEIVE = 0, TRANSMIT = 1 };
enum { MEMORY = 16 << 20, TABLE = 0x100000, DATA = 0x200000 };

struct scene {
	struct driver driver;
	struct loop *loop;
	int output[2]; /* a pipe; [1] is the console's */
};

static void begin(struct scene *s, int output)
{
	struct error err;

	s->loop = loop_new(&err);
	driver_open(&s->driver, virtio_console_new(s->loop, output, "vm0", &err), MEMORY);
	driver_join(&s->driver, s->loop);
	driver_start(&s->driver, 0, QUEUE_SIZE_MAX);
}

static void end(struct scene *s)
{
	virtio_console_free(s->driver.device);
	driver_close(&s->driver);
	loop_free(s->loop);
}

static int set_up(void **state)
{
	struct scene *s = malloc(sizeof(*s));

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(s->output, O_CLOEXEC | O_NONBLOCK), 0);
	/* the least there is: a page */
	assert_true(fcntl(s->output[1], F_SETPIPE_SZ, 4096) >= 4096);
	begin(s, s->output[1]);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	end(s);
	if (s->output[0] >= 0)
		(void)close(s->output[0]);
	(void)close(s->output[1]);
	free(s);
	return 0;
}

/* Offer length bytes of a letter. */
static void say(struct driver *d, char letter, uint32_t length)
{
	const struct driver_buffer piece = {DATA, length, false};

	memset(driver_at(d, DATA, length), letter, length);
	(void)driver_add(d, TRANSMIT, &piece, 1);
	driver_go(d, TRANSMIT);
}

/* Read all that comes, while the loop goes on.
 * Returns  its length. */
static size_t hear(struct scene *s, char *text, size_t size)
{
	size_t length = 0;

	for (int empty = 0; empty < 3;) {
		ssize_t got = read(s->output[0], text + length, size - 1 - length);

		driver_turn(&s->driver, 2);
		empty = got <= 0 ? empty + 1 : 0;
		length += got > 0 ? (size_t)got : 0;
	}
	text[length] = '\0';
	return length;
}

static size_t count(const char *text, char letter)
{
	size_t found = 0;

	for (; *text; text++)
		found += *text == letter;
	return found;
}

static void what_the_guest_says_is_what_comes_out(void **state)
{
	struct scene *s = *state;
	struct driver *d = &s->driver;
	const struct driver_buffer pieces[] = {
		{DATA,        6, false},
		{DATA + 4096, 6, false},
	};
	uint32_t written;
	char text[64];

	memcpy(driver_at(d, DATA, 6), "hello ", 6);
	memcpy(driver_at(d, DATA + 4096, 6), "world\n", 6);
	(void)driver_add(d, TRANSMIT, pieces, 2);
	driver_go(d, TRANSMIT);
	assert_true(driver_used(d, TRANSMIT, &written) >= 0);
	assert_int_equal(written, 0);
	assert_true(driver_interrupts(d));
	hear(s, text, sizeof(text));
	assert_string_equal(text, "vm0: hello world\n");
}

/* Say bytes as they are. */
static void say_bytes(struct driver *d, const char *bytes, uint32_t length)
{
	const struct driver_buffer piece = {DATA, length, false};

	memcpy(driver_at(d, DATA, length), bytes, length);
	(void)driver_add(d, TRANSMIT, &piece, 1);
	driver_go(d, TRANSMIT);
	(void)driver_used(d, TRANSMIT, NULL);
}

static void what_could_harm_a_terminal_is_written_out(void **state)
{
	static const char said[] = "a\x1b[2J\tb\x9b\x07\r\n\nhalf";
	struct scene *s = *state;
	char text[256];

	say_bytes(&s->driver, said, sizeof(said) - 1);
	hear(s, text, sizeof(text));
	assert_string_equal(text, "vm0: a\\x1b[2J\tb\\x9b\\x07\nvm0: \n");
	say_bytes(&s->driver, " a line\n", 8);
	hear(s, text, sizeof(text));
	assert_string_equal(text, "vm0: half a line\n");
}

static void its_configuration_is_zeros_and_a_register_for_one_byte(void **state)
{
	struct scene *s = *state;
	struct driver *d = &s->driver;
	char text[64];

	assert_int_equal(driver_read(d, 0x008), VIRTIO_ID_CONSOLE);
	driver_write(d, 0x014, 0);
	assert_int_equal(driver_read(d, 0x010) & ~(3U << 28), 1U << VIRTIO_CONSOLE_F_EMERG_WRITE);
	for (uint64_t offset = 0; offset < 16; offset += 4)
		assert_int_equal(driver_read(d, 0x100 + offset), 0);
	driver_write(d, 0x070, 0); /* before there are queues */
	driver_write(d, 0x108, 'p');
	driver_write(d, 0x104, 'q');
	driver_write(d, 0x10c, 'q');
	driver_write(d, 0x108, '\n');
	hear(s, text, sizeof(text));
	assert_string_equal(text, "vm0: p\n");
}

static void a_slow_reader_gets_the_backlog_a_note_and_what_came_later(void **state)
{
	enum { CHAIN = 32 << 10, CHAINS = 10 };
	struct scene *s = *state;
	struct driver *d = &s->driver;
	static char text[CHAIN * CHAINS];
	unsigned long long lost = 0;
	const char *note;
	uint32_t written;
	size_t kept;

	for (int i = 0; i < CHAINS; i++) {
		say(d, 'a', CHAIN);
		assert_true(driver_used(d, TRANSMIT, &written) >= 0); /* it never waits */
	}
	kept = hear(s, text, sizeof(text));
	say_bytes(d, "\n", 1); /* the last line, which had not ended */
	hear(s, text + kept, sizeof(text) - kept);
	kept = count(text, 'a');
	assert_true(kept >= 60 << 10 && kept < 128 << 10);
	note = strchr(text, '[');
	assert_non_null(note);
	assert_int_equal(sscanf(note, "[%llu bytes lost]\n", &lost), 1);
	assert_int_equal(kept + lost, CHAIN * CHAINS);
	assert_null(strchr(note + 1, '['));
	say_bytes(d, "ccc\n", 4);
	hear(s, text, sizeof(text));
	assert_string_equal(text, "vm0: ccc\n");
}

static void a_reader_that_has_gone_is_no_reason_to_stop(void **state)
{
	struct scene *s = *state;
	struct driver *d = &s->driver;
	uint32_t written;

	say(d, 'a', 64 << 10);
	(void)close(s->output[0]);
	s->output[0] = -1;
	for (int i = 0; i < 100; i++) {
		say(d, 'b', 4096);
		assert_true(driver_used(d, TRANSMIT, &written) >= 0 || i == 0);
	}
	assert_false(driver_needs_reset(d));
}

static void buffers_of_the_wrong_kind_and_of_the_other_queue_do_nothing(void **state)
{
	struct scene *s = *state;
	struct driver *d = &s->driver;
	const struct driver_buffer piece = {DATA, 4096, true};
	uint32_t written;
	char text[16];

	(void)driver_add(d, TRANSMIT, &piece, 1);
	driver_go(d, TRANSMIT);
	assert_true(driver_used(d, TRANSMIT, &written) >= 0);
	assert_int_equal(written, 0);
	(void)driver_add(d, RECEIVE, &piece, 1);
	driver_go(d, RECEIVE);
	assert_false(driver_used(d, RECEIVE, &written) >= 0);
	assert_int_equal(hear(s, text, sizeof(text)), 0);
	assert_false(driver_needs_reset(d));
}

/* However fast its reader is: what comes out at once has a bound. */
static void a_flood_is_cut_where_its_allowance_ends(void **state)
{
	enum { CHAIN = 128 << 10, CHAINS = 32 };
	struct scene s;
	int file = memfd_create("console", MFD_CLOEXEC);
	off_t length;

	(void)state;
	begin(&s, file);
	for (int i = 0; i < CHAINS; i++) {
		say(&s.driver, 'a', CHAIN);
		assert_true(driver_used(&s.driver, TRANSMIT, NULL) >= 0);
	}
	end(&s);
	length = lseek(file, 0, SEEK_END);
	/* a megabyte, and 64 KiB for each second that the test took */
	assert_true(length > 900 << 10 && length < 3 << 20);
	(void)close(file);
}

static void a_line_that_has_not_ended_is_written_before_the_end(void **state)
{
	static const char wanted[] = "vm0: panic\n";
	struct scene s;
	char text[64] = "";
	int file = memfd_create("console", MFD_CLOEXEC);

	(void)state;
	begin(&s, file);
	say_bytes(&s.driver, "panic", 5);
	assert_int_equal(lseek(file, 0, SEEK_END), 0);
	end(&s);
	assert_int_equal(pread(file, text, sizeof(text), 0), strlen(wanted));
	assert_string_equal(text, wanted);
	(void)close(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_guest_says_is_what_comes_out),
		TEST(its_configuration_is_zeros_and_a_register_for_one_byte),
		TEST(a_slow_reader_gets_the_backlog_a_note_and_what_came_later),
		TEST(a_reader_that_has_gone_is_no_reason_to_stop),
		TEST(buffers_of_the_wrong_kind_and_of_the_other_queue_do_nothing),
		TEST(what_could_harm_a_terminal_is_written_out),
		cmocka_unit_test(a_flood_is_cut_where_its_allowance_ends),
		cmocka_unit_test(a_line_that_has_not_ended_is_written_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
