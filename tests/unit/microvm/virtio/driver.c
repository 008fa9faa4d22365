/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "driver.h"

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, NEEDS_RESET = 64 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

static void must(bool right)
{
	if (!right)
		abort();
}

void *driver_bytes(const struct driver *d, uint64_t address, uint64_t length)
{
	void *at = memory_at(&d->memory, address, length);

	must(at);
	return at;
}

uint64_t driver_place(struct driver *d, uint64_t bytes)
{
	uint64_t at = d->placed;

	d->placed += (bytes + 15) & ~UINT64_C(15);
	return at;
}

uint32_t driver_read(const struct driver *d, uint64_t offset)
{
	uint32_t value;

	virtio_mmio_read(d->device, offset, &value, sizeof(value));
	return value;
}

void driver_write(const struct driver *d, uint64_t offset, uint32_t value)
{
	virtio_mmio_write(d->device, offset, &value, sizeof(value));
}

void driver_open(struct driver *d, struct virtio_device *device, uint64_t bytes)
{
	struct error err;

	*d = (struct driver){.device = device, .placed = 4096};
	must(memory_new(bytes, &d->memory, &err) == 0);
	d->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(d->call >= 0);
	device->call = d->call;
	for (unsigned int i = 0; i < device->queue_count; i++) {
		device->queue[i].memory = &d->memory;
		device->queue[i].call = d->call;
	}
}

static int take_kick(struct loop_source *source, uint32_t events, struct error *err)
{
	struct driver *d = source->data;
	unsigned int queue = (unsigned int)(source - d->kick);
	uint64_t count;

	(void)events;
	(void)err;
	if (read(source->fd, &count, sizeof(count)) > 0 && d->device->active &&
	    d->device->type->kicked)
		d->device->type->kicked(d->device, queue);
	return 0;
}

static int count_round(struct loop_source *source, uint32_t events, struct error *err)
{
	struct driver *d = source->data;

	(void)events;
	(void)err;
	if (d->rounds-- == 0)
		loop_stop(d->loop);
	return 0;
}

static void watch(const struct driver *d, struct loop_source *source)
{
	struct error err;

	must(source->fd >= 0 && loop_add(d->loop, source, EPOLLIN, &err) == 0);
}

