/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#include "rng.h"
#include "turn.h"

enum {
	SIZE = 16,
	REQUEST_MAX = 64 << 10,
	TURN = 128, /* requests, or pages: about a millisecond */
};

struct rng {
	struct virtio_device device;
	struct virtio_chain chain;
};

/* Into the guest's own buffers: nobody else has seen the bytes. */
static uint32_t answer(struct virtio_device *device, struct turn *turn)
{
	const struct virtio_chain *chain = turn->chain;
	size_t written = 0;

	(void)device;
	for (size_t i = 0; i < chain->writable && written < REQUEST_MAX; i++) {
		const struct iovec *buffer = &chain->buffer[chain->readable + i];
		size_t left = REQUEST_MAX - written;
		size_t length = buffer->iov_len < left ? buffer->iov_len : left;
		ssize_t given = getrandom(buffer->iov_base, length, 0);

		written += given > 0 ? (size_t)given : 0;
		if (given < 0 || (size_t)given < length)
			break; /* by a signal: fewer bytes are an answer too */
	}
	turn_spend(turn, written / 4096);
	return (uint32_t)written;
}

static void serve(struct virtio_device *device, unsigned int queue)
{
	struct turn turn = {queue, TURN, &((struct rng *)device)->chain, answer};

	turn_serve(device, &turn);
}

static int activate(struct virtio_device *device, struct error *err)
{
	(void)err;
	serve(device, 0);
	return 0;
}

static const struct virtio_type type = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.activate = activate,
	.kicked = serve,
};

struct virtio_device *virtio_rng_new(struct error *err)
{
	struct rng *r = calloc(1, sizeof(*r));

	if (!r) {
		(void)fail_errno(err, "rng", "allocate");
		return NULL;
	}
	r->device.type = &type;
	r->device.queue_count = 1;
	r->device.queue[0].size_max = SIZE;
	return &r->device;
}

void virtio_rng_free(struct virtio_device *device)
{
	free((struct rng *)device);
}
