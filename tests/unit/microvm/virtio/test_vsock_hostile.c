/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/virtio_vsock.h>
#include <sys/socket.h>
#include <unistd.h>

#undef VIRTIO_F_VERSION_1

#include "tests/unit/cmocka.h"

#include "vsock_guest.h"

/* Guests that say what makes no sense. */

enum { EPHEMERAL = 5000, LIMIT_MS = 60000 };
enum { RX, TX };

static const struct guest_packet good = {GUEST_CID, HOST_CID, AGENT_PORT,          0,
                                         1,         1,        VIRTIO_VSOCK_OP_RW,  0,
                                         1 << 20,   0,        (const uint8_t *)"x"};

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
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
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
		guest_assert_alive(&g, client, port);
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
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	buffer[0].address = buffer[1].address = g.packet;
	for (int i = 0; i < 3; i++) {
		/* short, short with room to write, only room to write */
		assert_true(driver_add(&g.driver, TX, buffer + i / 2, i == 1 ? 2 : 1) >= 0);
		driver_kick(&g.driver, TX);
		assert_true(driver_used(&g.driver, TX, NULL) >= 0);
	}
	guest_expect_nothing(&g);
	guest_assert_alive(&g, client, port);
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
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	guest_assert_alive(&g, client, port); /* leaves a good packet at g.packet */
	for (at = 0; at < 45; at++)
		piece[at] = (struct driver_buffer){g.packet + at, 1, false};
	assert_true(driver_add(&g.driver, TX, piece, 45) >= 0);
	driver_kick(&g.driver, TX);
	assert_int_equal(recv(client, &at, 2, MSG_DONTWAIT), 1);
	(void)close(client);
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

		client = guest_open_with_client(&g, 3, LIMIT_MS, &port);
		g.manual = true;
		driver_descriptor(&g.driver, queue, 200, &nowhere, 0, 0);
		driver_offer(&g.driver, queue, 200);
		for (int i = 0; i < 4; i++) {
			(void)send(client, "x", 1, MSG_NOSIGNAL);
			guest_turn(&g);
		}
		driver_write(&g.driver, 0x050, queue);
		assert_true(driver_needs_reset(&g.driver));
		assert_true(recv(client, &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
		guest_assert_idle(&g);
		guest_start(&g, 8);
		(void)guest_agent(&g, EPHEMERAL);
		(void)close(client);
		client = guest_client(&g, &port);
		guest_assert_alive(&g, client, port);
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
	assert_true(driver_needs_reset(&g.driver));
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
		cmocka_unit_test(credit_that_makes_no_sense_is_none),
		cmocka_unit_test(rings_that_lie_stop_the_device_until_a_reset),
		cmocka_unit_test(a_buffer_that_holds_no_payload_stops_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
