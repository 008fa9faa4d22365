/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets between host and guest, without the kernel's vhost.
 *
 * Actors: the guest's driver (rings rx, tx, event), its agent behind it, sockets on the host watched by the loop.
 * The agent connects once to our port: that makes it known, and its connection is handed to the owner. From then on
 * each client of the listening socket becomes a connection to the agent's port.
 *
 * Who may make whom wait: a guest that gives no buffers keeps bytes in the sockets of the host, which are no longer
 * read; a reader on the host that is slow keeps bytes in the backlog of its connection, of which the guest fills no
 * more than the room that it was told of; a guest that says what has to be answered and reads no answers is no
 * longer listened to. All of it is bounded: connections by number, backlogs by each one's room, answers by a bit of
 * each connection and a short circle for those of none.
 *
 * Where packets move: vsock_run(), called from each event. It sends, then takes, then sends what that caused. A
 * connection is freed inside of it or by its own events, so behind either nobody may believe in one. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "vsock_parts.h"

/* All connections end without a word to the guest; those whose last bytes have a slow reader drain. */
static void end_all(struct vsock *v)
{
	for (size_t i = 0; i < VSOCK_BUCKETS; i++)
		while (v->bucket[i])
			connection_end(v->bucket[i], false);
	vsock_dismiss(v);
	v->reset_start = v->reset_count = 0;
	v->agent = v->held = false;
	vsock_timer_arm(v);
}

void vsock_again(struct vsock *v)
{
	const uint64_t one = 1;

	if (write(v->again.fd, &one, sizeof(one)) < 0)
		log_debug("vsock: eventfd: %s", strerrordesc_np(errno));
}

void vsock_stop(struct vsock *v, const char *why)
{
	v->stopped = true;
	end_all(v);
	virtio_broken(&v->device, why);
}

/* Tell the guest that all of its connections are gone. */
static void send_event(struct vsock *v)
{
	struct virtio_queue *q = &v->device.queue[VSOCK_EVENT];
	const struct virtio_vsock_event event = {htole32(VIRTIO_VSOCK_EVENT_TRANSPORT_RESET)};
	int taken = queue_pop(q, &v->chain);

	while (taken == 0 && queue_wait(q))
		taken = queue_pop(q, &v->chain);
	if (taken < 0)
		vsock_stop(v, "its ring of events is no ring");
	if (taken <= 0)
		return;
	queue_push(q, v->chain.head, (uint32_t)chain_write(&v->chain, 0, &event, sizeof(event)));
	queue_announce(q);
	v->event = false;
}

void vsock_run(struct vsock *v)
{
	if (v->running || v->stopped || !v->device.active)
		return;
	v->running = true;
	if (v->event)
		send_event(v);
	if (!v->stopped)
		vsock_send(v);
	v->held = false;
	if (!v->stopped)
		vsock_receive(v);
	if (!v->stopped)
		vsock_send(v);
	if (v->held && v->reset_count < VSOCK_RESETS)
		vsock_again(v);
	queue_announce(&v->device.queue[VSOCK_TX]);
	queue_announce(&v->device.queue[VSOCK_RX]);
	v->running = false;
}

static int go_on(struct loop_source *source, uint32_t events, struct error *err)
{
	uint64_t times;

	(void)events;
	(void)err;
	if (read(source->fd, &times, sizeof(times)) > 0)
		vsock_run(source->data);
	return 0;
}

bool vsock_agent(struct vsock *v, uint32_t guest_port, uint32_t alloc, uint32_t forwarded)
{
	struct connection *c;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_debug("vsock: socketpair: %s", strerrordesc_np(errno));
		return false;
	}
	c = connection_new(v, pair[0], v->options.host_port, guest_port);
	if (!c) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return false;
	}
	v->agent = true;
	c->state = CONNECTION_OPEN;
	c->peer_alloc = alloc;
	c->peer_forwarded = forwarded;
	connection_want(c, VIRTIO_VSOCK_OP_RESPONSE);
	connection_watch(c);
	vsock_admit(v);
	v->options.agent_up(v->options.data, pair[1]);
	return true;
}

