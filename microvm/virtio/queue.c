/* SPDX-License-Identifier: Apache-2.0 */
/* The layout, virtio 1.2, 2.7: descriptors of 16 bytes {address, length, flags, next}; the available ring
 * {flags, index, head[size], used_event}; the used ring {flags, index, {head, length}[size], available_event}.
 * Both indexes run freely through 16 bits; what is between ours and theirs is what there is to do. */
#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "base/pieces.h"

#include "queue.h"

enum {
	DESCRIPTOR_SIZE = 16,
	F_NEXT = 1,
	F_WRITE = 2,
	F_INDIRECT = 4,
	USED_NO_NOTIFY = 1,
	AVAILABLE_NO_INTERRUPT = 1,
};

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
	const uint8_t *bytes;
	uint32_t count;
};

/* One load or store each, of what the other side writes or reads meanwhile. */
static uint16_t load16(const uint8_t *at)
{
	return le16toh(__atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE));
}

static void store16(uint8_t *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)(void *)at, htole16(value), __ATOMIC_RELEASE);
}

static const uint8_t *used_event(const struct virtio_queue *q)
{
	return q->available_ring + 4 + (size_t)2 * q->size;
}

static uint8_t *available_event(const struct virtio_queue *q)
{
	return q->used_ring + 4 + (size_t)8 * q->size;
}

int queue_enable(struct virtio_queue *q, struct error *err)
{
	uint64_t size = q->size;

	q->ready = false;
	if (size == 0 || size > q->size_max || (size & (size - 1)))
		return fail(err, ERROR_SYSTEM, "virtqueue",
		            "its size %u is no power of two up to %u", q->size, q->size_max);
	if (q->descriptors % 16 || q->available % 2 || q->used % 4)
		return fail(err, ERROR_SYSTEM, "virtqueue", "its rings are not aligned");
	q->descriptor_table = memory_at(q->memory, q->descriptors, size * DESCRIPTOR_SIZE);
	q->available_ring = memory_at(q->memory, q->available, 6 + 2 * size);
	q->used_ring = memory_at(q->memory, q->used, 6 + 8 * size);
	if (!q->descriptor_table || !q->available_ring || !q->used_ring)
		return fail(err, ERROR_SYSTEM, "virtqueue", "its rings are not in memory");
	q->next_available = q->next_used = q->announced = 0;
	q->broken = false;
	q->ready = true;
	return 0;
}

void queue_reset(struct virtio_queue *q)
{
	*q = (struct virtio_queue){.memory = q->memory,
	                           .kick = q->kick,
	                           .call = q->call,
	                           .size_max = q->size_max};
}

static int break_queue(struct virtio_queue *q)
{
	q->broken = true;
	return -1;
}

static bool fetch(const struct table *table, uint32_t index, struct descriptor *ret)
{
	if (index >= table->count)
		return false;
	memcpy(ret, table->bytes + (size_t)index * DESCRIPTOR_SIZE, sizeof(*ret));
	/* a copy, and not a name for bytes that the guest changes between the check and the use */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	ret->address = le64toh(ret->address);
	ret->length = le32toh(ret->length);
	ret->flags = le16toh(ret->flags);
	ret->next = le16toh(ret->next);
	return true;
}

/* What a descriptor points to, as the next buffer of the chain. Readable ones come before writable ones. */
static bool add_buffer(const struct virtio_queue *q, const struct descriptor *d,
                       struct virtio_chain *chain)
{
	size_t at = chain->readable + chain->writable;
	bool writable = d->flags & F_WRITE;
	void *bytes = memory_at(q->memory, d->address, d->length);

	if (!bytes || at >= QUEUE_SIZE_MAX || (!writable && chain->writable > 0))
		return false;
	chain->buffer[at] = (struct iovec){bytes, d->length};
	if (writable) {
		chain->writable++;
		chain->writable_bytes += d->length;
	} else {
		chain->readable++;
		chain->readable_bytes += d->length;
	}
	return true;
}

/* Take an indirect table in; it holds no further one, and ends the chain. */
static bool enter_indirect(const struct virtio_queue *q, const struct descriptor *d,
                           struct table *table)
{
	if (!q->indirect || (d->flags & F_NEXT) || d->length == 0 || d->length % DESCRIPTOR_SIZE)
		return false;
	table->count = d->length / DESCRIPTOR_SIZE;
	table->bytes = memory_at(q->memory, d->address, d->length);
	return table->bytes && table->count <= QUEUE_SIZE_MAX;
}

