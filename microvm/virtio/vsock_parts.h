/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_VSOCK_PARTS_H
#define MICROVM_VIRTIO_VSOCK_PARTS_H

/* What the files vsock*.c share. The theory of operation is in vsock.c. */

#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#undef VIRTIO_F_VERSION_1 /* the kernel's is the number of the bit, virtio.h has its value */

#include "base/loop.h"

#include "queue.h"
#include "virtio.h"
#include "vsock.h"

enum {
	VSOCK_RX,
	VSOCK_TX,
	VSOCK_EVENT,
	VSOCK_QUEUES,
};

enum {
	VSOCK_HOST_CID = 2,
	VSOCK_HEADER = 44,           /* bytes of a packet's header */
	VSOCK_PAYLOAD = 64 << 10,    /* at most, in a packet of ours */
	VSOCK_CONNECTIONS = 1024,    /* alive at a time, those that drain too */
	VSOCK_BUCKETS = 1024,        /* a power of two */
	VSOCK_WAITING = 64,          /* sockets that wait for the agent */
	VSOCK_RESETS = 256,          /* replies to packets that belong to no connection */
	VSOCK_ALLOC_LARGE = 1 << 18, /* what the guest may send ahead, */
	VSOCK_ALLOC_SMALL = 1 << 14, /* once there are this many with the large one: */
	VSOCK_LARGE = 64,
	VSOCK_QUEUE_SIZE = 256,
	VSOCK_TURN = 1024, /* packets each way before others get a turn */
	VSOCK_BOTH = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND,
};
_Static_assert(sizeof(struct virtio_vsock_hdr) == VSOCK_HEADER, "the header's size");

/* --- lists: a link is in one list, or in none --- */

struct link {
	struct link *before, *after;
};

static inline void list_init(struct link *head)
{
	head->before = head->after = head;
}

static inline bool list_empty(const struct link *head)
{
	return head->after == head;
}

static inline void list_append(struct link *head, struct link *link)
{
	link->before = head->before;
	link->after = head;
	head->before->after = link;
	head->before = link;
}

/* Content when it is in none. */
static inline void list_remove(struct link *link)
{
	if (!link->after)
		return;
	link->before->after = link->after;
	link->after->before = link->before;
	link->before = link->after = NULL;
}

/* --- vsock_backlog.c: what a socket could not take at once --- */

/* Bytes in a circle; memory only while there are any. All zero: empty. */
struct backlog {
	uint8_t *bytes;
	uint32_t size, start, length;
};

/* Take length bytes in that lie `offset` behind the beginning of a chain.
 * Returns  false without memory, or when the chain is shorter. */
bool backlog_append(struct backlog *b, const struct virtio_chain *chain, size_t offset,
                    uint32_t length);

/* Write to a socket as much as it takes now.
 * Returns  how much that was, or -1 when nobody will ever read there. */
ssize_t backlog_send(struct backlog *b, int fd);

void backlog_release(struct backlog *b);

/* --- connections --- */

enum connection_state {
	CONNECTION_REQUESTED, /* by us; the guest has not answered */
	CONNECTION_OPEN,
	CONNECTION_CLOSING, /* nothing more can be said; waits for the guest's RST, until a limit */
	CONNECTION_ENDED,   /* an RST is still to be sent, or bytes wait for a slow reader */
	CONNECTION_STATES,
};

struct connection {
	struct vsock *vsock;
	struct loop_source source; /* .fd is owned, -1 once closed */
	struct connection *next;   /* of its bucket */
	struct link ready;         /* in vsock.ready while pending, or in vsock.drains */
	struct link timed;         /* in vsock.timed */
	uint64_t deadline_ms;
	enum connection_state state;
	uint32_t host_port, guest_port;
	uint32_t watched; /* events of epoll that we wait for */
	bool registered;  /* with the loop */
	bool hung_up;     /* the peer on the host is gone; what it left may still be read */
	bool starved;     /* there may be bytes for the guest, but it has no room */
	/* What is to be sent to the guest: a bit (1 << VIRTIO_VSOCK_OP_x) each. RW: try to read the socket. */
	uint16_t pending;
	/* VIRTIO_VSOCK_SHUTDOWN_x: what the guest said, and what we say */
	uint32_t guest_shut, host_shut;
	/* credit; free-running as in the headers */
	uint32_t sent, peer_alloc, peer_forwarded; /* to the guest */
	uint32_t alloc, received, forwarded, told; /* from the guest */
	struct backlog backlog;                    /* received and not forwarded */
};

