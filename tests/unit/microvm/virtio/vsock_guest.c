/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/virtio_vsock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#undef VIRTIO_F_VERSION_1

#include "base/bytes.h"
#include "tests/unit/cmocka.h"

#include "vsock_guest.h"

enum { RX, TX, EVENT, HEADER = 44, ROOM = 300 * 1024, EPHEMERAL = 5000 };

static void agent_up(void *data, int fd)
{
	struct guest *g = data;

	if (g->agent >= 0)
		(void)close(g->agent);
	g->agent = fd;
	g->agents++;
}

static int count_down(struct loop_source *self, uint32_t events, struct error *err)
{
	struct guest *g = self->data;

	(void)events;
	(void)err;
	if (--g->turns <= 0)
		loop_stop(g->loop);
	return 0;
}

static int over(struct loop_source *self, uint32_t events, struct error *err)
{
	struct guest *g = self->data;
	uint64_t times;

	(void)events;
	(void)err;
	if (read(self->fd, &times, sizeof(times)) > 0)
		loop_stop(g->loop);
	return 0;
}

static void add(struct guest *g, struct loop_source *source, uint32_t events)
{
	struct error err;

	assert_true(source->fd >= 0);
	assert_int_equal(loop_add(g->loop, source, events, &err), 0);
}

static void listen_on(struct guest *g)
{
	static unsigned int count; /* a test that failed leaves its name behind */
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	/* an abstract name of our own: no file */
	(void)snprintf(g->path, sizeof(g->path), "cella-test-vsock-%d-%u", getpid(), count++);
	memcpy(name.sun_path + 1, g->path, strlen(g->path));
	g->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(g->listener, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(g->listener, 4096), 0);
}

void guest_open(struct guest *g, uint16_t buffers, unsigned int limit_ms)
{
	struct vsock_options options = {.guest_cid = GUEST_CID,
	                                .host_port = HOST_PORT,
	                                .guest_port = AGENT_PORT,
	                                .limit_ms = limit_ms,
	                                .agent_up = agent_up,
	                                .data = g};
	struct error err;

	*g = (struct guest){.agent = -1, .in_use = -1, .alloc = 1 << 20};
	g->loop = loop_new(&err);
	assert_non_null(g->loop);
	g->stopper = (struct loop_source){eventfd(1, EFD_CLOEXEC), count_down, g};
	g->limit = (struct loop_source){timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), over, g};
	add(g, &g->limit, EPOLLIN);
	add(g, &g->stopper, 0);
	listen_on(g);
	options.listener = g->listener;
	g->device = vsock_new(g->loop, &options, &err);
	assert_non_null(g->device);
	driver_open(&g->driver, g->device, 16 << 20);
	g->packet = driver_place(&g->driver, ROOM);
	g->buffer = driver_place(&g->driver, (uint64_t)QUEUE_SIZE_MAX * GUEST_BUFFER);
	guest_start(g, buffers);
}

void guest_start(struct guest *g, uint16_t buffers)
{
	driver_start(&g->driver, VIRTIO_F_EVENT_IDX, 256);
	g->in_use = -1;
	g->manual = buffers == 0;
	guest_post(g, buffers);
}

void guest_close(struct guest *g)
{
	vsock_free(g->device);
	driver_close(&g->driver);
	loop_free(g->loop);
	(void)close(g->stopper.fd);
	(void)close(g->limit.fd);
	(void)close(g->listener);
	if (g->agent >= 0)
		(void)close(g->agent);
}

static void post(struct guest *g)
{
	struct driver_queue *q = &g->driver.queue[RX];
	struct driver_buffer buffer = {0, GUEST_BUFFER, true};

	assert_true(q->free_count > 0);
	/* each descriptor has a place of its own */
	buffer.address = g->buffer + (uint64_t)q->free[q->free_count - 1] * GUEST_BUFFER;
	assert_true(driver_add(&g->driver, RX, &buffer, 1) >= 0);
}

void guest_post(struct guest *g, uint16_t buffers)
{
	for (uint16_t i = 0; i < buffers; i++)
		post(g);
	driver_kick(&g->driver, RX);
}

void guest_turn(struct guest *g)
{
	struct error err;

	g->turns = 6;
	assert_int_equal(loop_change(g->loop, &g->stopper, EPOLLIN, &err), 0);
	assert_int_equal(loop_run(g->loop, &err), 0);
	assert_int_equal(loop_change(g->loop, &g->stopper, 0, &err), 0);
}

void guest_wait(struct guest *g, unsigned int ms)
{
	struct itimerspec when = {
		.it_value = {ms / 1000, (long)(ms % 1000) * 1000000}
        };
	struct error err;

	assert_int_equal(timerfd_settime(g->limit.fd, 0, &when, NULL), 0);
	assert_int_equal(loop_run(g->loop, &err), 0);
}

