/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_NET_H
#define MICROVM_VIRTIO_NET_H

/* A network card over a tap of the host, virtio 1.2, 5.1: one pair of queues, checksums and segments of TCP left to
 * whoever is nearer to the wire. */

#include <stdint.h>

#include "base/error.h"

struct loop;
struct virtio_device;

struct virtio_net_options {
	int tap; /* attached with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR, O_NONBLOCK; taken, also on failure */
	uint8_t mac[6];
	uint16_t mtu; /* 68 or more */
};

/* Make the device; the caller gives its queues their memory and eventfds as with any other. While the guest has no
 * buffers for frames the tap is not read: the host's queue fills up and drops. When the tap goes away the link is down.
 *
 * loop     watches the tap; must outlive the device.
 * Returns  the device, given back by virtio_net_free(), or NULL and *err. */
struct virtio_device *virtio_net_new(struct loop *loop, const struct virtio_net_options *options,
                                     struct error *err);

void virtio_net_free(struct virtio_device *device); /* NULL is fine; closes the tap */

#endif
