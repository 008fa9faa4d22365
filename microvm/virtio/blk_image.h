/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_BLK_IMAGE_H
#define MICROVM_VIRTIO_BLK_IMAGE_H

/* The bytes behind a disk: an image, and perhaps an overlay that keeps what was written. Callers have checked that
 * what they name lies on the disk. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#include "blk.h"
#include "queue.h"

enum { CLUSTER_MAX = 64 << 10 };

struct blk_image {
	int file, overlay; /* owned; overlay -1: none */
	uint64_t bytes;    /* of the disk */
	uint32_t block_bytes;
	uint32_t cluster_bytes;
	bool read_only;
	bool clears;  /* ranges can be discarded and zeroed */
	bool through; /* each write is durable when it is done */
	/* Which clusters are in the overlay, a bit each; all others are in the image. */
	uint8_t *present;
	/* while something is done; stacks are small */
	uint8_t *cluster; /* one that is copied */
	struct iovec piece[QUEUE_SIZE_MAX];
};

/* Data of a chain and its place: bytes from offset on of what is readable (to be written) or writable. */
struct blk_image_data {
	const struct virtio_chain *chain;
	size_t offset, length;
	uint64_t place; /* bytes from the beginning of the disk */
};

/* Returns  0, or -1 and *err; the descriptors are taken either way. */
int blk_image_open(const struct virtio_blk_options *options, struct blk_image *ret,
                   struct error *err) FALLIBLE;
void blk_image_close(struct blk_image *image);

/* Each returns 0, or -1 when the host can't: then some of it may have been done. */
int blk_image_read(struct blk_image *image, const struct blk_image_data *data) FALLIBLE;
int blk_image_write(struct blk_image *image, const struct blk_image_data *data) FALLIBLE;
int blk_image_flush(const struct blk_image *image) FALLIBLE;
/* The range reads as anything, or as zeros; with `unmap` the host need not keep room for it. */
int blk_image_discard(struct blk_image *image, uint64_t place, uint64_t length) FALLIBLE;
int blk_image_zero(struct blk_image *image, uint64_t place, uint64_t length, bool unmap) FALLIBLE;

#endif