void guest_say(struct guest *g, const struct guest_packet *p, uint32_t length)
{
	struct driver_buffer buffer[2] = {
		{g->packet,          HEADER, false},
		{g->packet + HEADER, length, false}
        };
	struct writer w = writer_of(driver_bytes(&g->driver, g->packet, ROOM), ROOM);

	write_u64(&w, p->source);
	write_u64(&w, p->target);
	write_u32(&w, p->source_port);
	write_u32(&w, p->target_port);
	write_u32(&w, p->length);
	write_u16(&w, p->type);
	write_u16(&w, p->op);
	write_u32(&w, p->flags);
	write_u32(&w, p->alloc);
	write_u32(&w, p->forwarded);
	write_bytes(&w, p->payload, length);
	assert_false(w.failed);
	while (driver_used(&g->driver, TX, NULL) >= 0)
		;
	assert_true(driver_add(&g->driver, TX, buffer, length ? 2 : 1) >= 0);
	driver_kick(&g->driver, TX);
	/* taken at once, but where nobody reads the answers */
	while (driver_used(&g->driver, TX, NULL) >= 0)
		;
}

void guest_op(struct guest *g, uint32_t from, uint32_t to, uint16_t op, uint32_t flags)
{
	struct guest_packet p = {GUEST_CID, HOST_CID, from,     to,           0,   1,
	                         op,        flags,    g->alloc, g->forwarded, NULL};

	guest_say(g, &p, 0);
}

void guest_data(struct guest *g, uint32_t from, uint32_t to, const void *bytes, uint32_t length)
{
	struct guest_packet p = {GUEST_CID,          HOST_CID, from,     to,           length, 1,
	                         VIRTIO_VSOCK_OP_RW, 0,        g->alloc, g->forwarded, bytes};

	guest_say(g, &p, length);
}

bool guest_receive(struct guest *g, struct guest_packet *ret)
{
	uint32_t written;
	struct reader r;

	if (g->in_use >= 0 && !g->manual)
		guest_post(g, 1);
	g->in_use = driver_used(&g->driver, RX, &written);
	for (int i = 0; i < 2 && g->in_use < 0; i++) {
		guest_turn(g);
		g->in_use = driver_used(&g->driver, RX, &written);
	}
	if (g->in_use < 0)
		return false;
	assert_in_range(written, HEADER, GUEST_BUFFER);
	r = reader_of(
		driver_bytes(&g->driver, g->buffer + (uint64_t)g->in_use * GUEST_BUFFER, written),
		written);
	ret->source = read_u64(&r);
	ret->target = read_u64(&r);
	ret->source_port = read_u32(&r);
	ret->target_port = read_u32(&r);
	ret->length = read_u32(&r);
	ret->type = read_u16(&r);
	ret->op = read_u16(&r);
	ret->flags = read_u32(&r);
	ret->alloc = read_u32(&r);
	ret->forwarded = read_u32(&r);
	ret->payload = r.at;
	assert_int_equal(ret->source, HOST_CID);
	assert_int_equal(ret->target, GUEST_CID);
	assert_int_equal(ret->length, r.left);
	return true;
}

void guest_expect(struct guest *g, uint16_t op, struct guest_packet *ret)
{
	struct guest_packet p;

	assert_true(guest_receive(g, &p));
	assert_int_equal(p.op, op);
	if (ret)
		*ret = p;
}

void guest_expect_nothing(struct guest *g)
{
	struct guest_packet p;

	assert_false(guest_receive(g, &p));
}

int guest_agent(struct guest *g, uint32_t from)
{
	struct guest_packet p;

	guest_op(g, from, HOST_PORT, VIRTIO_VSOCK_OP_REQUEST, 0);
	guest_expect(g, VIRTIO_VSOCK_OP_RESPONSE, &p);
	assert_int_equal(p.source_port, HOST_PORT);
	assert_int_equal(p.target_port, from);
	assert_true(g->agent >= 0);
	return g->agent;
}

int guest_knock(const struct guest *g)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(name.sun_path + 1, g->path, strlen(g->path));
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

int guest_client(struct guest *g, uint32_t *ret_port)
{
	int fd = guest_knock(g);
	struct guest_packet p;

	guest_expect(g, VIRTIO_VSOCK_OP_REQUEST, &p);
	assert_int_equal(p.target_port, AGENT_PORT);
	assert_int_equal(p.type, VIRTIO_VSOCK_TYPE_STREAM);
	*ret_port = p.source_port;
	guest_op(g, AGENT_PORT, p.source_port, VIRTIO_VSOCK_OP_RESPONSE, 0);
	return fd;
}

int guest_open_with_client(struct guest *g, uint16_t buffers, unsigned int limit_ms,
                           uint32_t *ret_port)
{
	guest_open(g, buffers, limit_ms);
	(void)guest_agent(g, EPHEMERAL);
	return guest_client(g, ret_port);
}

void guest_assert_idle(struct guest *g)
{
	struct timespec before, after;
	long used_us;

	guest_turn(g);
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
	guest_wait(g, 60);
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
	used_us =
		(after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
	assert_in_range(used_us, 0, 20000);
}

void guest_assert_alive(struct guest *g, int client, uint32_t port)
{
	char byte = 0;

	guest_data(g, AGENT_PORT, port, "!", 1);
	assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), 1);
	assert_int_equal(byte, '!');
	assert_false(driver_needs_reset(&g->driver));
}
