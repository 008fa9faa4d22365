/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_RNG_H
#define MICROVM_VIRTIO_RNG_H

/* Random bytes of the host for the guest, virtio 1.2, 5.4. */

#include "base/error.h"

struct virtio_device;

/* Make the device; the caller gives its queue its memory and eventfds as with any other. A request gets up to 64 KiB
 * however much it asks for.
 *
 * Returns  the device, given back by virtio_rng_free(), or NULL and *err. */
struct virtio_device *virtio_rng_new(struct error *err);

void virtio_rng_free(struct virtio_device *device); /* NULL is fine */

#endif
