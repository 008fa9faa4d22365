/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/virtio_vsock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#undef VIRTIO_F_VERSION_1

#include "tests/unit/cmocka.h"

#include "vsock_guest.h"

/* Guests and clients that want too much at once: they meet limits, and keep the loop awake for nothing. */

enum { EPHEMERAL = 5000, LIMIT_MS = 60000 };
enum { RX, TX };

static void a_storm_of_packets_to_nobody_only_stops_itself(void **state)
{
	struct guest g;
	struct guest_packet p;
	int before, answers = 0;

	(void)state;
	guest_open(&g, 4, LIMIT_MS);
	g.manual = true;
	/* nobody reads the answers: from a bound on the device listens no longer */
	for (before = 0; g.driver.queue[TX].free_count > 0; before++)
		guest_op(&g, 99, (uint32_t)before, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	assert_in_range(before, 256 + 256, 256 + 256 + 4);
	guest_assert_idle(&g);
	/* and goes on where it was once they are */
	g.manual = false;
	guest_post(&g, 200);
	while (guest_receive(&g, &p)) {
		assert_int_equal(p.op, VIRTIO_VSOCK_OP_RST);
		/* what it had not taken yet is read now, and all of it was built at one place */
		assert_int_equal(p.source_port, answers < 256 + 4 ? answers : before - 1);
		answers++;
	}
	assert_int_equal(answers, before);
	(void)guest_agent(&g, EPHEMERAL);
	guest_close(&g);
}

static void a_ring_full_of_questions_is_answered_in_turns(void **state)
{
	struct guest g;
	struct driver_buffer question = {0, 44, false};
	struct guest_packet p;

	(void)state;
	guest_open(&g, 255, LIMIT_MS);
	guest_op(&g, 99, 1, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
	guest_post(&g, 2); /* 256 with the one that was read */
	g.in_use = -1;
	question.address = g.packet;
	for (int i = 0; i < 256; i++)
		assert_true(driver_add(&g.driver, TX, &question, 1) >= 0);
	driver_kick(&g.driver, TX);
	for (int i = 0; i < 256; i++) {
		assert_true(guest_receive(&g, &p));
		assert_int_equal(p.op, VIRTIO_VSOCK_OP_RST);
	}
	guest_expect_nothing(&g);
	/* its place in the ring was not forgotten */
	guest_op(&g, 99, 1, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
	guest_close(&g);
}

static void a_storm_of_resets_is_nothing(void **state)
{
	struct guest g;
	uint32_t port;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	for (uint32_t i = 0; i < 5000; i++)
		guest_op(&g, AGENT_PORT, port + 1 + i, VIRTIO_VSOCK_OP_RST, 0);
	guest_expect_nothing(&g);
	guest_assert_alive(&g, client, port);
	(void)close(client);
	guest_close(&g);
}

static void a_flood_of_clients_meets_a_limit(void **state)
{
	static int client[1200];
	struct guest g;
	struct guest_packet p;
	uint32_t requests = 0, alive = 0, last = 0;
	struct rlimit most;
	char byte;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &most), 0);
	most.rlim_cur = most.rlim_max;
	if (most.rlim_max < 2400 || setrlimit(RLIMIT_NOFILE, &most) < 0) {
		print_message("2400 descriptors are not to be had here\n");
		skip();
	}
	guest_open(&g, 64, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	for (size_t i = 0; i < 1100; i++) {
		int pair[2];
		struct error err;

		/* pairs: a socket that listens may have any backlog */
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		client[i] = pair[0];
		assert_int_equal(vsock_connect(g.device, pair[1], &err), i < 1023 ? 0 : -1);
	}
	while (guest_receive(&g, &p)) {
		assert_int_equal(p.op, VIRTIO_VSOCK_OP_REQUEST);
		assert_true(p.source_port > last);
		last = p.source_port;
		requests++;
		guest_op(&g, AGENT_PORT, p.source_port, VIRTIO_VSOCK_OP_RESPONSE, 0);
	}
	assert_int_equal(requests, 1023);
	for (size_t i = 0; i < 1100; i++) {
		alive += recv(client[i], &byte, 1, 0) < 0;
		(void)close(client[i]);
	}
	assert_int_equal(alive, 1023);
	/* and each goes by itself */
	for (int i = 0; i < 1023; i++) {
		guest_expect(&g, VIRTIO_VSOCK_OP_SHUTDOWN, &p);
		guest_op(&g, AGENT_PORT, p.source_port, VIRTIO_VSOCK_OP_RST, 0);
	}
	guest_expect_nothing(&g);
	assert_true(write(g.agent, "x", 1) == 1);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, NULL);
	guest_close(&g);
}

static void without_descriptors_clients_wait_and_the_loop_sleeps(void **state)
{
	struct guest g;
	struct rlimit most, none;
	int client;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_knock(&g);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &most), 0);
	none = (struct rlimit){3, most.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	guest_assert_idle(&g);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &most), 0);
	guest_expect_nothing(&g);
	guest_wait(&g, 1200);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, NULL);
	(void)close(client);
	guest_close(&g);
}

static void many_connections_have_little_room_each(void **state)
{
	struct guest g;
	struct guest_packet p;
	int client[80];

	(void)state;
	guest_open(&g, 64, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	for (int i = 0; i < 80; i++) {
		client[i] = guest_knock(&g);
		guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, &p);
		assert_int_equal(p.alloc, i < 63 ? 1 << 18 : 1 << 14);
	}
	for (int i = 0; i < 80; i++)
		(void)close(client[i]);
	guest_close(&g);
}

static void a_socket_that_hung_up_does_not_keep_the_loop_awake(void **state)
{
	struct guest g;
	uint32_t port;
	int client, asks;

	(void)state;
	client = guest_open_with_client(&g, 3, LIMIT_MS, &port);
	asks = guest_knock(&g);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, NULL);
	g.manual = true;
	for (int i = 0; i < 8; i++)
		assert_int_equal(write(client, "x", 1), 1), guest_turn(&g);
	(void)close(asks);
	(void)close(client);
	guest_assert_idle(&g);
	guest_close(&g);

	/* the same without credit instead of buffers */
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	g.alloc = 0;
	client = guest_client(&g, &port);
	assert_int_equal(write(client, "x", 1), 1);
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_REQUEST, NULL);
	guest_assert_idle(&g);
	(void)close(client);
	guest_assert_idle(&g);
	g.alloc = 1;
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, NULL);
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_REQUEST, NULL);
	guest_assert_idle(&g);
	g.forwarded = 1;
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_SHUTDOWN, NULL);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_storm_of_packets_to_nobody_only_stops_itself),
		cmocka_unit_test(a_ring_full_of_questions_is_answered_in_turns),
		cmocka_unit_test(a_storm_of_resets_is_nothing),
		cmocka_unit_test(a_flood_of_clients_meets_a_limit),
		cmocka_unit_test(without_descriptors_clients_wait_and_the_loop_sleeps),
		cmocka_unit_test(many_connections_have_little_room_each),
		cmocka_unit_test(a_socket_that_hung_up_does_not_keep_the_loop_awake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