void driver_join(struct driver *d, struct loop *loop)
{
	d->loop = loop;
	for (unsigned int i = 0; i < d->device->queue_count; i++) {
		d->kick[i] = (struct loop_source){.ready = take_kick, .data = d};
		d->kick[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		d->device->queue[i].kick = d->kick[i].fd;
		watch(d, &d->kick[i]);
	}
	d->stopper = (struct loop_source){.ready = count_round, .data = d};
	d->stopper.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	watch(d, &d->stopper);
}

void driver_turn(struct driver *d, unsigned int rounds)
{
	struct error err;

	d->rounds = rounds;
	must(loop_run(d->loop, &err) == 0);
}

void driver_close(struct driver *d)
{
	for (unsigned int i = 0; d->loop && i < VIRTIO_QUEUES_MAX; i++)
		if (d->kick[i].ready)
			(void)close(d->kick[i].fd);
	if (d->loop)
		(void)close(d->stopper.fd);
	memory_release(&d->memory);
	(void)close(d->call);
}

static void place_rings(struct driver *d, struct driver_queue *q, uint16_t size)
{
	if (!q->size) {
		q->descriptors = driver_place(d, (uint64_t)16 * QUEUE_SIZE_MAX);
		q->available = driver_place(d, (uint64_t)6 + 2 * QUEUE_SIZE_MAX);
		q->used = driver_place(d, (uint64_t)6 + 8 * QUEUE_SIZE_MAX);
	}
	q->size = size;
	q->next = q->seen = q->kicked = 0;
	memset(driver_bytes(d, q->descriptors, (uint64_t)16 * size), 0, (size_t)16 * size);
	memset(driver_bytes(d, q->available, (uint64_t)6 + 2 * size), 0, (size_t)6 + 2 * size);
	memset(driver_bytes(d, q->used, (uint64_t)6 + 8 * size), 0, (size_t)6 + 8 * size);
	for (q->free_count = 0; q->free_count < size; q->free_count++)
		q->free[q->free_count] = (uint16_t)(size - 1 - q->free_count);
	memset(q->links, 0, sizeof(q->links));
}

static void start_queue(struct driver *d, unsigned int i, uint16_t size)
{
	struct driver_queue *q = &d->queue[i];
	uint32_t most;

	driver_write(d, 0x030, i);
	most = driver_read(d, 0x034);
	place_rings(d, q, size < most ? size : (uint16_t)most);
	driver_write(d, 0x038, q->size);
	driver_write(d, 0x080, (uint32_t)q->descriptors);
	driver_write(d, 0x084, 0);
	driver_write(d, 0x090, (uint32_t)q->available);
	driver_write(d, 0x094, 0);
	driver_write(d, 0x0a0, (uint32_t)q->used);
	driver_write(d, 0x0a4, 0);
	driver_write(d, 0x044, 1);
	must(driver_read(d, 0x044) == 1);
}

void driver_start(struct driver *d, uint64_t features, uint16_t size)
{
	struct virtio_device *device = d->device;

	driver_write(d, 0x070, 0);
	driver_write(d, 0x070, ACKNOWLEDGE | DRIVER);
	features |= VIRTIO_F_VERSION_1;
	for (uint32_t page = 0; page < 2; page++) {
		driver_write(d, 0x024, page);
		driver_write(d, 0x020, (uint32_t)(features >> (32 * page)));
	}
	driver_write(d, 0x070, FEATURES_OK);
	must(driver_read(d, 0x070) & FEATURES_OK);
	d->event_idx = features & VIRTIO_F_EVENT_IDX;
	for (unsigned int i = 0; i < device->queue_count; i++)
		start_queue(d, i, size);
	driver_write(d, 0x070, DRIVER_OK);
}

static uint16_t load(const struct driver *d, uint64_t address)
{
	uint16_t value;

	memcpy(&value, driver_bytes(d, address, 2), 2);
	return le16toh(value);
}

static void store(const struct driver *d, uint64_t address, uint16_t value)
{
	value = htole16(value);
	memcpy(driver_bytes(d, address, 2), &value, 2);
}

static void write_descriptor(const struct driver *d, uint64_t place,
                             const struct driver_buffer *buffer, uint16_t flags, uint16_t next)
{
	uint8_t *at = driver_bytes(d, place, 16);
	uint64_t address = htole64(buffer->address);
	uint32_t length = htole32(buffer->length);

	flags = htole16((uint16_t)(flags | (buffer->writable ? WRITE : 0)));
	next = htole16(next);
	memcpy(at, &address, 8);
	memcpy(at + 8, &length, 4);
	memcpy(at + 12, &flags, 2);
	memcpy(at + 14, &next, 2);
}

void driver_descriptor(struct driver *d, unsigned int queue, uint16_t index,
                       const struct driver_buffer *buffer, uint16_t flags, uint16_t next)
{
	write_descriptor(d, d->queue[queue].descriptors + (uint64_t)16 * index, buffer, flags,
	                 next);
}

void driver_offer(struct driver *d, unsigned int queue, uint16_t head)
{
	struct driver_queue *q = &d->queue[queue];

	store(d, q->available + 4 + (uint64_t)2 * (q->next & (q->size - 1)), head);
	q->next++;
	store(d, q->available + 2, q->next);
}

int driver_add(struct driver *d, unsigned int queue, const struct driver_buffer *buffer,
               unsigned int count)
{
	struct driver_queue *q = &d->queue[queue];
	uint16_t head, index;

	must(count > 0);
	if (q->free_count < count)
		return -1;
	head = index = q->free[--q->free_count];
	q->links[head] = (uint16_t)count;
	for (unsigned int i = 0; i + 1 < count; i++) {
		uint16_t next = q->free[--q->free_count];

		driver_descriptor(d, queue, index, &buffer[i], NEXT, next);
		index = next;
	}
	driver_descriptor(d, queue, index, &buffer[count - 1], 0, 0);
	driver_offer(d, queue, head);
	return head;
}

int driver_add_indirect(struct driver *d, unsigned int queue, uint64_t table,
                        const struct driver_buffer *buffer, unsigned int count)
{
	struct driver_queue *q = &d->queue[queue];
	const struct driver_buffer one = {table, 16 * count, false};
	uint16_t head;

	if (q->free_count == 0)
		return -1;
	for (unsigned int i = 0; i < count; i++)
		write_descriptor(d, table + (uint64_t)16 * i, &buffer[i], i + 1 < count ? NEXT : 0,
		                 (uint16_t)(i + 1));
	head = q->free[--q->free_count];
	q->links[head] = 1;
	driver_descriptor(d, queue, head, &one, INDIRECT, 0);
	driver_offer(d, queue, head);
	return head;
}

void driver_kick(struct driver *d, unsigned int queue)
{
	struct driver_queue *q = &d->queue[queue];
	uint16_t event = load(d, q->used + 4 + (uint64_t)8 * q->size), before = q->kicked;

	q->kicked = q->next;
	if (d->event_idx ? (uint16_t)(q->next - event - 1) >= (uint16_t)(q->next - before)
	                 : load(d, q->used) & 1)
		return;
	d->kicks++;
	driver_write(d, 0x050, queue);
}

void driver_go(struct driver *d, unsigned int queue)
{
	driver_kick(d, queue);
	driver_turn(d, 4);
}

unsigned int driver_waiting(const struct driver *d, unsigned int queue)
{
	const struct driver_queue *q = &d->queue[queue];

	return (uint16_t)(load(d, q->used + 2) - q->seen);
}

/* The chain's descriptors are free again. */
static void release_chain(struct driver *d, unsigned int queue, uint16_t head)
{
	struct driver_queue *q = &d->queue[queue];
	uint16_t index = head, count = q->links[head];

	must(count > 0 && count <= q->size);
	q->links[head] = 0;
	for (uint16_t i = 0; i < count; i++) {
		q->free[q->free_count++] = index;
		index = load(d, q->descriptors + (uint64_t)16 * index + 14);
	}
}

int driver_used(struct driver *d, unsigned int queue, uint32_t *ret_written)
{
	struct driver_queue *q = &d->queue[queue];
	uint32_t pair[2];

	if (load(d, q->used + 2) == q->seen)
		return -1;
	memcpy(pair, driver_bytes(d, q->used + 4 + (uint64_t)8 * (q->seen & (q->size - 1)), 8), 8);
	q->seen++;
	store(d, q->available + 4 + (uint64_t)2 * q->size, q->seen);
	pair[0] = le32toh(pair[0]);
	must(pair[0] < q->size);
	if (q->links[pair[0]])
		release_chain(d, queue, (uint16_t)pair[0]);
	if (ret_written)
		*ret_written = le32toh(pair[1]);
	return (int)pair[0];
}

uint64_t driver_interrupts(const struct driver *d)
{
	uint64_t count = 0;

	return read(d->call, &count, sizeof(count)) < 0 ? 0 : count;
}

bool driver_needs_reset(const struct driver *d)
{
	return driver_read(d, 0x070) & NEEDS_RESET;
}
