/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VMM_PROGRAM_H
#define MICROVM_VMM_PROGRAM_H

/* The program cella-vmm: what its main has. As `cella-vmm CHANNEL` it is the monitor of one machine, as `cella-vmm exec
 * …` it stands in for one more process of a guest. Private to this room. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "microvm/virtio/virtio.h"
#include "microvm/wire/wire.h"

#include "vmm.h"

/* ---- order.c: what the monitor is told over its channel ---- */

enum { ORDER_TEXT = 4096 };

struct order {
	uint64_t memory_bytes;
	unsigned int processors;
	bool debug;
	char parameters[ORDER_TEXT];                   /* of the kernel, more */
	char name[256];                                /* of the container, for messages */
	int kvm, kernel, initramfs, listener, control; /* owned */
	int disk, overlay;                             /* owned; -1: none */
	unsigned int cards;
	struct virtio_net_options card[WIRE_CARDS_MOST]; /* .tap is owned; -1: taken */
};

/* Returns  0, or -1 and *err. The channel is borrowed. */
int order_receive(int channel, struct order *ret, struct error *err) FALLIBLE;

/* ---- control.c: what the host asks of the monitor itself, one question after the other ---- */

enum { CONTROL_CONNECTIONS = 4 };

struct control_connection {
	struct control *control;
	struct loop_source source; /* .fd is owned; -1: free */
	struct wire_inbox inbox;
};

struct control {
	/* set by the caller */
	struct loop *loop;
	struct virtio_device *balloon;
	uint64_t memory_bytes;
	/* its own */
	struct loop_source listener;
	struct control_connection connection[CONTROL_CONNECTIONS];
};

/* Answer those who connect. listener is taken.
 * Returns  0, or -1 and *err. */
int control_start(struct control *control, int listener, struct error *err) FALLIBLE;

/* ---- fileserver.c: the process beside the monitor ---- */

enum { FILESERVER_QUEUES = 8 };

/* Start it: it serves what is below /shares.
 * queues      of requests, 1 to FILESERVER_QUEUES: a thread each.
 * ret_socket  the monitor's end, the caller's.
 * ret_pidfd   the caller's.
 * Returns  0, or -1 and *err. */
int fileserver_start(unsigned int queues, int *ret_socket, int *ret_pidfd,
                     struct error *err) FALLIBLE;

/* ---- lockdown.c: what is given up, for good ---- */

enum lockdown_role { LOCKDOWN_MONITOR, LOCKDOWN_FILESERVER, LOCKDOWN_STAND_IN };

/* Every capability (but the file server's, which it keeps), and every system call that the role has no use for: a
 * process that makes another one is killed. For all threads.
 * Returns  0, or -1 and *err. Spec: seccomp(2), capabilities(7). */
int lockdown(enum lockdown_role role, struct error *err) FALLIBLE;

/* ---- monitor.c, stand.c ---- */

/* Each returns the exit status. */
int monitor_main(int channel);
int stand_main(int argc, char **argv);

#endif