static bool walk(const struct virtio_queue *q, struct virtio_chain *chain)
{
	struct table table = {q->descriptor_table, q->size};
	uint32_t index = chain->head, steps = 0;
	bool indirect = false;
	struct descriptor d;

	do {
		/* a chain that runs in a circle is longer than its table */
		if (steps++ >= table.count || !fetch(&table, index, &d))
			return false;
		if (d.flags & F_INDIRECT) {
			if (indirect || !enter_indirect(q, &d, &table))
				return false;
			indirect = true;
			index = steps = 0;
			d.flags = F_NEXT;
			continue;
		}
		if (!add_buffer(q, &d, chain))
			return false;
		index = d.next;
	} while (d.flags & F_NEXT);
	return true;
}

int queue_pop(struct virtio_queue *q, struct virtio_chain *ret)
{
	uint16_t waiting, slot;

	if (!q->ready || q->broken)
		return q->broken ? -1 : 0;
	waiting = (uint16_t)(load16(q->available_ring + 2) - q->next_available);
	if (waiting == 0)
		return 0;
	if (waiting > q->size)
		return break_queue(q);
	slot = q->next_available & (q->size - 1);
	ret->head = load16(q->available_ring + 4 + (size_t)2 * slot);
	ret->readable = ret->writable = 0;
	ret->readable_bytes = ret->writable_bytes = 0;
	if (!walk(q, ret))
		return break_queue(q);
	q->next_available++;
	return 1;
}

void queue_unpop(struct virtio_queue *q)
{
	q->next_available--;
}

void queue_push_more(struct virtio_queue *q, uint16_t head, uint32_t written)
{
	uint8_t *element;
	uint32_t pair[2] = {htole32(head), htole32(written)};

	if (!q->ready || q->broken)
		return;
	element = q->used_ring + 4 + (size_t)8 * (q->next_used & (q->size - 1));
	memcpy(element, pair, sizeof(pair));
	q->next_used++;
}

void queue_push(struct virtio_queue *q, uint16_t head, uint32_t written)
{
	queue_push_more(q, head, written);
	if (q->ready && !q->broken)
		store16(q->used_ring + 2, q->next_used);
}

/* Whether the driver wants to hear of what came since it last did. Spec: 2.7.7. */
static bool wants_interrupt(const struct virtio_queue *q)
{
	uint16_t event;

	if (!q->event_idx)
		return !(load16(q->available_ring) & AVAILABLE_NO_INTERRUPT);
	event = load16(used_event(q));
	return (uint16_t)(q->next_used - event - 1) < (uint16_t)(q->next_used - q->announced);
}

void queue_announce(struct virtio_queue *q)
{
	const uint64_t one = 1;

	if (!q->ready || q->broken || q->next_used == q->announced)
		return;
	/* the used index must be seen before we look whether somebody wants to know */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (wants_interrupt(q) && write(q->call, &one, sizeof(one)) < 0)
		q->broken = true; /* a counter that is full: nobody has listened for 2^64 times */
	q->announced = q->next_used;
}

bool queue_wait(struct virtio_queue *q)
{
	if (!q->ready || q->broken)
		return false;
	if (q->event_idx)
		store16(available_event(q), q->next_available);
	else
		store16(q->used_ring, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load16(q->available_ring + 2) != q->next_available;
}

void queue_busy(struct virtio_queue *q)
{
	if (q->ready && !q->broken && !q->event_idx)
		store16(q->used_ring, USED_NO_NOTIFY);
}

size_t chain_readable(const struct virtio_chain *chain, size_t offset, size_t length,
                      struct iovec *to, size_t *ret_bytes)
{
	size_t count = pieces_slice(chain->buffer, chain->readable, offset, length, to);

	*ret_bytes = pieces_total(to, count);
	return count;
}

size_t chain_writable(const struct virtio_chain *chain, size_t offset, size_t length,
                      struct iovec *to, size_t *ret_bytes)
{
	size_t count =
		pieces_slice(chain->buffer + chain->readable, chain->writable, offset, length, to);

	*ret_bytes = pieces_total(to, count);
	return count;
}

size_t chain_read(const struct virtio_chain *chain, size_t offset, void *to, size_t length)
{
	return pieces_gather(chain->buffer, chain->readable, offset, to, length);
}

size_t chain_write(const struct virtio_chain *chain, size_t offset, const void *from, size_t length)
{
	return pieces_scatter(chain->buffer + chain->readable, chain->writable, offset, from,
	                      length);
}
