/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h needs the four before it */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#undef fail /* base/error.h has its own */
/* clang-format on */

#include <errno.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#undef VIRTIO_F_VERSION_1

#include "base/own.h"

#include "vsock_guest.h"

/* Guests and hosts that mean no good. */

enum { EPHEMERAL = 5000, LIMIT_MS = 60000 };
enum { RX, TX };
enum { NEEDS_RESET = 64 };

static const struct guest_packet good = {GUEST_CID, HOST_CID, AGENT_PORT,          0,
                                         1,         1,        VIRTIO_VSOCK_OP_RW,  0,
                                         1 << 20,   0,        (const uint8_t *)"x"};

/* The loop sleeps: nothing that it watches calls for nothing. */
static void assert_idle(struct guest *g)
{
	struct timespec before, after;
	long used_us;

	guest_turn(g);
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
	guest_wait(g, 60);
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
	used_us =
		(after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
	assert_in_range(used_us, 0, 20000);
}

static void assert_alive(struct guest *g, int client, uint32_t port)
{
	char byte = 0;

	guest_data(g, AGENT_PORT, port, "!", 1);
	assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), 1);
	assert_int_equal(byte, '!');
	assert_int_equal(driver_read(&g->driver, 0x070) & NEEDS_RESET, 0);
}

/* What is wrong with a header, and whether an answer is due. */
struct wrong {
	const char *what;
	uint64_t source, target;
	uint32_t from, port_off;
	uint16_t type, op;
	bool answer;
};

static const struct wrong wrongs[] = {
	{"source",         4,              HOST_CID,       AGENT_PORT, 0, 1,      5,      false},
	{"source's top",   1ULL << 32 | 3, HOST_CID,       AGENT_PORT, 0, 1,      5,      false},
	{"host as source", HOST_CID,       HOST_CID,       AGENT_PORT, 0, 1,      5,      false},
	{"target",         GUEST_CID,      1,              AGENT_PORT, 0, 1,      5,      false},
	{"target's top",   GUEST_CID,      1ULL << 32 | 2, AGENT_PORT, 0, 1,      5,      false},
	{"source port",    GUEST_CID,      HOST_CID,       99,         0, 1,      5,      true },
	{"target port",    GUEST_CID,      HOST_CID,       AGENT_PORT, 9, 1,      5,      true },
	{"any port",       GUEST_CID,      HOST_CID,       UINT32_MAX, 9, 1,      5,      true },
	{"packets",        GUEST_CID,      HOST_CID,       AGENT_PORT, 0, 2,      5,      true },
	{"type 0",         GUEST_CID,      HOST_CID,       AGENT_PORT, 0, 0,      5,      true },
	{"type",           GUEST_CID,      HOST_CID,       AGENT_PORT, 0, 0xffff, 5,      true },
	{"reset of none",  GUEST_CID,      HOST_CID,       99,         0, 1,      3,      false},
	{"other's reset",  GUEST_CID,      HOST_CID,       AGENT_PORT, 0, 2,      3,      false},
	{"op of none",     GUEST_CID,      HOST_CID,       99,         0, 1,      0,      true },
	{"no op at all",   GUEST_CID,      HOST_CID,       99,         0, 1,      0xffff, true },
	{"answer to none", GUEST_CID,      HOST_CID,       99,         0, 1,      2,      true },
	{"end of none",    GUEST_CID,      HOST_CID,       99,         0, 1,      4,      true },
};

static void what_belongs_to_nothing_harms_nothing(void **state)
{
	struct guest g;
	uint32_t port;
	int client;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_client(&g, &port);
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		struct guest_packet p = good, back;

		p.source = w->source;
		p.target = w->target;
		p.source_port = w->from;
		p.target_port = port + w->port_off;
		p.type = w->type;
		p.op = w->op;
		guest_say(&g, &p, 1);
		if (w->answer) {
			guest_expect(&g, VIRTIO_VSOCK_OP_RST, &back);
			assert_int_equal(back.source_port, p.target_port);
			assert_int_equal(back.target_port, p.source_port);
			assert_int_equal(back.type, p.type);
		} else {
			guest_expect_nothing(&g);
		}
		assert_alive(&g, client, port);
	}
	(void)close(client);
	guest_close(&g);
}

