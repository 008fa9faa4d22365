/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/virtio_vsock.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#undef VIRTIO_F_VERSION_1

#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "vsock_guest.h"

/* How connections end. */

enum { EPHEMERAL = 5000, LIMIT_MS = 60000, SHORT_MS = 40 };
enum { RCV = VIRTIO_VSOCK_SHUTDOWN_RCV, SEND = VIRTIO_VSOCK_SHUTDOWN_SEND };

/* The next that the guest is told is that this end is done, for these ways. */
static void expect_shutdown(struct guest *g, uint32_t flags)
{
	struct guest_packet p;

	guest_expect(g, VIRTIO_VSOCK_OP_SHUTDOWN, &p);
	assert_int_equal(p.flags, flags);
}

static void expect_bytes(struct guest *g, uint32_t length)
{
	struct guest_packet p;

	guest_expect(g, VIRTIO_VSOCK_OP_RW, &p);
	assert_int_equal(p.length, length);
}

/* The device has forgotten a connection: whatever is said of it is answered by RST. */
static void assert_forgotten(struct guest *g, uint32_t port)
{
	guest_op(g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	guest_expect(g, VIRTIO_VSOCK_OP_RST, NULL);
}

static void assert_at_end(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}

static void assert_waits(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void assert_nobody_reads(int fd)
{
	assert_int_equal(send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
}

static void a_guest_that_is_done_gets_a_reset(void **state)
{
	struct guest g;
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	guest_data(&g, AGENT_PORT, port, "bye", 3);
	/* what it never reads does not spoil the end */
	assert_int_equal(write(client, "unread", 6), 6);
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_SHUTDOWN, RCV | SEND);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
	assert_forgotten(&g, port);
	assert_int_equal(recv(client, (char[4]){0}, 4, 0), 3);
	assert_at_end(client);
	assert_nobody_reads(client);
	(void)close(client);
	guest_close(&g);
}

static void a_guest_ends_in_two_steps(void **state)
{
	static const uint32_t first[] = {RCV, SEND};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct guest g;
		uint32_t port;
		int client = guest_open_with_client(&g, 8, LIMIT_MS, &port);

		guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_SHUTDOWN, first[i]);
		guest_expect_nothing(&g);
		if (first[i] == SEND)
			assert_at_end(client);
		else
			assert_waits(client);
		if (first[i] == RCV)
			assert_nobody_reads(client);
		else
			assert_int_equal(write(client, "x", 1), 1);
		if (first[i] == SEND)
			guest_expect(&g, VIRTIO_VSOCK_OP_RW, NULL);
		guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_SHUTDOWN, first[1 - i]);
		guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
		assert_at_end(client);
		assert_forgotten(&g, port);
		(void)close(client);
		guest_close(&g);
	}
}

static void the_host_ends_first_and_the_guest_goes_on(void **state)
{
	struct guest g;
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	assert_int_equal(write(client, "last", 4), 4);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	expect_bytes(&g, 4);
	expect_shutdown(&g, SEND);
	guest_data(&g, AGENT_PORT, port, "answer", 6);
	assert_int_equal(recv(client, (char[8]){0}, 8, 0), 6);
	assert_waits(client);
	/* then the guest: both are done, so it is over */
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_SHUTDOWN, SEND);
	expect_shutdown(&g, RCV | SEND);
	assert_at_end(client);
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_RST, 0);
	guest_expect_nothing(&g);
	assert_forgotten(&g, port);
	(void)close(client);
	guest_close(&g);
}

static void a_host_that_only_reads_no_longer(void **state)
{
	struct guest g;
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	assert_int_equal(shutdown(client, SHUT_RD), 0);
	guest_data(&g, AGENT_PORT, port, "x", 1);
	expect_shutdown(&g, RCV);
	assert_int_equal(write(client, "still", 5), 5);
	expect_bytes(&g, 5);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	expect_shutdown(&g, RCV | SEND);
	(void)close(client);
	guest_close(&g);
}

