/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_CONSOLE_H
#define MICROVM_VIRTIO_CONSOLE_H

/* The guest's console, virtio 1.2, 5.3: one port, output only; where somebody wants to read what a kernel says. */

#include "base/error.h"

struct loop;
struct virtio_device;

/* Make the device; the caller gives its queues their memory and eventfds as with any other.
 *
 * What the guest says comes out as whole lines, each behind "NAME: ", in printable ASCII and tabs: any other byte is
 * written as \xNN. It never makes the guest wait, and does not fill the output without bound: a backlog of 64 KiB waits
 * for who reads slowly; 64 KiB a second come out (1 MiB at once after a quiet time), and 64 MiB in all. What exceeds
 * that is lost, and "[N bytes lost]" stands in its place.
 *
 * loop     watches the output while there is a backlog; must outlive the device.
 * output   borrowed; need not be O_NONBLOCK: it is written to when it is ready, a page at most. SIGPIPE must be
 *          ignored where it may be a pipe.
 * name     of the guest; borrowed as long as the device lives.
 * Returns  the device, given back by virtio_console_free(), or NULL and *err. */
struct virtio_device *virtio_console_new(struct loop *loop, int output, const char *name,
                                         struct error *err);

/* Write what can be written without waiting. What is said later still is. */
void virtio_console_flush(struct virtio_device *device);

/* Flush, the line that has not ended too; free. NULL is fine. */
void virtio_console_free(struct virtio_device *device);

#endif
