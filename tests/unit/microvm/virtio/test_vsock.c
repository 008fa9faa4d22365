/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#undef VIRTIO_F_VERSION_1

#include "base/own.h"
#include "tests/unit/cmocka.h"

#include "vsock_guest.h"

enum { EPHEMERAL = 5000, LIMIT_MS = 60000 };

static void the_configuration_is_the_cid(void **state)
{
	struct guest g;
	uint64_t cid = 0;
	uint32_t half = 1;

	(void)state;
	guest_open(&g, 4, LIMIT_MS);
	virtio_mmio_read(g.device, 0x100, &cid, sizeof(cid));
	assert_int_equal(cid, GUEST_CID);
	virtio_mmio_read(g.device, 0x104, &half, sizeof(half));
	assert_int_equal(half, 0);
	virtio_mmio_read(g.device, 0x108, &cid, sizeof(cid));
	assert_int_equal(cid, 0);
	assert_int_equal(driver_read(&g.driver, 0x008), 19);
	guest_close(&g);
}

static void the_agent_connects_once(void **state)
{
	struct guest g;
	struct guest_packet p;
	char text[8];
	int fd;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	fd = guest_agent(&g, EPHEMERAL);
	assert_int_equal(g.agents, 1);
	guest_data(&g, EPHEMERAL, HOST_PORT, "hello", 5);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 5);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(write(fd, "you", 3), 3);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, &p);
	assert_int_equal(p.length, 3);
	assert_memory_equal(p.payload, "you", 3);
	assert_int_equal(p.forwarded, 5);
	guest_op(&g, EPHEMERAL + 1, HOST_PORT, VIRTIO_VSOCK_OP_REQUEST, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, &p);
	assert_int_equal(p.target_port, EPHEMERAL + 1);
	assert_int_equal(p.source_port, HOST_PORT);
	guest_op(&g, EPHEMERAL, HOST_PORT + 1, VIRTIO_VSOCK_OP_REQUEST, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
	assert_int_equal(g.agents, 1);
	guest_close(&g);
}

static void clients_wait_for_the_agent(void **state)
{
	struct guest g;
	struct guest_packet p[2];
	struct error err;
	int pair[2], client;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	client = guest_knock(&g);
	guest_turn(&g);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(vsock_connect(g.device, pair[0], &err), 0);
	guest_expect_nothing(&g);
	(void)guest_agent(&g, EPHEMERAL);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, &p[0]);
	guest_expect(&g, VIRTIO_VSOCK_OP_REQUEST, &p[1]);
	assert_int_equal(p[0].target_port, AGENT_PORT);
	assert_int_not_equal(p[0].source_port, p[1].source_port);
	assert_int_equal(write(client, "a", 1), 1);
	guest_expect_nothing(&g);
	guest_op(&g, AGENT_PORT, p[0].source_port, VIRTIO_VSOCK_OP_RESPONSE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, &p[0]);
	assert_int_equal(p[0].length, 1);
	guest_op(&g, AGENT_PORT, p[1].source_port, VIRTIO_VSOCK_OP_RST, 0);
	assert_int_equal(recv(pair[1], &err, 1, 0), 0); /* refused: the end */
	(void)close(pair[1]);
	(void)close(client);
	guest_close(&g);
}

static void too_many_that_wait_are_sent_away(void **state)
{
	struct guest g;
	struct error err;
	char byte;
	int client[80], gone = 0;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	for (int i = 0; i < 80; i++)
		client[i] = guest_knock(&g);
	for (int i = 0; i < 4; i++)
		guest_turn(&g);
	for (int i = 0; i < 80; i++) {
		ssize_t got = recv(client[i], &byte, 1, 0);

		assert_true(got == 0 || errno == EAGAIN);
		gone += got == 0;
		assert_int_equal(got == 0, i >= 64);
		(void)close(client[i]);
	}
	assert_int_equal(gone, 16);
	assert_int_equal(vsock_connect(g.device, dup(0), &err), -1);
	guest_close(&g);
}

/* A stream of bytes that both sides can make. */
struct stream {
	uint32_t sent, got;
	uint8_t salt;
};

enum { STREAM_BYTES = 10 << 20, CHUNK = 100000 };

static uint8_t byte_at(const struct stream *s, uint32_t at)
{
	return (uint8_t)((at * UINT32_C(2654435761)) >> 24) ^ s->salt;
}

static uint32_t chunk(struct stream *s, uint8_t *to, uint32_t most)
{
	uint32_t length = (uint32_t)rand() % CHUNK + 1;

	if (length > most)
		length = most;
	if (length > STREAM_BYTES - s->sent)
		length = STREAM_BYTES - s->sent;
	for (uint32_t i = 0; i < length; i++)
		to[i] = byte_at(s, s->sent + i);
	return length;
}

