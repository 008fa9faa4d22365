/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_BLK_H
#define MICROVM_VIRTIO_BLK_H

/* A disk, virtio 1.2, 5.2: a raw image, or a block device of the host. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct virtio_device;

struct virtio_blk_options {
	int file;       /* the image, a regular file or a block device; taken, also on failure */
	bool read_only; /* nothing is written, whatever the guest asks for */
	/* What the guest writes goes here, and the image stays as it is: an empty file without a name (memfd_create(2),
	 * O_TMPFILE); taken, also on failure. -1: none, writes go to the image. */
	int overlay;
	uint32_t
		cluster_bytes; /* what is copied at once when some of it is written: a power of two from 4096
	                         * to 65536; 0: 65536 */
	const char *
		id; /* "serial number", up to 20 bytes are seen; NULL: none; borrowed for the call */
};

/* Make the device; the caller gives its queue its memory and eventfds as with any other.
 *
 * Requests are done at once, by calls that may wait for the disk. With an overlay nothing is made durable: it is gone
 * with the monitor.
 *
 * Returns  the device, given back by virtio_blk_free(), or NULL and *err. */
struct virtio_device *virtio_blk_new(const struct virtio_blk_options *options, struct error *err);

void virtio_blk_free(struct virtio_device *device); /* NULL is fine */

#endif
