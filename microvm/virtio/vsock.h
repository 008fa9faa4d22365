/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_VSOCK_H
#define MICROVM_VIRTIO_VSOCK_H

/* Sockets between host and guest, served by the monitor itself: virtio 1.2, 5.10, streams only. Each
 * connection ends in the guest's agent on one side and in a Unix socket on the other. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct loop;
struct virtio_device;

struct vsock_options {
	uint64_t guest_cid;  /* the guest's address, 3 or more */
	uint32_t host_port;  /* the one port that the guest may connect to, and that only once */
	uint32_t guest_port; /* where the agent listens for connections of the host */
	/* How long the guest may take to answer a REQUEST or a SHUTDOWN. */
	unsigned int limit_ms;
	/* A listening Unix stream socket that does not block, borrowed; -1: none. Who connects to it is
	 * connected to the agent. */
	int listener;
	/* The guest has connected: its agent is up. fd is one end of a stream socket, the callee's now. Called
	 * once until the device is reset; may call vsock_connect(), must not call vsock_free(). */
	void (*agent_up)(void *data, int fd);
	void *data;
};

/* Make the device; the caller gives its queues their memory and eventfds as with any other.
 *
 * loop     watches the sockets; must outlive the device.
 * options  copied.
 * Returns  the device, given back by vsock_free(), or NULL and *err.
 * Spec     virtio 1.2, 5.10. */
struct virtio_device *vsock_new(struct loop *loop, const struct vsock_options *options,
                                struct error *err);

/* Close all connections and free the device; NULL is fine. */
void vsock_free(struct virtio_device *device);

/* Connect a stream socket to the agent. Before the agent is up it waits; of those that wait there is a limit.
 *
 * fd       taken, also on failure. Closed when the guest refuses or resets the connection.
 * Returns  0, or -1 and *err when there are too many. */
int vsock_connect(struct virtio_device *device, int fd, struct error *err) FALLIBLE;

/* After a restore of the guest: all connections end, and the guest is told so (TRANSPORT_RESET). The agent
 * has to connect again. Spec: 5.10.6.7. */
void vsock_transport_reset(struct virtio_device *device);

/* Whether bytes that the guest has sent still wait for a slow reader on the host: time to let the loop go on
 * before vsock_free(). */
bool vsock_draining(const struct virtio_device *device);

#endif