static void check(struct stream *s, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != byte_at(s, s->got + (uint32_t)i)) /* an assert each would be slow */
			assert_int_equal(s->got + i, -1);
	s->got += (uint32_t)length;
}

static void host_turn(int fd, struct stream *in, struct stream *out)
{
	static uint8_t bytes[CHUNK];
	uint32_t length = chunk(out, bytes, CHUNK);
	ssize_t done = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done > 0)
		out->sent += (uint32_t)done;
	done = recv(fd, bytes, (size_t)rand() % CHUNK + 1, MSG_DONTWAIT);
	if (done > 0)
		check(in, bytes, (size_t)done);
}

/* The guest's side of a connection: what it may send by what the device said last. */
struct talk {
	uint32_t from, to, forwarded, unread, room;
};

static void guest_hears(struct guest *g, struct talk *t, struct stream *in)
{
	struct guest_packet p;

	while (rand() % 8 && guest_receive(g, &p)) {
		if (p.op == VIRTIO_VSOCK_OP_RW) {
			assert_true(t->unread + p.length <= g->alloc);
			check(in, p.payload, p.length);
			t->unread += p.length;
		} else if (p.op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) {
			t->unread = 0;
		} else {
			assert_int_equal(p.op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		}
		t->room = p.alloc;
		t->forwarded = p.forwarded;
		/* it reads late */
		if (t->unread >= g->alloc / 2 || p.op == VIRTIO_VSOCK_OP_CREDIT_REQUEST) {
			t->unread = 0;
			g->forwarded = in->got;
			guest_op(g, t->from, t->to, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
		}
	}
}

static void guest_speaks(struct guest *g, struct talk *t, struct stream *out)
{
	static uint8_t bytes[CHUNK];
	uint32_t flying = out->sent - t->forwarded, length;

	assert_true(flying <= t->room);
	length = chunk(out, bytes, t->room - flying);
	if (length == 0)
		return;
	guest_data(g, t->from, t->to, bytes, length);
	out->sent += length;
}

static void ten_mebibytes_go_both_ways_at_once(void **state)
{
	struct stream up = {.salt = 0x55}, down = {.salt = 0xaa};
	struct talk talk = {.from = AGENT_PORT};
	struct guest g;
	int client;

	(void)state;
	srand(1);
	guest_open(&g, 32, LIMIT_MS);
	g.alloc = 65536;
	(void)guest_agent(&g, EPHEMERAL);
	client = guest_client(&g, &talk.to);
	talk.room = 1 << 18;
	for (int i = 0; i < 100000 && (up.got < STREAM_BYTES || down.got < STREAM_BYTES); i++) {
		host_turn(client, &up, &down);
		guest_speaks(&g, &talk, &up);
		guest_hears(&g, &talk, &down);
	}
	assert_int_equal(up.got, STREAM_BYTES);
	assert_int_equal(down.got, STREAM_BYTES);
	assert_false(vsock_draining(g.device));
	(void)close(client);
	guest_close(&g);
}

static void without_credit_nothing_is_read_until_there_is_some(void **state)
{
	struct guest g;
	struct guest_packet p;
	uint32_t port;
	int client;

	(void)state;
	guest_open(&g, 8, LIMIT_MS);
	(void)guest_agent(&g, EPHEMERAL);
	g.alloc = 4;
	client = guest_client(&g, &port);
	assert_int_equal(write(client, "123456", 6), 6);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, &p);
	assert_int_equal(p.length, 4);
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_REQUEST, &p);
	guest_expect_nothing(&g);
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0); /* says the same */
	guest_expect_nothing(&g);
	g.forwarded = 1;
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, &p);
	assert_int_equal(p.length, 1);
	assert_memory_equal(p.payload, "5", 1);
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_REQUEST, &p);
	g.forwarded = 5;
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_RW, &p);
	assert_memory_equal(p.payload, "6", 1);
	(void)close(client);
	guest_close(&g);
}