static void what_breaks_the_rules_of_a_connection_ends_it(void **state)
{
	static const struct {
		uint16_t op;
		uint32_t length, payload, flags_before;
	} breach[] = {
		{VIRTIO_VSOCK_OP_INVALID,  0,          0, 0                         },
		{VIRTIO_VSOCK_OP_REQUEST,  0,          0, 0                         },
		{VIRTIO_VSOCK_OP_RESPONSE, 0,          0, 0                         },
		{8,			0,          0, 0                         },
		{0xffff,                   0,          0, 0                         },
		{VIRTIO_VSOCK_OP_RW,       2,          1, 0                         },
		{VIRTIO_VSOCK_OP_RW,       UINT32_MAX, 1, 0                         },
		{VIRTIO_VSOCK_OP_RW,       1,          0, 0                         },
		{VIRTIO_VSOCK_OP_RW,       1,          1, VIRTIO_VSOCK_SHUTDOWN_SEND},
	};
	struct guest g;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	for (size_t i = 0; i < sizeof(breach) / sizeof(breach[0]); i++) {
		struct guest_packet p = good, back;
		char byte;
		uint32_t port;
		int client = guest_client(&g, &port);

		if (breach[i].flags_before)
			guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_SHUTDOWN,
			         breach[i].flags_before);
		p.target_port = port;
		p.op = breach[i].op;
		p.length = breach[i].length;
		guest_say(&g, &p, breach[i].payload);
		guest_expect(&g, VIRTIO_VSOCK_OP_RST, &back);
		assert_int_equal(back.source_port, port);
		assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), 0);
		(void)close(client);
	}
	guest_close(&g);
}

static void only_an_answer_answers_a_request(void **state)
{
	struct guest g;
	struct guest_packet p;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	for (uint16_t op = 0; op < 9; op++) {
		int client = guest_knock(&g);
		char byte;

		guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, &p);
		guest_op(&g, AGENT_PORT, p.source_port, op, 3);
		if (op == VIRTIO_VSOCK_OP_RESPONSE) {
			assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), -1);
			guest_op(&g, AGENT_PORT, p.source_port, VIRTIO_VSOCK_OP_RST, 0);
		} else if (op != VIRTIO_VSOCK_OP_RST) {
			guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
		}
		assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), 0);
		(void)close(client);
	}
	guest_expect_nothing(&g);
	guest_close(&g);
}

static void less_than_a_header_is_nothing(void **state)
{
	struct guest g;
	struct driver_buffer buffer[2] = {
		{0, 43, false},
		{0, 64, true }
        };
	uint32_t port;
	int client;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_client(&g, &port);
	buffer[0].address = buffer[1].address = g.packet;
	for (int i = 0; i < 3; i++) {
		/* short, short with room to write, only room to write */
		assert_true(driver_add(&g.driver, TX, buffer + i / 2, i == 1 ? 2 : 1) >= 0);
		driver_kick(&g.driver, TX);
		assert_true(driver_used(&g.driver, TX, NULL) >= 0);
	}
	guest_expect_nothing(&g);
	assert_alive(&g, client, port);
	(void)close(client);
	guest_close(&g);
}

static void a_header_may_be_in_pieces(void **state)
{
	struct guest g;
	struct driver_buffer piece[45];
	uint32_t port, at = 0;
	int client;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_client(&g, &port);
	assert_alive(&g, client, port); /* leaves a good packet at g.packet */
	for (at = 0; at < 45; at++)
		piece[at] = (struct driver_buffer){g.packet + at, 1, false};
	assert_true(driver_add(&g.driver, TX, piece, 45) >= 0);
	driver_kick(&g.driver, TX);
	assert_int_equal(recv(client, &at, 2, MSG_DONTWAIT), 1);
	(void)close(client);
	guest_close(&g);
}

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
	assert_idle(&g);
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
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_client(&g, &port);
	for (uint32_t i = 0; i < 5000; i++)
		guest_op(&g, AGENT_PORT, port + 1 + i, VIRTIO_VSOCK_OP_RST, 0);
	guest_expect_nothing(&g);
	assert_alive(&g, client, port);
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
	assert_idle(&g);
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
	guest_open(&g, 3, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_client(&g, &port);
	asks = guest_knock(&g);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, NULL);
	g.manual = true;
	for (int i = 0; i < 8; i++)
		assert_int_equal(write(client, good.payload, 1), 1), guest_turn(&g);
	(void)close(asks);
	(void)close(client);
	assert_idle(&g);
	guest_close(&g);

	/* the same without credit instead of buffers */
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	g.alloc = 0;
	client = guest_client(&g, &port);
	assert_int_equal(write(client, "x", 1), 1);
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_REQUEST, NULL);
	assert_idle(&g);
	(void)close(client);
	assert_idle(&g);
	g.alloc = 1;
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, NULL);
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_REQUEST, NULL);
	assert_idle(&g);
	g.forwarded = 1;
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_SHUTDOWN, NULL);
	guest_close(&g);
}

