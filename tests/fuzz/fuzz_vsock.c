/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#undef VIRTIO_F_VERSION_1

#include "base/bytes.h"
#include "base/loop.h"
#include "tests/unit/microvm/virtio/driver.h"

#include "must.h"

/* Play a hostile guest: the input is a list of deeds, most of them packets whose headers are nearly right (so that
 * connections live) or any bytes. Clients on the host come, write, read and go meanwhile. Nothing may crash, leak
 * or hang, and after a reset a well-behaved guest must be served. */

enum { GUEST_CID = 3, HOST_CID = 2, AGENT_PORT = 7, HOST_PORT = 9, EPHEMERAL = 5000 };
enum { RX, TX, EVENT, RINGS };
enum { CLIENTS = 8, ROOM = 128 << 10, HEADER = 44, SLOTS = 64 };

struct play {
	struct driver driver;
	struct virtio_device *device;
	struct loop *loop;
	struct loop_source stopper;
	int turns;
	int client[CLIENTS], agent;
	uint32_t port[4]; /* host ports that were seen */
	uint64_t packet, buffers;
	struct reader in;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count_down(struct loop_source *self, uint32_t events, struct error *err)
{
	struct play *p = self->data;

	(void)events;
	(void)err;
	if (--p->turns <= 0)
		loop_stop(p->loop);
	return 0;
}

static void agent_up(void *data, int fd)
{
	struct play *p = data;

	if (p->agent >= 0)
		(void)close(p->agent);
	p->agent = fd;
}

static void turn(struct play *p)
{
	struct error err;

	p->turns = 4;
	must(loop_run(p->loop, &err) == 0);
}

/* What came back: ports are remembered, buffers can be given again. */
static void collect(struct play *p)
{
	uint32_t written, port;
	int head;

	while ((head = driver_used(&p->driver, RX, &written)) >= 0) {
		must(written <= ROOM + HEADER);
		if (written < HEADER)
			continue;
		memcpy(&port, driver_bytes(&p->driver, p->buffers + (uint64_t)head * 4096 + 16, 4),
		       4);
		p->port[port % 4] = port;
	}
	for (unsigned int i = TX; i < RINGS; i++)
		while (driver_used(&p->driver, i, NULL) >= 0)
			;
}

/* Give a buffer that packets to us go to; often as large as a driver's. */
static void post(struct play *p, uint32_t length)
{
	struct driver_queue *q = &p->driver.queue[RX];
	struct driver_buffer buffer = {0, length, true};

	if (q->free_count == 0)
		return;
	buffer.address = p->buffers + (uint64_t)q->free[q->free_count - 1] * 4096;
	(void)driver_add(&p->driver, RX, &buffer, 1);
	driver_kick(&p->driver, RX);
}

static void send_packet(struct play *p, const uint8_t *header, uint32_t payload, uint32_t cut)
{
	struct driver_buffer buffer[2];
	uint64_t slot = p->packet + (uint64_t)(p->driver.queue[TX].next % 2) * ROOM;

	memcpy(driver_bytes(&p->driver, slot, HEADER), header, HEADER);
	buffer[0] = (struct driver_buffer){slot, HEADER - cut % HEADER, false};
	buffer[1] = (struct driver_buffer){slot + HEADER, payload, false};
	(void)driver_add(&p->driver, TX, buffer, payload ? 2 : 1);
	driver_kick(&p->driver, TX);
}

/* Right in what is dull, the input's in what is not. */
static void do_packet(struct play *p)
{
	uint8_t bytes[HEADER], what = read_u8(&p->in);
	struct writer w = writer_of(bytes, sizeof(bytes));
	uint32_t payload = read_u16(&p->in), alloc = read_u16(&p->in);
	bool of_agent = what & 1;

	write_u64(&w, GUEST_CID);
	write_u64(&w, HOST_CID);
	write_u32(&w, of_agent ? EPHEMERAL : AGENT_PORT);
	write_u32(&w, of_agent ? HOST_PORT : p->port[what >> 1 & 3]);
	write_u32(&w, what & 8 ? payload + 1 : payload);
	write_u16(&w, VIRTIO_VSOCK_TYPE_STREAM);
	write_u16(&w, what >> 4);
	write_u32(&w, read_u8(&p->in));
	write_u32(&w, alloc);
	write_u32(&w, read_u16(&p->in));
	send_packet(p, bytes, payload, 0);
}

static void do_bytes(struct play *p)
{
	uint8_t bytes[HEADER];

	read_into(&p->in, bytes, sizeof(bytes));
	send_packet(p, bytes, read_u16(&p->in), read_u8(&p->in));
}

static void do_buffers(struct play *p)
{
	uint8_t count = read_u8(&p->in);

	for (uint8_t i = 0; i < count % 16; i++)
		post(p, count & 64 ? read_u16(&p->in) % 4096 + 1 : 4096);
	if (count & 128) {
		struct driver_buffer buffer = {p->packet, count, count & 32};

		(void)driver_add(&p->driver, EVENT, &buffer, 1);
		driver_kick(&p->driver, EVENT);
	}
}

static void do_connect(struct play *p)
{
	int *client = &p->client[read_u8(&p->in) % CLIENTS], pair[2];
	struct error err;

	if (*client >= 0)
		(void)close(*client);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
	*client = pair[0];
	if (vsock_connect(p->device, pair[1], &err) < 0)
		must(err.reason[0]);
}

static void do_host(struct play *p)
{
	static uint8_t bytes[ROOM];
	uint8_t what = read_u8(&p->in);
	int *client = what & 128 ? &p->agent : &p->client[what % CLIENTS];
	ssize_t done;

	if (*client < 0)
		return;
	switch (what >> 4 & 7) {
	case 0:
		(void)close(*client);
		*client = -1;
		break;
	case 1:
		(void)shutdown(*client, what % 3);
		break;
	case 2:
		done = recv(*client, bytes, sizeof(bytes), MSG_DONTWAIT);
		must(done <= (ssize_t)sizeof(bytes));
		break;
	default:
		done = send(*client, bytes, read_u16(&p->in), MSG_DONTWAIT | MSG_NOSIGNAL);
		must(done <= UINT16_MAX);
	}
}

static void do_descriptor(struct play *p)
{
	uint8_t what = read_u8(&p->in);
	struct driver_buffer buffer = {read_u32(&p->in), read_u16(&p->in), what & 4};

	driver_descriptor(&p->driver, what % 2, read_u8(&p->in) % SLOTS, &buffer, what >> 3 & 7,
	                  what >> 5);
	if (what & 64)
		driver_offer(&p->driver, what % 2, what >> 1 & 3);
	driver_write(&p->driver, 0x050, what % 2);
}

static void start(struct play *p)
{
	driver_start(&p->driver, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC, SLOTS);
	memset(p->driver.queue[RX].links, 0, sizeof(p->driver.queue[RX].links));
	memset(p->driver.queue[TX].links, 0, sizeof(p->driver.queue[TX].links));
}

static void say(struct play *p, uint32_t port, uint16_t op)
{
	uint8_t bytes[HEADER];
	struct writer w = writer_of(bytes, sizeof(bytes));

	write_u64(&w, GUEST_CID);
	write_u64(&w, HOST_CID);
	write_u32(&w, port);
	write_u32(&w, HOST_PORT);
	write_u32(&w, 0);
	write_u16(&w, VIRTIO_VSOCK_TYPE_STREAM);
	write_u16(&w, op);
	write_u32(&w, 0);
	write_u32(&w, 1 << 16);
	write_u32(&w, 0);
	send_packet(p, bytes, 0, 0);
}

static void do_restart(struct play *p)
{
	if (read_u8(&p->in) & 1)
		vsock_transport_reset(p->device);
	else
		start(p);
}

static void do_agent(struct play *p)
{
	say(p, EPHEMERAL, VIRTIO_VSOCK_OP_REQUEST);
}

/* Each often enough. */
static void (*const deeds[])(struct play *p) = {
	do_packet,  do_packet, do_packet,     do_packet,  do_bytes, do_buffers, do_buffers, turn,
	do_connect, do_host,   do_descriptor, do_restart, do_agent, do_host,    do_host,    turn,
};

/* After all that, a guest that starts anew is served. */
static void must_still_serve(struct play *p)
{
	int fd = p->agent;

	p->agent = -1;
	if (fd >= 0)
		(void)close(fd);
	start(p);
	post(p, 4096);
	post(p, 4096);
	say(p, EPHEMERAL, VIRTIO_VSOCK_OP_REQUEST);
	must(p->agent >= 0);
	must(driver_used(&p->driver, RX, NULL) >= 0);
	must(write(p->agent, "x", 1) == 1);
	turn(p);
	turn(p);
	must(driver_used(&p->driver, RX, NULL) >= 0);
}

static void open_play(struct play *p)
{
	const struct vsock_options options = {.guest_cid = GUEST_CID,
	                                      .host_port = HOST_PORT,
	                                      .guest_port = AGENT_PORT,
	                                      .limit_ms = 1,
	                                      .listener = -1,
	                                      .agent_up = agent_up,
	                                      .data = p};
	struct error err;

	p->agent = -1;
	memset(p->client, 0xff, sizeof(p->client));
	p->loop = loop_new(&err);
	must(p->loop);
	p->device = vsock_new(p->loop, &options, &err);
	must(p->device);
	p->stopper = (struct loop_source){eventfd(1, EFD_CLOEXEC), count_down, p};
	must(loop_add(p->loop, &p->stopper, EPOLLIN, &err) == 0);
	driver_open(&p->driver, p->device, 4 << 20);
	p->packet = driver_place(&p->driver, 2 * ROOM);
	p->buffers = driver_place(&p->driver, (uint64_t)SLOTS * 4096);
	start(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play *p = calloc(1, sizeof(*p));

	must(p);
	open_play(p);
	p->in = reader_of(data, size);
	do_buffers(p);
	do_agent(p);
	while (p->in.left > 0 && !p->in.failed) {
		deeds[read_u8(&p->in) % 16](p);
		collect(p);
	}
	must_still_serve(p);
	vsock_free(p->device);
	driver_close(&p->driver);
	loop_free(p->loop);
	(void)close(p->stopper.fd);
	for (int i = 0; i < CLIENTS; i++)
		if (p->client[i] >= 0)
			(void)close(p->client[i]);
	(void)close(p->agent);
	free(p);
	return 0;
}