static void a_guest_fills_its_room_and_no_more(void **state)
{
	static uint8_t bytes[1 << 16], back[1 << 16];
	struct guest g;
	struct guest_packet p = {0};
	uint32_t port, sent = 0, got = 0;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	/* the client does not read: what its socket takes and then what was promised */
	guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_UPDATE, &p);
	assert_int_equal(p.alloc, 1 << 18);
	while (p.alloc - (sent - p.forwarded) >= sizeof(bytes)) {
		memset(bytes, (int)(sent >> 16), sizeof(bytes));
		guest_data(&g, AGENT_PORT, port, bytes, sizeof(bytes));
		sent += sizeof(bytes);
		guest_op(&g, AGENT_PORT, port, VIRTIO_VSOCK_OP_CREDIT_REQUEST, 0);
		guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_UPDATE, &p);
	}
	assert_true(vsock_draining(g.device));
	assert_true(sent - p.forwarded <= p.alloc);
	while (got < sent) {
		ssize_t done = recv(client, back, sizeof(back), 0);

		if (done < 0)
			guest_turn(&g);
		for (ssize_t i = 0; i < done; i++)
			assert_int_equal(back[i], (uint8_t)((got + (uint32_t)i) >> 16));
		got += done > 0 ? (uint32_t)done : 0;
	}
	assert_false(vsock_draining(g.device));
	/* the room came back, and the guest was told while it was read */
	guest_expect(&g, VIRTIO_VSOCK_OP_CREDIT_UPDATE, &p);
	while (guest_receive(&g, &p))
		assert_int_equal(p.op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	assert_true(sent - p.forwarded <= p.alloc / 2);
	(void)close(client);
	guest_close(&g);
}

static void more_than_the_credit_ends_only_that_connection(void **state)
{
	static uint8_t bytes[200000];
	struct guest g;
	struct guest_packet p;
	uint32_t port, other;
	int client, neighbour;

	(void)state;
	client = guest_open_with_client(&g, 8, LIMIT_MS, &port);
	neighbour = guest_client(&g, &other);
	for (int i = 0; i < 4; i++)
		guest_data(&g, AGENT_PORT, port, bytes, sizeof(bytes));
	do
		assert_true(guest_receive(&g, &p));
	while (p.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	assert_int_equal(p.op, VIRTIO_VSOCK_OP_RST);
	assert_int_equal(p.source_port, port);
	guest_data(&g, AGENT_PORT, other, "x", 1);
	assert_int_equal(recv(neighbour, bytes, sizeof(bytes), 0), 1);
	guest_data(&g, AGENT_PORT, port, "x", 1);
	guest_expect(&g, VIRTIO_VSOCK_OP_RST, NULL);
	(void)close(client);
	(void)close(neighbour);
	guest_close(&g);
}

static void without_buffers_the_host_waits_and_nothing_is_lost(void **state)
{
	struct guest g;
	struct guest_packet p;
	static uint8_t bytes[1 << 16];
	uint32_t port, got = 0;
	ssize_t sent = 0, done;
	int client;

	(void)state;
	client = guest_open_with_client(&g, 2, LIMIT_MS, &port);
	/* nothing is posted from here on */
	g.manual = true;
	for (int i = 0; i < 20; i++) {
		while ((done = send(client, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
			sent += done;
		guest_turn(&g);
	}
	/* two buffers and a socket full, not more */
	assert_in_range(sent, 2 * GUEST_BUFFER, 2 << 20);
	assert_int_equal(write(g.agent, "late", 4), 4);
	g.manual = false;
	guest_post(&g, 16);
	while (got < sent + 4) {
		assert_true(guest_receive(&g, &p));
		assert_int_equal(p.op, VIRTIO_VSOCK_OP_RW);
		got += p.length;
	}
	guest_expect_nothing(&g);
	(void)close(client);
	guest_close(&g);
}

static void a_driver_without_event_indexes_is_served_too(void **state)
{
	struct guest g;
	struct guest_packet p;
	char byte;
	int fd;

	(void)state;
	guest_open(&g, 4, LIMIT_MS);
	driver_start(&g.driver, 0, 8);
	guest_post(&g, 4);
	fd = guest_agent(&g, EPHEMERAL);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(write(fd, "a", 1), 1);
		guest_expect(&g, VIRTIO_VSOCK_OP_RW, &p);
		guest_data(&g, EPHEMERAL, HOST_PORT, "b", 1);
		assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 1);
	}
	assert_true(driver_interrupts(&g.driver) > 0);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration_is_the_cid),
		cmocka_unit_test(the_agent_connects_once),
		cmocka_unit_test(clients_wait_for_the_agent),
		cmocka_unit_test(too_many_that_wait_are_sent_away),
		cmocka_unit_test(ten_mebibytes_go_both_ways_at_once),
		cmocka_unit_test(without_credit_nothing_is_read_until_there_is_some),
		cmocka_unit_test(a_guest_fills_its_room_and_no_more),
		cmocka_unit_test(more_than_the_credit_ends_only_that_connection),
		cmocka_unit_test(without_buffers_the_host_waits_and_nothing_is_lost),
		cmocka_unit_test(a_driver_without_event_indexes_is_served_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
