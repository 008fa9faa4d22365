/* SPDX-License-Identifier: Apache-2.0 */
/* A connection has two directions, and each may end at either side:
 *
 *   guest -> host is over when the guest has said SHUTDOWN(SEND) and all that it sent before is written, or when
 *                    nobody reads on the host (host_shut has RCV).
 *   host -> guest is over when the socket is at its end (host_shut has SEND), or the guest has said SHUTDOWN(RCV).
 *
 * Once both are over the socket is closed. Who closes says SHUTDOWN with both flags, and the other one answers by
 * RST: after the guest's we answer at once (ENDED), after ours we wait until a limit (CLOSING). Spec: 5.10.6.6.
 *
 * The loop tells us of a hangup whether we ask or not, and does not stop. So a socket whose peer is gone is only
 * watched while we wait for something of it; before we know that, it is always watched. */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "vsock_parts.h"

static struct connection **bucket_of(const struct vsock *v, uint32_t host_port, uint32_t guest_port)
{
	/* our ports are given out in order: that alone spreads them */
	uint32_t mixed = (host_port ^ guest_port * UINT32_C(0x9e3779b1)) & (VSOCK_BUCKETS - 1);

	return (struct connection **)(uintptr_t)&v->bucket[mixed];
}

struct connection *connection_find(const struct vsock *v, uint32_t host_port, uint32_t guest_port)
{
	struct connection *c = *bucket_of(v, host_port, guest_port);

	while (c && (c->host_port != host_port || c->guest_port != guest_port))
		c = c->next;
	return c;
}

/* Take it out of the table; content when it is not there. */
static void unlist(struct connection *c)
{
	struct connection **at = bucket_of(c->vsock, c->host_port, c->guest_port);

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	c->next = NULL;
}

bool connection_reading(const struct connection *c)
{
	return c->state == CONNECTION_OPEN && !(c->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) &&
	       !(c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV);
}

static void unregister(struct connection *c)
{
	struct error err;

	if (c->registered && loop_remove(c->vsock->loop, &c->source, &err) < 0)
		log_debug("vsock: %s: %s", err.object, err.reason);
	c->registered = false;
	c->watched = 0;
}

static void close_socket(struct connection *c)
{
	unregister(c);
	fd_release(&c->source.fd);
	c->source.fd = -1;
	backlog_release(&c->backlog);
}

void connection_watch(struct connection *c)
{
	struct loop *loop = c->vsock->loop;
	uint32_t events = c->backlog.length > 0 ? EPOLLOUT : 0;
	struct error err;
	int result = 0;

	if (c->source.fd < 0)
		return;
	if (connection_reading(c) && !c->starved && !(c->pending & 1U << VIRTIO_VSOCK_OP_RW))
		events |= EPOLLIN;
	if (events == 0 && c->hung_up) {
		unregister(c);
		return;
	}
	if (!c->registered)
		result = loop_add(loop, &c->source, events, &err);
	else if (c->watched != events)
		result = loop_change(loop, &c->source, events, &err);
	if (result < 0) {
		/* nothing would wake it up any more but the timer, which ends it */
		log_debug("vsock: %s: %s", err.object, err.reason);
		connection_limit(c);
		return;
	}
	c->registered = true;
	c->watched = events;
}

/* Write what is kept.
 * Returns  whether it is still open; else it may be freed. */
static bool flush(struct connection *c)
{
	ssize_t sent = backlog_send(&c->backlog, c->source.fd);
	bool ended = c->state == CONNECTION_ENDED;

	if (sent < 0) {
		connection_lost(c);
		return false;
	}
	if (!ended)
		connection_forwarded(c, (uint32_t)sent);
	if (c->backlog.length > 0)
		return true;
	if (!ended)
		return connection_settle(c);
	close_socket(c);
	if (!c->pending)
		connection_rest(c);
	return false;
}

static int ready(struct loop_source *source, uint32_t events, struct error *err)
{
	struct connection *c = source->data;
	struct vsock *v = c->vsock;

	(void)err;
	if (events & (EPOLLHUP | EPOLLERR))
		c->hung_up = true;
	if (c->backlog.length > 0 && !flush(c)) {
		vsock_run(v);
		return 0;
	}
	if (c->hung_up && c->state == CONNECTION_OPEN && !connection_reading(c)) {
		connection_lost(c);
		vsock_run(v);
		return 0;
	}
	/* what is pending already has found no buffer: then it is no longer asked for here */
	if ((events & ~(uint32_t)EPOLLOUT) && connection_reading(c) && !c->starved &&
	    !(c->pending & 1U << VIRTIO_VSOCK_OP_RW))
		connection_want(c, VIRTIO_VSOCK_OP_RW);
	else
		connection_watch(c);
	vsock_run(v);
	return 0;
}