static void credit_that_makes_no_sense_is_none(void **state)
{
	struct guest g;
	struct guest_packet p;
	uint32_t port;
	int client;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	g.alloc = 100;
	g.forwarded = 50; /* of nothing */
	client = guest_client(&g, &port);
	assert_int_equal(write(client, "x", 1), 1);
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_REQUEST, NULL);
	g.forwarded = 0;
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, &p);
	assert_int_equal(p.length, 1);
	(void)close(client);
	guest_close(&g);
}

static void rings_that_lie_stop_the_device_until_a_reset(void **state)
{
	const struct driver_buffer nowhere = {UINT64_C(1) << 40, 64, false};

	(void)state;
	for (unsigned int queue = RX; queue <= TX; queue++) {
		struct guest g;
		char byte;
		uint32_t port;
		int client;

		guest_open(&g, 3, LIMIT_MS);
		(void)guest_agent(&g, EPHEMERAL);
		client = guest_client(&g, &port);
		g.manual = true;
		driver_descriptor(&g.driver, queue, 200, &nowhere, 0, 0);
		driver_offer(&g.driver, queue, 200);
		for (int i = 0; i < 4; i++) {
			(void)send(client, "x", 1, MSG_NOSIGNAL);
			guest_turn(&g);
		}
		driver_write(&g.driver, 0x050, queue);
		assert_int_equal(driver_read(&g.driver, 0x070) & NEEDS_RESET, NEEDS_RESET);
		assert_true(recv(client, &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
		assert_idle(&g);
		guest_start(&g, 8);
		(void)guest_agent(&g, EPHEMERAL);
		(void)close(client);
		client = guest_client(&g, &port);
		assert_alive(&g, client, port);
		(void)close(client);
		guest_close(&g);
	}
}

static void a_buffer_that_holds_no_payload_stops_the_device(void **state)
{
	struct guest g;
	struct driver_buffer buffer = {0, 44, true};

	(void)state;
	guest_open(&g, 0, LIMIT_MS);
	buffer.address = g.buffer;
	assert_true(driver_add(&g.driver, RX, &buffer, 1) >= 0);
	guest_op(&g, EPHEMERAL, HOST_PORT, VIRTIO_VSOCK_OP_REQUEST, 0);
	assert_int_equal(driver_read(&g.driver, 0x070) & NEEDS_RESET, NEEDS_RESET);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_belongs_to_nothing_harms_nothing),
		cmocka_unit_test(what_breaks_the_rules_of_a_connection_ends_it),
		cmocka_unit_test(only_an_answer_answers_a_request),
		cmocka_unit_test(less_than_a_header_is_nothing),
		cmocka_unit_test(a_header_may_be_in_pieces),
		cmocka_unit_test(a_storm_of_packets_to_nobody_only_stops_itself),
		cmocka_unit_test(a_ring_full_of_questions_is_answered_in_turns),
		cmocka_unit_test(a_storm_of_resets_is_nothing),
		cmocka_unit_test(a_flood_of_clients_meets_a_limit),
		cmocka_unit_test(without_descriptors_clients_wait_and_the_loop_sleeps),
		cmocka_unit_test(many_connections_have_little_room_each),
		cmocka_unit_test(a_socket_that_hung_up_does_not_keep_the_loop_awake),
		cmocka_unit_test(credit_that_makes_no_sense_is_none),
		cmocka_unit_test(rings_that_lie_stop_the_device_until_a_reset),
		cmocka_unit_test(a_buffer_that_holds_no_payload_stops_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
