/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MICROVM_VIRTIO_DRIVER_H
#define TESTS_UNIT_MICROVM_VIRTIO_DRIVER_H

/* A made-up driver: what a guest does to use a device, through registers and rings in memory of its own. It kicks
 * only when the device wants to be kicked, as a real one. It ends the test by abort(3) where the test is at fault,
 * so that fuzzers may use it too. */

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "microvm/memory/memory.h"
#include "microvm/virtio/virtio.h"

struct driver_queue {
	uint16_t size;
	uint64_t descriptors, available, used;
	uint16_t next, seen; /* our available index; how much of the used ring was read */
	uint16_t kicked;     /* next when we last kicked or could have */
	uint16_t free[QUEUE_SIZE_MAX], free_count;
	uint16_t links[QUEUE_SIZE_MAX]; /* descriptors in a chain, by head */
};

struct driver {
	struct guest_memory memory;
	struct virtio_device *device;
	struct driver_queue queue[VIRTIO_QUEUES_MAX];
	uint64_t placed; /* guest memory given out */
	bool event_idx;
	int call;
	unsigned int kicks;
	/* of driver_join() */
	struct loop *loop;
	struct loop_source kick[VIRTIO_QUEUES_MAX], stopper;
	unsigned int rounds;
};

struct driver_buffer {
	uint64_t address;
	uint32_t length;
	bool writable;
};

/* Give the device memory of its own, `bytes` large, and an eventfd; nothing is set up. */
void driver_open(struct driver *d, struct virtio_device *device, uint64_t bytes);

/* Have a device that kicks itself, or watches what is beside the guest, do so in a loop; borrowed until driver_close().
 * After driver_open(). */
void driver_join(struct driver *d, struct loop *loop);

/* Let the loop go round this often. */
void driver_turn(struct driver *d, unsigned int rounds);

/* Reset the device, take these features, set up all queues of `size` (at most what each can) and say that we are
 * ready. Where there were rings before they are used again. */
void driver_start(struct driver *d, uint64_t features, uint16_t size);

/* Give memory and eventfd back; the device first. */
void driver_close(struct driver *d);

/* A place in guest memory, aligned to 16. */
uint64_t driver_place(struct driver *d, uint64_t bytes);
void *driver_bytes(const struct driver *d, uint64_t address, uint64_t length);
static inline uint8_t *driver_at(const struct driver *d, uint64_t address, uint64_t length)
{
	return driver_bytes(d, address, length);
}

/* A register, by its offset. */
uint32_t driver_read(const struct driver *d, uint64_t offset);
void driver_write(const struct driver *d, uint64_t offset, uint32_t value);

/* Make a chain of buffers available.
 * Returns  its head, or -1 when the ring is full. */
int driver_add(struct driver *d, unsigned int queue, const struct driver_buffer *buffer,
               unsigned int count);

/* Likewise with the descriptors in a table of their own, at an address of guest memory. */
int driver_add_indirect(struct driver *d, unsigned int queue, uint64_t table,
                        const struct driver_buffer *buffer, unsigned int count);

/* Write a descriptor and put a head into the available ring without any care. */
void driver_descriptor(struct driver *d, unsigned int queue, uint16_t index,
                       const struct driver_buffer *buffer, uint16_t flags, uint16_t next);
void driver_offer(struct driver *d, unsigned int queue, uint16_t head);

/* Kick where the device wants to know. */
void driver_kick(struct driver *d, unsigned int queue);

/* Kick, and let the loop go round a few times. */
void driver_go(struct driver *d, unsigned int queue);

/* How many chains came back that driver_used() has not told of yet. */
unsigned int driver_waiting(const struct driver *d, unsigned int queue);

/* The next chain that came back.
 * Returns  its head, or -1 when there is none. */
int driver_used(struct driver *d, unsigned int queue, uint32_t *ret_written);

/* Whether the device can't go on. */
bool driver_needs_reset(const struct driver *d);

/* Interrupts since the last time. */
uint64_t driver_interrupts(const struct driver *d);

#endif
