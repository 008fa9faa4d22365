/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_VMM_VMM_H
#define MICROVM_VMM_VMM_H

/* microvm/vmm: the machine.
 *
 * PROMISE: a kernel, memory, processors and virtio devices become a machine over /dev/kvm that runs until it is
 * switched off, resets itself or fails, and says which. Nothing of it knows containers.
 *
 * Theory of operation. One thread a processor runs the guest and answers what it touches; the thread of the loop has
 * the devices. A device is touched with the machine's lock held: by a processor that reads or writes its registers,
 * and by the loop. A queue's kick is an eventfd that KVM itself writes; a device's interrupt is one that KVM reads.
 * Context: monitor. Spec: Documentation/virt/kvm/api.rst; x86-64. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"
#include "microvm/memory/memory.h"
#include "microvm/virtio/virtio.h"

enum { MACHINE_DEVICES = 16, MACHINE_PROCESSORS = 64 };

enum machine_end {
	MACHINE_OFF,    /* the guest has switched it off */
	MACHINE_RESET,  /* the guest has reset it, or a processor gave up (triple fault) */
	MACHINE_FAILED, /* KVM can't go on */
};

struct machine_config {
	uint64_t memory_bytes; /* whole pages */
	unsigned int processors;
	int kvm; /* /dev/kvm; borrowed until machine_new() returns */
	int kernel,
		initramfs; /* an ELF image with a PVH entry; a file; borrowed likewise. initramfs -1: none */
	const char *command_line;
	struct virtio_device **device; /* borrowed, and used until machine_free() */
	size_t device_count;
	/* Called once, by the loop. why is a sentence's end for people. */
	void (*ended)(void *data, enum machine_end end, const char *why);
	void *data;
};

struct machine;

/* Make it, with everything in memory, up to where it can run. The devices get their memory and eventfds.
 * Returns  the machine, given back by machine_free(); NULL and *err. */
struct machine *machine_new(const struct machine_config *config, struct loop *loop,
                            struct error *err);
/* Let the processors run. Returns 0, or -1 and *err. */
int machine_start(struct machine *machine, struct error *err) FALLIBLE;
/* Have all processors stand still outside of the guest, and go on. With the machine's lock not held. */
void machine_pause(struct machine *machine);
void machine_resume(struct machine *machine);
/* End the processors, free everything but the devices; NULL is fine. With the machine's lock not held. */
void machine_free(struct machine *machine);

/* What its kernel said last on its first serial port, or why it panicked: one printable line, "" when it said nothing.
 * By the loop; borrowed, until the loop goes on. */
const char *machine_words(const struct machine *machine);

/* Milliseconds since machine_new() of what is named; the next one, or false behind the last. */
bool machine_stage(const struct machine *machine, size_t index, const char **ret_name,
                   double *ret_ms);

#endif
