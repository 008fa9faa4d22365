/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_BALLOON_H
#define MICROVM_VIRTIO_BALLOON_H

/* Memory that the guest gives back, virtio 1.2, 5.5: pages that it was asked for (the balloon), and pages that just
 * happen to be free (reporting). Either way the host has them from then on; a guest that touches one again gets zeros.
 * A guest that runs out of memory may take pages out of the balloon unasked. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct virtio_device;

/* What the guest says of its memory, in the order of the specification's tags (5.5.6.4), which <linux/virtio_balloon.h>
 * has names for: bytes, or counts. */
enum { BALLOON_STATS = 10 };

struct balloon_stats {
	bool set[BALLOON_STATS];
	uint64_t value[BALLOON_STATS];
};

/* Make the device; the caller gives its queues their memory and eventfds as with any other.
 * Returns  the device, given back by virtio_balloon_free(), or NULL and *err. */
struct virtio_device *virtio_balloon_new(struct error *err);

void virtio_balloon_free(struct virtio_device *device); /* NULL is fine */

/* Ask the guest to have this many pages of 4096 bytes in the balloon; it may take its time, or never do it. */
void virtio_balloon_set_target(struct virtio_device *device, uint32_t pages);

/* How many pages are in the balloon, by the word of the guest. */
uint32_t virtio_balloon_actual(const struct virtio_device *device);

/* What the guest said when it was last asked; nothing is set before. Asks anew: what it answers is there later. */
struct balloon_stats virtio_balloon_stats(struct virtio_device *device);

#endif