struct connection *connection_new(struct vsock *v, int fd, uint32_t host_port, uint32_t guest_port)
{
	struct connection **bucket = bucket_of(v, host_port, guest_port);
	struct connection *c = v->count < VSOCK_CONNECTIONS ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->vsock = v;
	c->source = (struct loop_source){fd, ready, c};
	c->state = CONNECTION_REQUESTED;
	c->host_port = host_port;
	c->guest_port = guest_port;
	c->alloc = v->large < VSOCK_LARGE ? VSOCK_ALLOC_LARGE : VSOCK_ALLOC_SMALL;
	v->large += c->alloc == VSOCK_ALLOC_LARGE;
	v->count++;
	c->next = *bucket;
	*bucket = c;
	return c;
}

void connection_free(struct connection *c)
{
	close_socket(c);
	list_remove(&c->ready);
	list_remove(&c->timed);
	unlist(c);
	c->vsock->count--;
	c->vsock->large -= c->alloc == VSOCK_ALLOC_LARGE;
	free(c);
}

void connection_want(struct connection *c, unsigned int op)
{
	if (!c->pending)
		list_append(&c->vsock->ready, &c->ready);
	c->pending |= (uint16_t)(1U << op);
}

void connection_rest(struct connection *c)
{
	if (c->state != CONNECTION_ENDED) {
		connection_watch(c);
	} else if (c->backlog.length == 0) {
		connection_free(c);
	} else {
		/* the guest knows it no longer and may use its ports again */
		unlist(c);
		list_append(&c->vsock->drains, &c->ready);
		connection_watch(c);
	}
}

/* What it wrote and nobody will read is taken out before its socket is closed: else its peer would see an error
 * instead of the end. No more comes once reading is shut down. */
static void discard(int fd)
{
	uint8_t bytes[4096];
	int rounds = 256;

	(void)shutdown(fd, SHUT_RD);
	while (rounds-- > 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

void connection_end(struct connection *c, bool tell)
{
	bool drains = (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) && c->backlog.length > 0;

	if (c->pending & 1U << VIRTIO_VSOCK_OP_REQUEST)
		tell = false; /* it has never heard of it */
	list_remove(&c->timed);
	list_remove(&c->ready);
	c->pending = 0;
	if (c->source.fd >= 0 && c->guest_shut == VSOCK_BOTH)
		discard(c->source.fd);
	if (!drains)
		close_socket(c);
	c->state = CONNECTION_ENDED;
	if (!tell) {
		connection_rest(c);
		return;
	}
	connection_want(c, VIRTIO_VSOCK_OP_RST);
	connection_watch(c);
}

void connection_lost(struct connection *c)
{
	uint32_t dropped = c->backlog.length;

	backlog_release(&c->backlog);
	if (c->state == CONNECTION_ENDED) {
		close_socket(c);
		if (!c->pending)
			connection_rest(c);
		return;
	}
	c->host_shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
	connection_want(c, VIRTIO_VSOCK_OP_SHUTDOWN);
	connection_forwarded(c, dropped);
	(void)connection_settle(c);
}

bool connection_settle(struct connection *c)
{
	bool written, from_guest_over, to_guest_over;

	if (c->state != CONNECTION_OPEN)
		return false;
	if (c->guest_shut == VSOCK_BOTH) {
		connection_end(c, true);
		return false;
	}
	written = (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) && c->backlog.length == 0;
	if (written)
		(void)shutdown(c->source.fd, SHUT_WR);
	from_guest_over = written || (c->host_shut & VIRTIO_VSOCK_SHUTDOWN_RCV);
	to_guest_over = (c->host_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) ||
	                (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV);
	if (!from_guest_over || !to_guest_over) {
		connection_watch(c);
		return true;
	}
	if (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)
		discard(c->source.fd);
	close_socket(c);
	c->state = CONNECTION_CLOSING;
	c->host_shut = VSOCK_BOTH;
	connection_want(c, VIRTIO_VSOCK_OP_SHUTDOWN);
	connection_limit(c);
	return false;
}

void connection_forwarded(struct connection *c, uint32_t bytes)
{
	uint32_t gained, known;

	c->forwarded += bytes;
	gained = c->forwarded - c->told;
	known = c->alloc - (c->received - c->told);
	if (gained > 0 && known < c->alloc / 2 &&
	    (gained >= c->alloc / 8 || c->backlog.length == 0))
		connection_want(c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}