struct vsock_reset {
	uint32_t host_port, guest_port;
	uint16_t type;
};

struct vsock {
	struct virtio_device device;
	struct vsock_options options;
	struct loop *loop;
	struct loop_source listener, timer, again; /* the last two .fd are owned */
	bool listener_rests;                       /* no descriptors left: the timer wakes it up */
	bool agent;                                /* is up */
	bool running;                              /* vsock_run() is on the stack */
	bool stopped;                              /* the driver has lied; until a reset */
	bool held;                                 /* tx rests until there is room in resets */
	bool event;                                /* a TRANSPORT_RESET is to be told */
	uint32_t next_port;
	unsigned int count, large;
	struct connection *bucket[VSOCK_BUCKETS];
	struct link ready, timed, drains;
	int waiting[VSOCK_WAITING];
	unsigned int waiting_count;
	struct vsock_reset reset[VSOCK_RESETS]; /* a circle */
	unsigned int reset_start, reset_count;
	/* scratch */
	struct virtio_chain chain;
	struct iovec piece[QUEUE_SIZE_MAX];
};

/* --- vsock.c --- */

/* Move packets both ways until nothing is left to do, or others should have a turn. Does nothing where it is on
 * the stack already: whoever is there goes on. No connection may be believed alive behind it. */
void vsock_run(struct vsock *v);

/* Go on at the loop's next turn. */
void vsock_again(struct vsock *v);

/* The driver has lied: serve it no longer. All connections end. */
void vsock_stop(struct vsock *v, const char *why);

/* The guest has asked for a connection from this port.
 * Returns  whether it has one. */
bool vsock_agent(struct vsock *v, uint32_t guest_port, uint32_t alloc, uint32_t forwarded);

/* --- vsock_host.c: who comes from the host --- */

int vsock_listen(struct vsock *v, struct error *err) FALLIBLE;
/* Those who waited for the agent become connections. */
void vsock_admit(struct vsock *v);
/* Close those who still wait. */
void vsock_dismiss(struct vsock *v);
/* The listener had to rest: try again. */
void vsock_listen_again(struct vsock *v);

/* --- vsock_timer.c --- */

int vsock_timer_open(struct vsock *v, struct error *err) FALLIBLE;
/* Arm it for what comes first. */
void vsock_timer_arm(struct vsock *v);
/* Give a connection until the limit from now on. */
void connection_limit(struct connection *c);

/* --- vsock_send.c, vsock_receive.c: the two rings --- */

void vsock_send(struct vsock *v);
void vsock_receive(struct vsock *v);

/* How many bytes the guest can take. */
uint32_t connection_credit(const struct connection *c);

/* --- vsock_connection.c --- */

/* A new connection of a socket (taken on success); NULL when there are too many or no memory. */
struct connection *connection_new(struct vsock *v, int fd, uint32_t host_port, uint32_t guest_port);
struct connection *connection_find(const struct vsock *v, uint32_t host_port, uint32_t guest_port);
void connection_free(struct connection *c);

/* Whether what the socket has is still for the guest. */
bool connection_reading(const struct connection *c);

/* Have a packet sent: VIRTIO_VSOCK_OP_x. */
void connection_want(struct connection *c, unsigned int op);

/* Have the loop watch for what matters now. */
void connection_watch(struct connection *c);

/* Nobody on the host will read any more. Frees the connection when that was all. */
void connection_lost(struct connection *c);

/* End it: with tell, the guest gets an RST. What the guest sent before it was done is still given to the
 * reader on the host. May free it. */
void connection_end(struct connection *c, bool tell);

/* After something has ended on either side: tell the sides, and close where both are done. May free it.
 * Returns  whether it is still open. */
bool connection_settle(struct connection *c);

/* After bytes were forwarded: tell the guest where it needs to know. */
void connection_forwarded(struct connection *c, uint32_t bytes);

/* Nothing is pending any longer: watch, drain or free it. */
void connection_rest(struct connection *c);

#endif