/* Found by the fuzzer: what was still to be read then is no longer for the guest. */
static void an_end_while_the_host_waits_for_a_buffer(void **state)
{
	struct guest g;
	struct guest_packet p;
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	assert_int_equal(shutdown(client, SHUT_RD), 0);
	guest_data(&g, AGENT_PORT, port, "x", 1);
	expect_shutdown(&g, RCV);
	g.manual = true;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(write(client, "x", 1), 1);
		guest_turn(&g);
	}
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_SHUTDOWN, RCV);
	assert_nobody_reads(client);
	g.manual = false;
	guest_post(&g, 8);
	do
		assert_true(guest_receive(&g, &p));
	while (p.op == VIRTIO_VSOCK_OP_RW);
	assert_int_equal(p.op, VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(p.flags, RCV | SEND);
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_RST, 0);
	assert_forgotten(&g, port);
	guest_start(&g, 8);
	(void)guest_agent(&g, EPHEMERAL);
	(void)close(client);
	guest_close(&g);
}

static void a_client_that_goes_closes_both_ways(void **state)
{
	struct guest g;
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	assert_int_equal(write(client, "will", 4), 4);
	(void)close(client);
	expect_bytes(&g, 4);
	expect_shutdown(&g, RCV | SEND);
	/* what was on its way is no fault */
	guest_data(&g, AGENT_PORT, port, "late", 4);
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	guest_expect_nothing(&g);
	/* nor is a SHUTDOWN that met ours */
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_SHUTDOWN, RCV | SEND);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
	assert_forgotten(&g, port);
	guest_close(&g);
}

static void a_client_that_goes_after_its_half_close_is_noticed(void **state)
{
	struct guest g;
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	expect_shutdown(&g, SEND);
	guest_expect_nothing(&g);
	(void)close(client);
	expect_shutdown(&g, RCV | SEND);
	guest_close(&g);
}

static void a_client_that_goes_before_the_guest_answers(void **state)
{
	struct guest g;
	struct guest_packet p;
	int client;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_knock(&g);
	assert_int_equal(write(client, "note", 4), 4);
	(void)close(client);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, &p);
	guest_expect_nothing(&g);
	guest_op(&g, AGENT_PORT, p.source_port, VIRTIO_VSOCK_OP_RESPONSE, 0);
	expect_bytes(&g, 4);
	expect_shutdown(&g, RCV | SEND);
	guest_close(&g);
}

static void a_slow_reader_gets_all_that_a_guest_said_before_it_was_done(void **state)
{
	static uint8_t bytes[1 << 16];
	struct guest g;
	struct guest_packet p;
	uint32_t port, sent = 0, got = 0;
	ssize_t done;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	while (sent < 6 * sizeof(bytes)) {
		guest_data(&g, AGENT_PORT, port, bytes, sizeof(bytes));
		sent += sizeof(bytes);
	}
	assert_true(vsock_draining(g.device));
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_SHUTDOWN, RCV | SEND);
	do
		assert_true(guest_receive(&g, &p));
	while (p.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(p.op, VIRTIO_VSOCK_OP_RST);
	assert_true(vsock_draining(g.device));
	guest_start(&g, 8); /* not even a new start of the guest spoils it */
	while ((done = recv(client, bytes, sizeof(bytes), 0)) != 0) {
		if (done < 0)
			guest_turn(&g);
		got += done > 0 ? (uint32_t)done : 0;
	}
	assert_int_equal(got, sent);
	assert_false(vsock_draining(g.device));
	(void)close(client);
	guest_close(&g);
}

static void a_slow_reader_that_goes_takes_its_bytes_along(void **state)
{
	static uint8_t bytes[1 << 16];
	struct guest g;
	struct guest_packet p = {0};
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	for (int i = 0; i < 6; i++)
		guest_data(&g, AGENT_PORT, port, bytes, sizeof(bytes));
	assert_true(vsock_draining(g.device));
	(void)close(client);
	while (p.op != VIRTIO_VSOCK_OP_SHUTDOWN || p.flags != (RCV | SEND)) {
		assert_true(guest_receive(&g, &p));
		assert_true(p.op == VIRTIO_VSOCK_OP_SHUTDOWN ||
		            p.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	}
	assert_false(vsock_draining(g.device));
	guest_close(&g);
}

static void a_reset_ends_at_once(void **state)
{
	struct guest g;
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_RST, 0);
	assert_at_end(client);
	guest_expect_nothing(&g);
	assert_forgotten(&g, port);
	(void)close(client);
	guest_close(&g);
}

