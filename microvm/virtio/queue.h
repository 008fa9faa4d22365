/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_QUEUE_H
#define MICROVM_VIRTIO_QUEUE_H

/* The only reader of rings. A split virtqueue as the device sees it; whatever the guest wrote is checked here:
 * indexes and lengths against the queue's size and the guest's memory, chains against a bound, and each
 * descriptor is copied once. A queue that was caught lying is broken and gives nothing until a reset. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "microvm/memory/memory.h"

enum { QUEUE_SIZE_MAX = 1024 };

/* One ring. Needs no lock of its own: one thread at a time. Plain numbers, but for what queue_enable()
 * looks up. */
struct virtio_queue {
	const struct guest_memory *memory; /* borrowed */
	int kick;                          /* eventfd: the driver has put something in; borrowed */
	int call;                          /* eventfd: interrupts the driver; borrowed */
	uint16_t size_max;                 /* of the device, a power of two up to QUEUE_SIZE_MAX */
	/* what the driver set up */
	uint16_t size;
	bool ready;
	uint64_t descriptors, available, used; /* guest addresses */
	bool event_idx, indirect;              /* negotiated */
	/* where we are */
	uint16_t next_available, next_used;
	uint16_t
		announced; /* next_used when the driver was last interrupted, or not, after a push */
	bool broken;
	/* looked up by queue_enable() */
	const uint8_t *descriptor_table, *available_ring;
	uint8_t *used_ring;
};

/* A chain of buffers: first those to read, then those to write, each wholly inside of the guest's memory. */
struct virtio_chain {
	uint16_t head;
	size_t readable, writable; /* how many of buffer[] */
	size_t readable_bytes, writable_bytes;
	struct iovec buffer[QUEUE_SIZE_MAX];
};

/* Check what the driver set up and look it up; resets the place.
 * Returns  0, or -1 and *err. Spec: virtio 1.2, 2.7. */
int queue_enable(struct virtio_queue *q, struct error *err) FALLIBLE;

/* Forget all that the driver set up. */
void queue_reset(struct virtio_queue *q);

/* Take the next chain.
 * Returns  1, 0 when there is none, -1 when the queue is (now) broken. */
int queue_pop(struct virtio_queue *q, struct virtio_chain *ret);

/* Give the last chain back as if it had not been taken: there was nothing to put into it yet. */
void queue_unpop(struct virtio_queue *q);

/* Give a chain back, of which `written` bytes were written; the driver learns of it at queue_announce(). */
void queue_push(struct virtio_queue *q, uint16_t head, uint32_t written);

/* As queue_push(), but the driver sees it together with the next chain that is pushed, at once. */
void queue_push_more(struct virtio_queue *q, uint16_t head, uint32_t written);

/* Interrupt the driver where it wants to hear of what was pushed. */
void queue_announce(struct virtio_queue *q);

/* Ask to be kicked when more comes.
 * Returns  true when more has come meanwhile: go on popping. */
bool queue_wait(struct virtio_queue *q);

/* Ask not to be kicked for now: we are at it. */
void queue_busy(struct virtio_queue *q);

/* Copy from the readable, or into the writable bytes of a chain, `offset` bytes behind their beginning.
 * Returns  how many were copied: fewer than length where the chain ends. */
size_t chain_read(const struct virtio_chain *chain, size_t offset, void *to, size_t length);
size_t chain_write(const struct virtio_chain *chain, size_t offset, const void *from,
                   size_t length);

/* The pieces of the readable (writable) bytes from `offset` on, at most length bytes, for preadv and its kind.
 * Returns  how many of to[QUEUE_SIZE_MAX] were filled; *ret_bytes is what they hold in all. */
size_t chain_readable(const struct virtio_chain *chain, size_t offset, size_t length,
                      struct iovec *to, size_t *ret_bytes);
size_t chain_writable(const struct virtio_chain *chain, size_t offset, size_t length,
                      struct iovec *to, size_t *ret_bytes);

#endif
