/* SPDX-License-Identifier: Apache-2.0 */
/* Frames go from the tap into the guest's buffers and back with one call each and no copy of ours; the header in front
 * of each is the same on both sides.
 *
 * The tap doesn't say how large its next frame is, and cuts what doesn't fit. So buffers are gathered until the largest
 * frame fits (what there may be depends on the features that the guest took), with a few bytes of ours behind them: a
 * frame that reaches those was too large. What a frame did not need stays gathered for the next one; at the end of the
 * turn it goes back, so that between turns nothing is held.
 *
 * A guest without enough buffers is asked for a kick, and the tap is not watched until then. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/pieces.h"
#include "base/table.h"

#include "net.h"
#include "turn.h"

enum {
	RECEIVE = 0,
	TRANSMIT = 1,
	QUEUES = 2,
	SIZE = 256,
	HEADER = sizeof(struct virtio_net_hdr_v1),
	FRAME_MIN = 14,    /* Ethernet's header */
	FRAME_MAX = 65550, /* that and a packet of 64 KiB */
	MTU_MIN = 68,
	MTU_USUAL = 1500,
	CHAINS = 64, /* gathered at once: the largest frame in buffers of 1 KiB */
	PIECES = QUEUE_SIZE_MAX - 1,
	TURN = 128, /* frames, or 16 KiB of them */
};

#define FEATURE(bit) (UINT64_C(1) << (bit))

/* Chains of the guest for frames to come, in their order, and their bytes in one run. */
struct gathered {
	size_t chains, pieces, bytes;
	uint16_t head[CHAINS];
	size_t chain_bytes[CHAINS], chain_pieces[CHAINS];
	struct iovec piece[PIECES + 1]; /* the last is where too much shows */
};

struct net {
	struct virtio_device device;
	struct loop *loop;
	struct loop_source tap; /* .fd is owned */
	bool watched;
	struct virtio_chain chain;
	struct gathered gathered; /* empty between turns */
	uint8_t mac[6];
	uint16_t mtu;
	bool down; /* the tap is gone */
};

/* What the guest can take from the tap as it is. */
static const struct offload {
	uint64_t needs;
	unsigned int flag;
} offloads[] = {
	{FEATURE(VIRTIO_NET_F_GUEST_CSUM),                                    TUN_F_CSUM},
	{FEATURE(VIRTIO_NET_F_GUEST_CSUM) | FEATURE(VIRTIO_NET_F_GUEST_TSO4), TUN_F_TSO4},
	{FEATURE(VIRTIO_NET_F_GUEST_CSUM) | FEATURE(VIRTIO_NET_F_GUEST_TSO6), TUN_F_TSO6},
};

static unsigned int tap_offloads(const struct net *n)
{
	unsigned int flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++)
		if ((n->device.accepted & offloads[i].needs) == offloads[i].needs)
			flags |= offloads[i].flag;
	return flags;
}

/* The largest frame that may come, with its header, but for one with a VLAN's tag: a guest that has buffers of exactly
 * this size (5.1.6.3.1) would wait for a second one in vain. */
static size_t largest(const struct net *n)
{
	size_t mtu = n->mtu > MTU_USUAL ? n->mtu : MTU_USUAL;

	return HEADER + (tap_offloads(n) & (TUN_F_TSO4 | TUN_F_TSO6) ? FRAME_MAX : FRAME_MIN + mtu);
}

static void watch(struct net *n, bool wanted)
{
	struct error err;

	if (wanted == n->watched)
		return;
	if ((wanted ? loop_add(n->loop, &n->tap, EPOLLIN, &err)
	            : loop_remove(n->loop, &n->tap, &err)) < 0)
		log_dropped("network card", &err);
	else
		n->watched = wanted;
}

static void link_down(struct net *n, const char *why)
{
	log_debug("virtio net: the tap: %s", why);
	watch(n, false);
	n->down = true;
	virtio_config_changed(&n->device);
}

/* Add a chain of the guest to what is gathered.
 * Returns  false when there is no room for all of it. */
static bool gather(struct gathered *g, const struct virtio_chain *chain)
{
	size_t count = chain->writable;

	if (g->pieces + count > PIECES && g->chains > 0)
		return false;
	count = count < PIECES ? count : PIECES;
	g->head[g->chains] = chain->head;
	g->chain_pieces[g->chains] = count;
	g->chain_bytes[g->chains] = 0;
	for (size_t i = 0; i < count; i++) {
		g->piece[g->pieces + i] = chain->buffer[chain->readable + i];
		g->chain_bytes[g->chains] += chain->buffer[chain->readable + i].iov_len;
	}
	g->bytes += g->chain_bytes[g->chains];
	g->pieces += count;
	g->chains++;
	return true;
}

