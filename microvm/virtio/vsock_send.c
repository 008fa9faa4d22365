/* SPDX-License-Identifier: Apache-2.0 */
/* Packets to the guest. What is to be said is a bit of its connection, and connections with any bit take turns, one
 * packet each. So nothing is ever queued but replies to packets of no connection, and bytes are read from a socket
 * only when there is a buffer of the guest at hand, straight into it. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/table.h"

#include "vsock_parts.h"

struct packet {
	uint32_t host_port, guest_port, length;
	uint16_t type, op;
	uint32_t flags, alloc, forwarded;
};

static void write_header(struct vsock *v, const struct packet *p)
{
	uint8_t bytes[VSOCK_HEADER];
	struct writer w = writer_of(bytes, sizeof(bytes));

	write_u64(&w, VSOCK_HOST_CID);
	write_u64(&w, v->options.guest_cid);
	write_u32(&w, p->host_port);
	write_u32(&w, p->guest_port);
	write_u32(&w, p->length);
	write_u16(&w, p->type);
	write_u16(&w, p->op);
	write_u32(&w, p->flags);
	write_u32(&w, p->alloc);
	write_u32(&w, p->forwarded);
	(void)chain_write(&v->chain, 0, bytes, sizeof(bytes));
	queue_push(&v->device.queue[VSOCK_RX], v->chain.head, VSOCK_HEADER + p->length);
}

uint32_t connection_credit(const struct connection *c)
{
	uint32_t flying = c->sent - c->peer_forwarded;

	return flying < c->peer_alloc ? c->peer_alloc - flying : 0;
}

/* Read from the socket into the buffer at hand.
 * Returns  how much, 0 when there is nothing to be sent. */
static uint32_t fill(struct connection *c)
{
	struct vsock *v = c->vsock;
	size_t most = v->chain.writable_bytes - VSOCK_HEADER, bytes;
	struct msghdr message = {.msg_iov = v->piece};
	ssize_t got;

	if (!connection_reading(c))
		return 0;
	c->starved = connection_credit(c) == 0;
	if (c->starved) {
		connection_want(c, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
		return 0;
	}
	most = most < VSOCK_PAYLOAD ? most : VSOCK_PAYLOAD;
	most = most < connection_credit(c) ? most : connection_credit(c);
	message.msg_iovlen = chain_writable(&v->chain, VSOCK_HEADER, most, v->piece, &bytes);
	got = recvmsg(c->source.fd, &message, MSG_DONTWAIT);
	if (got > 0) {
		/* where it filled the buffer there is probably more */
		if ((size_t)got == bytes)
			connection_want(c, VIRTIO_VSOCK_OP_RW);
		c->sent += (uint32_t)got;
		return (uint32_t)got;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM))
		return 0;
	c->host_shut |= VIRTIO_VSOCK_SHUTDOWN_SEND;
	if (got < 0 || c->hung_up)
		c->host_shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
	connection_want(c, VIRTIO_VSOCK_OP_SHUTDOWN);
	(void)connection_settle(c);
	return 0;
}

/* What goes first. Data comes late, or a busy host would keep the guest from hearing of the rest; with them goes
 * what a CREDIT_UPDATE would say. */
static const uint16_t order[] = {
	VIRTIO_VSOCK_OP_RST,
	VIRTIO_VSOCK_OP_REQUEST,
	VIRTIO_VSOCK_OP_RESPONSE,
	VIRTIO_VSOCK_OP_SHUTDOWN,
	VIRTIO_VSOCK_OP_RW,
	VIRTIO_VSOCK_OP_CREDIT_UPDATE,
	VIRTIO_VSOCK_OP_CREDIT_REQUEST,
};

static uint16_t first_pending(const struct connection *c)
{
	size_t i = 0;

	while (!(c->pending & 1U << order[i]))
		i++;
	return order[i];
}

/* Say one thing for a connection that has some.
 * Returns  whether the buffer at hand was used. */
static bool say(struct connection *c)
{
	struct packet p = {.host_port = c->host_port,
	                   .guest_port = c->guest_port,
	                   .type = VIRTIO_VSOCK_TYPE_STREAM};
	struct link *list = &c->vsock->ready;

	while (c->pending && p.op == 0) {
		p.op = first_pending(c);
		c->pending &= (uint16_t) ~(1U << p.op);
		if (!c->pending)
			list_remove(&c->ready);
		if (p.op == VIRTIO_VSOCK_OP_RW) {
			p.length = fill(c);
			p.op = p.length > 0 ? VIRTIO_VSOCK_OP_RW : 0;
		}
	}
	if (p.op == 0)
		return false;
	if (p.op == VIRTIO_VSOCK_OP_SHUTDOWN)
		p.flags = c->host_shut;
	if (p.op == VIRTIO_VSOCK_OP_RW)
		c->pending &= (uint16_t) ~(1U << VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	p.alloc = c->alloc;
	p.forwarded = c->told = c->forwarded;
	write_header(c->vsock, &p);
	/* to the end of the line, or out of it */
	list_remove(&c->ready);
	if (c->pending)
		list_append(list, &c->ready);
	return true;
}

static void say_reset(struct vsock *v)
{
	const struct vsock_reset *reset = &v->reset[v->reset_start];
	struct packet p = {.host_port = reset->host_port,
	                   .guest_port = reset->guest_port,
	                   .type = reset->type,
	                   .op = VIRTIO_VSOCK_OP_RST};

	v->reset_start = (v->reset_start + 1) % VSOCK_RESETS;
	v->reset_count--;
	write_header(v, &p);
}

/* Take the next buffer of the guest, or ask to be kicked when there is one.
 * Returns  1, 0 when there is none, -1 when the driver has lied. */
static int take_buffer(struct vsock *v)
{
	struct virtio_queue *q = &v->device.queue[VSOCK_RX];
	int result = queue_pop(q, &v->chain);

	while (result == 0 && queue_wait(q))
		result = queue_pop(q, &v->chain);
	return result > 0 && v->chain.writable_bytes <= VSOCK_HEADER ? -1 : result;
}

static void say_something(struct vsock *v)
{
	struct connection *c;

	if (v->reset_count > 0) {
		say_reset(v);
		return;
	}
	c = (struct connection *)(void *)((uint8_t *)v->ready.after -
	                                  offsetof(struct connection, ready));
	if (!say(c))
		queue_unpop(&v->device.queue[VSOCK_RX]);
	if (!c->pending)
		connection_rest(c);
}

void vsock_send(struct vsock *v)
{
	int turns = VSOCK_TURN;

	while (v->reset_count > 0 || !list_empty(&v->ready)) {
		int taken = turns > 0 ? take_buffer(v) : 0;

		if (turns-- == 0)
			vsock_again(v);
		if (taken < 0)
			vsock_stop(v, "a buffer for what it receives is no buffer");
		if (taken <= 0)
			return;
		say_something(v);
	}
	queue_busy(&v->device.queue[VSOCK_RX]);
}
