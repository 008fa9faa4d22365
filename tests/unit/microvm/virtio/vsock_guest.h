/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MICROVM_VIRTIO_VSOCK_GUEST_H
#define TESTS_UNIT_MICROVM_VIRTIO_VSOCK_GUEST_H

/* A guest with a vsock device, and the host around it, for the tests of vsock. */

#include "base/loop.h"

#include "driver.h"

enum { GUEST_CID = 3, HOST_CID = 2, AGENT_PORT = 7, HOST_PORT = 9, GUEST_BUFFER = 4096 };

struct guest_packet {
	uint64_t source, target;
	uint32_t source_port, target_port, length;
	uint16_t type, op;
	uint32_t flags, alloc, forwarded;
	const uint8_t *payload; /* until the next guest_receive() */
};

struct guest {
	struct driver driver;
	struct virtio_device *device;
	struct loop *loop;
	struct loop_source stopper, limit;
	int turns; /* until the loop stops */
	int listener;
	char path[108];
	int agent, agents; /* what agent_up() gave last, how often */
	uint64_t packet;   /* where what we send is built */
	uint64_t buffer;   /* where what we receive is */
	uint16_t posted;   /* buffers that are to be there */
	int in_use;        /* head of the buffer that the test reads, or -1 */
	bool manual;       /* the test posts buffers itself */
	/* what each packet says unless the test does */
	uint32_t alloc, forwarded;
};

/* A running guest with `buffers` for rx; limit_ms as in struct vsock_options. */
void guest_open(struct guest *g, uint16_t buffers, unsigned int limit_ms);
void guest_close(struct guest *g);
/* Start it (again): the device is reset, and buffers are posted. */
void guest_start(struct guest *g, uint16_t buffers);

/* Post this many more buffers for rx, and kick. */
void guest_post(struct guest *g, uint16_t buffers);

/* Let the loop handle what there is. */
void guest_turn(struct guest *g);
/* Let it run for that long. */
void guest_wait(struct guest *g, unsigned int ms);

/* Send a packet, `length` bytes of payload behind it. */
void guest_say(struct guest *g, const struct guest_packet *p, uint32_t length);
/* From a port of the guest to one of the host, with no payload. */
void guest_op(struct guest *g, uint32_t from, uint32_t to, uint16_t op, uint32_t flags);
void guest_data(struct guest *g, uint32_t from, uint32_t to, const void *bytes, uint32_t length);

/* The next packet of the device, after as many turns as it takes.
 * Returns  false when there is none. */
bool guest_receive(struct guest *g, struct guest_packet *ret);
/* The same; it must be this op. */
void guest_expect(struct guest *g, uint16_t op, struct guest_packet *ret);
void guest_expect_nothing(struct guest *g);

/* Connect as the agent does. Returns the owner's end. */
int guest_agent(struct guest *g, uint32_t from);
/* A client on the host, connected to the agent; *ret_port is the host's port. */
int guest_client(struct guest *g, uint32_t *ret_port);
/* All of it: a running guest whose agent has connected, and a client. Returns the client's end. */
int guest_open_with_client(struct guest *g, uint16_t buffers, unsigned int limit_ms,
                           uint32_t *ret_port);
/* A client that only connects to the listening socket. */
int guest_knock(const struct guest *g);

/* The loop sleeps: nothing that it watches calls for nothing. */
void guest_assert_idle(struct guest *g);
/* The device works, and what the guest sends to this port comes out at the client. */
void guest_assert_alive(struct guest *g, int client, uint32_t port);

#endif