/* Whether more may be gathered: not where that is of no use, or there can't be more. */
static bool wants_more(const struct net *n)
{
	const struct gathered *g = &n->gathered;
	size_t most = n->device.accepted & FEATURE(VIRTIO_NET_F_MRG_RXBUF) ? CHAINS : 1;
	const struct virtio_queue *q = &n->device.queue[RECEIVE];
	bool whole_ring = g->chains >= q->size || (!q->indirect && g->pieces >= q->size);

	return g->bytes < largest(n) && g->chains < most && g->pieces < PIECES && !whole_ring;
}

/* Gather what there is, or as much as is needed. A chain that can't even hold a header goes back as it is.
 * Returns  whether a frame may be read; otherwise the guest will kick, or all is spent. */
static bool gather_enough(struct net *n, unsigned int *left)
{
	struct virtio_queue *q = &n->device.queue[RECEIVE];
	struct gathered *g = &n->gathered;

	while (wants_more(n)) {
		int taken = queue_pop(q, &n->chain);

		if (taken < 0)
			return false;
		if (taken == 0 && !queue_wait(q))
			return false;
		if (taken == 0)
			continue;
		if (n->chain.writable_bytes >= HEADER) {
			if (gather(g, &n->chain))
				continue;
			queue_unpop(q);
			return true;
		}
		/* given back in the order in which they came: before it, nothing may be held */
		if (g->chains > 0) {
			queue_unpop(q);
			return true;
		}
		queue_push(q, n->chain.head, 0);
		if (--*left == 0)
			return false;
	}
	return true;
}

/* Give the chains that a frame fills to the guest, all at once; keep the others. */
static void hand_over(struct net *n, size_t frame)
{
	struct virtio_queue *q = &n->device.queue[RECEIVE];
	struct gathered *g = &n->gathered;
	size_t used = 0, pieces = 0, left = frame;
	uint8_t number[2];

	for (size_t covered = 0; covered < frame; used++)
		covered += g->chain_bytes[used];
	number[0] = (uint8_t)used;
	number[1] = (uint8_t)(used >> 8);
	(void)pieces_scatter(g->piece, g->pieces, offsetof(struct virtio_net_hdr_v1, num_buffers),
	                     number, sizeof(number));
	for (size_t i = 0; i < used; i++) {
		size_t part = left < g->chain_bytes[i] ? left : g->chain_bytes[i];

		(i + 1 < used ? queue_push_more : queue_push)(q, g->head[i], (uint32_t)part);
		left -= part;
		pieces += g->chain_pieces[i];
		g->bytes -= g->chain_bytes[i];
	}
	g->chains -= used;
	g->pieces -= pieces;
	memmove(g->head, g->head + used, g->chains * sizeof(g->head[0]));
	memmove(g->chain_bytes, g->chain_bytes + used, g->chains * sizeof(g->chain_bytes[0]));
	memmove(g->chain_pieces, g->chain_pieces + used, g->chains * sizeof(g->chain_pieces[0]));
	memmove(g->piece, g->piece + pieces, g->pieces * sizeof(g->piece[0]));
}

/* One frame from the tap. What is no frame that can be handed over is lost, as on any wire.
 * Returns  its bytes, with the header; 0 when there is none. */
static size_t receive_frame(struct net *n)
{
	struct gathered *g = &n->gathered;
	uint8_t beyond[HEADER];
	ssize_t length;

	g->piece[g->pieces] = (struct iovec){beyond, sizeof(beyond)};
	do
		length = readv(n->tap.fd, g->piece, (int)g->pieces + 1);
	while (length < 0 && errno == EINTR);
	if (length < 0 && errno != EAGAIN)
		link_down(n, strerrordesc_np(errno));
	if (length <= 0)
		return 0;
	if ((size_t)length <= g->bytes && length >= HEADER)
		hand_over(n, (size_t)length);
	return (size_t)length;
}

/* What was gathered and not used is as if it had not been taken. */
static void put_back(struct net *n)
{
	for (; n->gathered.chains > 0; n->gathered.chains--)
		queue_unpop(&n->device.queue[RECEIVE]);
	n->gathered.pieces = n->gathered.bytes = 0;
}

static void spend(unsigned int *left, size_t bytes)
{
	size_t cost = 1 + bytes / (16 << 10);

	*left = cost < *left ? *left - (unsigned int)cost : 0;
}

