/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VIRTIO_FS_WIRE_H
#define MICROVM_VIRTIO_FS_WIRE_H

/* What the two halves of the fs device say to each other: one struct a message, of one program, so of one layout. The
 * monitor says MEMORY, for each queue QUEUE and CALL, then START; later STOP. Each START and STOP has one answer. */

#include <stdint.h>

#include "virtio.h"

enum fs_kind {
	/* monitor to server */
	FS_MEMORY, /* with the file behind the guest's memory; what came before is forgotten */
	FS_QUEUE,  /* how a queue is laid out; with its kick eventfd */
	FS_CALL,   /* with the eventfd of the device's interrupt */
	FS_START,  /* answered by STARTED or FAILED */
	FS_STOP,   /* answered by STOPPED */
	FS_KINDS,
	/* server to monitor */
	FS_STARTED,
	FS_STOPPED,
	FS_FAILED,
	FS_BROKEN, /* the guest has written nonsense into a ring */
};

/* How far a queue has come. */
struct fs_place {
	uint16_t next_available, next_used, announced;
};

struct fs_message {
	uint32_t kind;
	uint32_t queue;                           /* QUEUE, CALL */
	uint32_t forget;                          /* STOP: not a pause */
	uint32_t size;                            /* QUEUE */
	uint64_t descriptors, available, used;    /* QUEUE */
	uint32_t event_idx, indirect;             /* QUEUE */
	struct fs_place place[VIRTIO_QUEUES_MAX]; /* START, STOPPED */
};

#endif