static void a_request_that_nobody_answers_is_given_up(void **state)
{
	struct guest g;
	struct guest_packet p;
	int client;

	(void)state;
	guest_open(&g, 8, SHORT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_knock(&g);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, &p);
	assert_waits(client);
	guest_wait(&g, 2 * SHORT_MS);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
	assert_at_end(client);
	/* too late */
	guest_op(&g, AGENT_PORT, p.source_port, VIRTIO_VSOCK_OP_RESPONSE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
	(void)close(client);
	guest_close(&g);
}

static void a_shutdown_that_nobody_answers_is_given_up(void **state)
{
	struct guest g;
	struct guest_packet p;
	uint32_t port, other;
	int client, stays;

	(void)state;
	client = guest_open_with_client(&g, 8, SHORT_MS, &port);
	stays = guest_client(&g, &other);
	(void)close(client);
	guest_expect(&g, VIRTIO_VSOCK_OP_SHUTDOWN, &p);
	assert_int_equal(p.source_port, port);
	guest_wait(&g, 2 * SHORT_MS);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, &p);
	assert_int_equal(p.source_port, port);
	assert_forgotten(&g, port);
	/* who was answered in time has no limit any more */
	assert_int_equal(write(stays, "x", 1), 1);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, &p);
	assert_int_equal(p.source_port, other);
	(void)close(stays);
	guest_close(&g);
}

static void a_reboot_of_the_guest_closes_everything(void **state)
{
	struct guest g;
	struct guest_packet p;
	uint32_t port;
	int client, waits, again;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	waits = guest_knock(&g);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, &p);
	assert_int_equal(write(client, "x", 1), 1);
	guest_data(&g, AGENT_PORT, port, "y", 1);
	guest_start(&g, 8);
	guest_expect_nothing(&g);
	assert_int_equal(recv(client, (char[2]){0}, 2, 0), 1);
	assert_true(recv(client, (char[2]){0}, 2, 0) <= 0 && errno != EAGAIN);
	assert_at_end(waits);
	assert_at_end(g.agent);
	again = guest_knock(&g);
	guest_expect_nothing(&g); /* the agent is not up */
	(void)guest_agent(&g, EPHEMERAL);
	assert_int_equal(g.agents, 2);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, &p);
	assert_int_not_equal(p.source_port, port);
	(void)close(client);
	(void)close(waits);
	(void)close(again);
	guest_close(&g);
}

static void after_a_restore_the_guest_is_told(void **state)
{
	enum { EVENT = 2 };
	struct guest g;
	struct driver_buffer buffer = {0, 4, true};
	uint32_t port, written = 0, id = htole32(77);
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	vsock_transport_reset(g.device);
	assert_at_end(client);
	guest_expect_nothing(&g);
	/* it is told when it has a buffer for that */
	buffer.address = driver_place(&g.driver, 4);
	memcpy(driver_bytes(&g.driver, buffer.address, 4), &id, 4);
	assert_int_equal(driver_used(&g.driver, EVENT, &written), -1);
	assert_true(driver_add(&g.driver, EVENT, &buffer, 1) >= 0);
	driver_kick(&g.driver, EVENT);
	assert_true(driver_used(&g.driver, EVENT, &written) >= 0);
	assert_int_equal(written, 4);
	memcpy(&id, driver_bytes(&g.driver, buffer.address, 4), 4);
	assert_int_equal(id, VIRTIO_VSOCK_EVENT_TRANSPORT_RESET);
	(void)guest_agent(&g, EPHEMERAL);
	(void)close(client);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_that_is_done_gets_a_reset),
		cmocka_unit_test(a_guest_ends_in_two_steps),
		cmocka_unit_test(the_host_ends_first_and_the_guest_goes_on),
		cmocka_unit_test(a_host_that_only_reads_no_longer),
		cmocka_unit_test(an_end_while_the_host_waits_for_a_buffer),
		cmocka_unit_test(a_client_that_goes_closes_both_ways),
		cmocka_unit_test(a_client_that_goes_after_its_half_close_is_noticed),
		cmocka_unit_test(a_client_that_goes_before_the_guest_answers),
		cmocka_unit_test(a_slow_reader_gets_all_that_a_guest_said_before_it_was_done),
		cmocka_unit_test(a_slow_reader_that_goes_takes_its_bytes_along),
		cmocka_unit_test(a_reset_ends_at_once),
		cmocka_unit_test(a_request_that_nobody_answers_is_given_up),
		cmocka_unit_test(a_shutdown_that_nobody_answers_is_given_up),
		cmocka_unit_test(a_reboot_of_the_guest_closes_everything),
		cmocka_unit_test(after_a_restore_the_guest_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