/* A turn of the tap; when all is spent the loop comes back, as the tap is still readable. */
static void receive(struct net *n)
{
	struct virtio_queue *q = &n->device.queue[RECEIVE];
	unsigned int left = TURN;
	bool enough = true;

	if (!n->device.active || n->down || q->broken)
		return;
	queue_busy(q);
	while (left > 0 && (enough = gather_enough(n, &left))) {
		size_t bytes = receive_frame(n);

		if (bytes == 0)
			break;
		spend(&left, bytes);
	}
	put_back(n);
	queue_announce(q);
	if (q->broken)
		virtio_broken(&n->device, "its ring of buffers is nonsense");
	watch(n, !n->down && !q->broken && (enough || left == 0));
}

static int ready(struct loop_source *source, uint32_t events, struct error *err)
{
	struct net *n = source->data;

	(void)err;
	if (events & (EPOLLERR | EPOLLHUP))
		link_down(n, "is gone");
	else
		receive(n);
	return 0;
}

/* One frame of the guest. What the tap can't take is lost, as on any wire. */
static uint32_t answer(struct virtio_device *device, struct turn *turn)
{
	const struct virtio_chain *chain = turn->chain;
	struct net *n = (struct net *)device;
	ssize_t sent;

	if (chain->readable_bytes > HEADER + FRAME_MAX)
		return 0;
	turn_spend(turn, chain->readable_bytes / (16 << 10));
	if (chain->readable_bytes < HEADER + FRAME_MIN || n->down)
		return 0;
	do
		sent = writev(n->tap.fd, chain->buffer, (int)chain->readable);
	while (sent < 0 && errno == EINTR);
	return 0;
}

static void kicked(struct virtio_device *device, unsigned int queue)
{
	struct net *n = (struct net *)device;
	struct turn turn = {TRANSMIT, TURN, &n->chain, answer};

	if (queue == TRANSMIT)
		turn_serve(device, &turn);
	else
		receive(n);
}

static int activate(struct virtio_device *device, struct error *err)
{
	struct net *n = (struct net *)device;
	int header = HEADER;

	if (ioctl(n->tap.fd, TUNSETVNETHDRSZ, &header) < 0 ||
	    ioctl(n->tap.fd, TUNSETOFFLOAD, (unsigned long)tap_offloads(n)) < 0)
		return fail_errno(err, "net", "set up the tap");
	kicked(device, TRANSMIT);
	kicked(device, RECEIVE);
	return 0;
}

static void reset(struct virtio_device *device)
{
	watch((struct net *)device, false);
}

static void read_config(struct virtio_device *device, size_t offset, void *to, size_t length)
{
	const struct net *n = (const struct net *)device;
	struct virtio_net_config config = {
		.status = htole16(n->down ? 0 : VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16(1),
		.mtu = htole16(n->mtu),
	};

	memcpy(config.mac, n->mac, sizeof(config.mac));
	turn_config(&config, sizeof(config), offset, to, length);
}

static const struct virtio_type type = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.read_config = read_config,
	.activate = activate,
	.reset = reset,
	.kicked = kicked,
};

static const unsigned int features[] = {
	VIRTIO_NET_F_CSUM,      VIRTIO_NET_F_GUEST_CSUM, VIRTIO_NET_F_MTU,
	VIRTIO_NET_F_MAC,       VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_TSO6,
	VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_HOST_TSO6,  VIRTIO_NET_F_MRG_RXBUF,
	VIRTIO_NET_F_STATUS,
};

static int check(const struct virtio_net_options *options, struct error *err)
{
	int flags = fcntl(options->tap, F_GETFL);

	if (flags < 0)
		return fail_errno(err, "net", "look at the tap");
	if (!(flags & O_NONBLOCK))
		return fail(err, ERROR_SYSTEM, "net", "its tap has no O_NONBLOCK");
	if (options->mtu < MTU_MIN)
		return fail(err, ERROR_SYSTEM, "net", "an MTU of %u is less than %d", options->mtu,
		            MTU_MIN);
	return 0;
}

struct virtio_device *virtio_net_new(struct loop *loop, const struct virtio_net_options *options,
                                     struct error *err)
{
	owned_fd tap = options->tap;
	struct net *n;

	if (check(options, err) < 0)
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n) {
		(void)fail_errno(err, "net", "allocate");
		return NULL;
	}
	n->device.type = &type;
	n->device.queue_count = QUEUES;
	for (unsigned int i = 0; i < QUEUES; i++)
		n->device.queue[i].size_max = SIZE;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		n->device.offered |= FEATURE(features[i]);
	n->loop = loop;
	n->tap = (struct loop_source){take_fd(&tap), ready, n};
	memcpy(n->mac, options->mac, sizeof(n->mac));
	n->mtu = options->mtu;
	return &n->device;
}

void virtio_net_free(struct virtio_device *device)
{
	struct net *n = (struct net *)device;

	if (!n)
		return;
	watch(n, false);
	fd_release(&n->tap.fd);
	free(n);
}
