/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_FS_H
#define MICROVM_VIRTIO_FS_H

/* Directories of the host for the guest: virtio 1.2, 5.11. Two halves: the device in the monitor has registers only;
 * what the guest asks for is done by a process beside it, which has the files and the rings, and no KVM. They share a
 * socket. Queue 0 is for requests of high priority, the others are alike. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "microvm/fuse/fuse.h"

struct loop;
struct virtio_device;

struct virtio_fs_options {
	const char *tag; /* by which the guest mounts it, 1 to 36 bytes */
	unsigned int
		request_queues; /* 1 to VIRTIO_QUEUES_MAX - 1; the server has as many threads */
	unsigned int limit_ms;  /* how long the server may take to start or to stop */
	int server; /* SOCK_SEQPACKET, the other end is virtio_fs_serve()'s; taken, also on failure */
};

/* Make the device; the caller gives its queues their memory and eventfds as with any other, before the driver starts
 * it. When the server ends, the guest is told that the device is broken.
 *
 * loop     watches the socket; must outlive the device.
 * Returns  the device, given back by virtio_fs_free(), or NULL and *err.
 * Spec     virtio 1.2, 5.11. */
struct virtio_device *virtio_fs_new(struct loop *loop, const struct virtio_fs_options *options,
                                    struct error *err);

/* Hang up: the server ends. NULL is fine. */
void virtio_fs_free(struct virtio_device *device);

/* Have the server come to rest: it touches neither rings nor memory until virtio_fs_resume(). The queues of the
 * device say then how far it has come. What the guest has opened stays.
 * Returns  0, or -1 and *err when the server did not answer in time; it is gone then. */
int virtio_fs_pause(struct virtio_device *device, struct error *err) FALLIBLE;
int virtio_fs_resume(struct virtio_device *device, struct error *err) FALLIBLE;

struct virtio_fs_service {
	int socket;                  /* the other end of the device's; borrowed */
	int root, proc;              /* as fuse_new() takes them; borrowed */
	unsigned int request_queues; /* as the device's */
	const struct fuse_options *options;
};

/* Serve until the monitor hangs up. One thread for each request queue is made at the beginning; all signals are
 * blocked in them.
 *
 * Returns  0 when the monitor has hung up, -1 and *err.
 * Context  a process of its own, with the privileges that requests may need and no more. It believes nobody: neither
 *          what the guest wrote nor what the monitor says can make it touch memory that is not the guest's. */
int virtio_fs_serve(const struct virtio_fs_service *service, struct error *err) FALLIBLE;

#endif