static void read_config(struct virtio_device *device, size_t offset, void *to, size_t length)
{
	const struct vsock *v = (const struct vsock *)device;
	const struct virtio_vsock_config config = {htole64(v->options.guest_cid)};

	if (offset < sizeof(config) && length <= sizeof(config) - offset)
		memcpy(to, (const uint8_t *)&config + offset, length);
}

static int activate(struct virtio_device *device, struct error *err)
{
	(void)err;
	vsock_run((struct vsock *)device); /* it may have filled its rings before */
	return 0;
}

static void reset(struct virtio_device *device)
{
	struct vsock *v = (struct vsock *)device;

	end_all(v);
	v->stopped = v->event = false;
}

static void kicked(struct virtio_device *device, unsigned int queue)
{
	(void)queue; /* what one ring has may move the other */
	vsock_run((struct vsock *)device);
}

static const struct virtio_type type = {
	.name = "vsock",
	.id = VIRTIO_ID_VSOCK,
	.read_config = read_config,
	.activate = activate,
	.reset = reset,
	.kicked = kicked,
};

void vsock_transport_reset(struct virtio_device *device)
{
	struct vsock *v = (struct vsock *)device;

	end_all(v);
	v->event = true;
	vsock_run(v);
}

bool vsock_draining(const struct virtio_device *device)
{
	const struct vsock *v = (const struct vsock *)device;
	bool found = !list_empty(&v->drains);

	for (size_t i = 0; i < VSOCK_BUCKETS && !found; i++)
		for (const struct connection *c = v->bucket[i]; c && !found; c = c->next)
			found = c->backlog.length > 0;
	return found;
}

static int start(struct vsock *v, struct error *err)
{
	v->again = (struct loop_source){-1, go_on, v};
	v->timer.fd = v->listener.fd = -1;
	v->again.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->again.fd < 0)
		return fail_errno(err, "vsock", "eventfd");
	if (loop_add(v->loop, &v->again, EPOLLIN, err) < 0 || vsock_timer_open(v, err) < 0)
		return -1;
	return vsock_listen(v, err);
}

struct virtio_device *vsock_new(struct loop *loop, const struct vsock_options *options,
                                struct error *err)
{
	struct vsock *v = calloc(1, sizeof(*v));

	if (!v) {
		(void)fail_errno(err, "vsock", "allocate");
		return NULL;
	}
	v->device.type = &type;
	v->device.queue_count = VSOCK_QUEUES;
	for (unsigned int i = 0; i < VSOCK_QUEUES; i++)
		v->device.queue[i].size_max = VSOCK_QUEUE_SIZE;
	v->loop = loop;
	v->options = *options;
	list_init(&v->ready);
	list_init(&v->timed);
	list_init(&v->drains);
	if (start(v, err) < 0) {
		vsock_free(&v->device);
		return NULL;
	}
	return &v->device;
}

/* A source may never have been added: then there is nothing to remove. */
static void forget(struct vsock *v, struct loop_source *source)
{
	struct error err;

	if (source->fd >= 0 && loop_remove(v->loop, source, &err) < 0)
		log_debug("%s: %s", err.object, err.reason);
}

void vsock_free(struct virtio_device *device)
{
	struct vsock *v = (struct vsock *)device;

	if (!v)
		return;
	end_all(v);
	while (!list_empty(&v->drains))
		connection_free((struct connection *)(void *)((uint8_t *)v->drains.after -
		                                              offsetof(struct connection, ready)));
	forget(v, &v->listener);
	forget(v, &v->timer);
	forget(v, &v->again);
	fd_release(&v->timer.fd);
	fd_release(&v->again.fd);
	free(v);
}
