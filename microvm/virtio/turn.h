/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_TURN_H
#define MICROVM_VIRTIO_TURN_H

/* One turn of a device at one of its queues. A guest that fills its queue as fast as it is served would keep the
 * loop for itself: so a turn has something to spend, and what is left then is for the next round of the loop. */

#include <stdint.h>

#include "virtio.h"

struct turn {
	unsigned int queue;
	unsigned int left;          /* to spend; each chain costs one at least */
	struct virtio_chain *chain; /* the caller's, where each chain is put */
	/* Do what the chain says; what it costs beyond one is told to turn_spend().
	 * Returns  how many bytes were written to it. */
	uint32_t (*answer)(struct virtio_device *device, struct turn *turn);
};

/* Answer the chains of a queue, until there are none (then the driver is asked for a kick), the ring is nonsense (then
 * the device is broken), or all is spent (then the queue kicks itself). */
void turn_serve(struct virtio_device *device, struct turn *turn);

void turn_spend(struct turn *turn, uint64_t cost);

/* Kick a queue as the driver would: the loop comes back to it after all others. */
void turn_again(struct virtio_device *device, unsigned int queue);

/* Read a device's configuration: what it has at offset, zeros beyond. */
void turn_config(const void *config, size_t size, size_t offset, void *to, size_t length);

#endif
