/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_VIRTIO_H
#define MICROVM_VIRTIO_VIRTIO_H

/* microvm/virtio: devices of virtio 1.2, and the transport over memory-mapped registers.
 *
 * PROMISE: a device is one struct that begins with struct virtio_device, and one file; it knows neither
 * KVM nor how it is reached. Whoever runs it calls it in one thread at a time (the monitor holds one lock in
 * its loop and in vCPUs that touch registers). What the guest wrote is read by queue.h alone.
 * Context  monitor: all input is hostile; a device never ends the monitor, it stops serving its queue. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "microvm/memory/memory.h"

#include "balloon.h"
#include "blk.h"
#include "console.h"
#include "fs.h"
#include "net.h"
#include "queue.h"
#include "rng.h"
#include "vsock.h"

enum { VIRTIO_QUEUES_MAX = 10 };

/* Feature bits of any device, beside each device's own. <linux/virtio_config.h> has the number of the last one. */
#undef VIRTIO_F_VERSION_1
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

struct virtio_device;

/* What a kind of device does. Members that are NULL do nothing. */
struct virtio_type {
	const char *name; /* "console", for logs */
	uint32_t id;      /* virtio 1.2, 5 */
	/* The device's own part of the configuration space. Reads beyond give zeros. */
	void (*read_config)(struct virtio_device *device, size_t offset, void *to, size_t length);
	void (*write_config)(struct virtio_device *device, size_t offset, const void *from,
	                     size_t length);
	/* The driver is ready (DRIVER_OK): features and queues stand. On -1 the device wants a reset. */
	int (*activate)(struct virtio_device *device, struct error *err) FALLIBLE;
	/* Back to the beginning; queues are reset by the caller afterwards. */
	void (*reset)(struct virtio_device *device);
	/* The driver has kicked this queue. NULL: somebody else waits at its eventfd. */
	void (*kicked)(struct virtio_device *device, unsigned int queue);
};

/* What every device has. The device's own struct has it as its first member. */
struct virtio_device {
	const struct virtio_type *type;
	uint64_t offered;  /* the device's own features; the transport adds those of any device */
	uint64_t accepted; /* what the driver took */
	unsigned int queue_count;
	struct virtio_queue queue[VIRTIO_QUEUES_MAX];
	/* the transport's */
	uint32_t status;
	uint32_t config_generation;
	uint32_t interrupts; /* pending bits of InterruptStatus */
	uint32_t feature_page[2], queue_selected;
	bool active;
	int call; /* eventfd of the device's interrupt; borrowed */
};

/* The transport: registers of version 2. Offsets below 0x100 are the registers, from there on is the
 * device's own configuration. Anything but naturally aligned accesses of the sizes that the specification
 * allows reads as zero and writes nothing. Spec: virtio 1.2, 4.2.2. */
enum { VIRTIO_MMIO_SIZE = 0x200 };
void virtio_mmio_read(struct virtio_device *device, uint64_t offset, void *to, size_t length);
void virtio_mmio_write(struct virtio_device *device, uint64_t offset, const void *from,
                       size_t length);

/* Tell the driver that the configuration has changed. */
void virtio_config_changed(struct virtio_device *device);

/* The device can't go on: the driver is asked to reset it. Logged with why. */
void virtio_broken(struct virtio_device *device, const char *why);

#endif
