/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the guest. The header is copied once and checked against the connection's state by a table; payload
 * goes from the ring into the socket, and what that does not take into the backlog. A packet that does not fit
 * its connection ends it by RST; the other connections don't notice. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"

#include "vsock_parts.h"

enum { OPS = VIRTIO_VSOCK_OP_CREDIT_REQUEST + 1 };

struct packet {
	uint64_t source, target;
	uint32_t guest_port, host_port, length;
	uint16_t type, op;
	uint32_t flags, alloc, forwarded;
};

typedef void handler(struct connection *c, const struct packet *p);

static void ignore(struct connection *c, const struct packet *p)
{
	(void)c;
	(void)p;
}

/* Not now: whoever speaks so does not know what it does. */
static void refuse(struct connection *c, const struct packet *p)
{
	(void)p;
	connection_end(c, true);
}

static void gone(struct connection *c, const struct packet *p)
{
	(void)p;
	connection_end(c, false);
}

static void opened(struct connection *c, const struct packet *p)
{
	(void)p;
	c->state = CONNECTION_OPEN;
	list_remove(&c->timed);
	connection_watch(c);
}

static void shut(struct connection *c, const struct packet *p)
{
	c->guest_shut |= p->flags & VSOCK_BOTH;
	if (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		(void)shutdown(c->source.fd, SHUT_RD);
		c->starved = false;
	}
	(void)connection_settle(c);
}

/* Our SHUTDOWN and the guest's have met: the guest waits for an RST as we do. */
static void shut_too(struct connection *c, const struct packet *p)
{
	c->guest_shut |= p->flags & VSOCK_BOTH;
	if (c->guest_shut == VSOCK_BOTH)
		connection_end(c, true);
}

static void tell(struct connection *c, const struct packet *p)
{
	(void)p;
	connection_want(c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

/* Write payload straight to the socket.
 * Returns  how much it took, or -1 when nobody will read it. */
static ssize_t pass_on(struct connection *c, uint32_t length)
{
	struct vsock *v = c->vsock;
	struct msghdr message = {.msg_iov = v->piece};
	size_t bytes;
	ssize_t sent;

	message.msg_iovlen = chain_readable(&v->chain, VSOCK_HEADER, length, v->piece, &bytes);
	sent = sendmsg(c->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM ? 0 : -1;
}

static void data(struct connection *c, const struct packet *p)
{
	const struct virtio_chain *chain = &c->vsock->chain;
	bool first = c->backlog.length == 0;
	ssize_t sent = 0;
	uint32_t rest;

	if (p->length > chain->readable_bytes - VSOCK_HEADER ||
	    p->length > c->alloc - c->backlog.length ||
	    (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)) {
		connection_end(c, true);
		return;
	}
	if (p->length == 0)
		return;
	c->received += p->length;
	if (c->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		connection_forwarded(c, p->length);
		return;
	}
	if (first)
		sent = pass_on(c, p->length);
	if (sent < 0) {
		connection_forwarded(c, p->length);
		connection_lost(c);
		return;
	}
	rest = p->length - (uint32_t)sent;
	if (rest > 0 && !backlog_append(&c->backlog, chain, VSOCK_HEADER + (size_t)sent, rest)) {
		connection_end(c, true);
		return;
	}
	connection_forwarded(c, (uint32_t)sent);
	if (first && rest > 0)
		connection_watch(c);
}

/* clang-format off */
static handler *const handlers[CONNECTION_STATES][OPS] = {
	/*                          INVALID REQUEST RESPONSE RST   SHUTDOWN  RW      CREDIT_UPDATE, _REQUEST */
	[CONNECTION_REQUESTED] = {  refuse, refuse, opened,  gone, refuse,   refuse, refuse,        refuse },
	[CONNECTION_OPEN]      = {  refuse, refuse, refuse,  gone, shut,     data,   ignore,        tell   },
	[CONNECTION_CLOSING]   = {  ignore, ignore, ignore,  gone, shut_too, ignore, ignore,        ignore },
	[CONNECTION_ENDED]     = {  ignore, ignore, ignore,  gone, ignore,   ignore, ignore,        ignore },
};
/* clang-format on */

/* What the guest says about its room goes with each packet. */
static void take_credit(struct connection *c, const struct packet *p)
{
	c->peer_alloc = p->alloc;
	c->peer_forwarded = p->forwarded;
	if (!c->starved || connection_credit(c) == 0)
		return;
	c->starved = false;
	connection_want(c, VIRTIO_VSOCK_OP_RW);
}

static void reply_reset(struct vsock *v, const struct packet *p)
{
	unsigned int end = (v->reset_start + v->reset_count) % VSOCK_RESETS;

	if (p->op == VIRTIO_VSOCK_OP_RST)
		return;
	v->reset[end] = (struct vsock_reset){p->host_port, p->guest_port, p->type};
	v->reset_count++;
}

/* Copy the header out of the chain.
 * Returns  false when there is none. */
static bool read_header(const struct virtio_chain *chain, struct packet *ret)
{
	uint8_t bytes[VSOCK_HEADER];
	struct reader r = reader_of(bytes, chain_read(chain, 0, bytes, sizeof(bytes)));

	ret->source = read_u64(&r);
	ret->target = read_u64(&r);
	ret->guest_port = read_u32(&r);
	ret->host_port = read_u32(&r);
	ret->length = read_u32(&r);
	ret->type = read_u16(&r);
	ret->op = read_u16(&r);
	ret->flags = read_u32(&r);
	ret->alloc = read_u32(&r);
	ret->forwarded = read_u32(&r);
	return !r.failed;
}

static void dispatch(struct vsock *v)
{
	struct connection *c;
	struct packet p;

	/* nobody else lives on this machine, and the guest has one address: the rest is for nobody */
	if (!read_header(&v->chain, &p) || p.source != v->options.guest_cid ||
	    p.target != VSOCK_HOST_CID)
		return;
	c = connection_find(v, p.host_port, p.guest_port);
	if (c && p.type == VIRTIO_VSOCK_TYPE_STREAM) {
		if (c->state == CONNECTION_OPEN || c->state == CONNECTION_REQUESTED)
			take_credit(c, &p);
		handlers[c->state][p.op < OPS ? p.op : VIRTIO_VSOCK_OP_INVALID](c, &p);
		return;
	}
	if (p.type != VIRTIO_VSOCK_TYPE_STREAM || p.op != VIRTIO_VSOCK_OP_REQUEST ||
	    p.host_port != v->options.host_port || v->agent ||
	    !vsock_agent(v, p.guest_port, p.alloc, p.forwarded))
		reply_reset(v, &p);
}

void vsock_receive(struct vsock *v)
{
	struct virtio_queue *q = &v->device.queue[VSOCK_TX];
	int turns = VSOCK_TURN, taken;

	queue_busy(q);
	/* what can't be answered is not taken: the guest has to read first */
	while (v->reset_count < VSOCK_RESETS) {
		if (turns-- == 0) {
			vsock_again(v);
			return;
		}
		taken = queue_pop(q, &v->chain);
		if (taken < 0)
			vsock_stop(v, "what it sends is no ring");
		if (taken < 0 || (taken == 0 && !queue_wait(q)))
			return;
		if (taken == 0)
			continue;
		dispatch(v);
		queue_push(q, v->chain.head, 0);
	}
	v->held = true;
}
