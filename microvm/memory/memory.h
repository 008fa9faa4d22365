/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_MEMORY_MEMORY_H
#define MICROVM_MEMORY_MEMORY_H

/* microvm/memory: the memory of a guest.
 *
 * PROMISE: the only door to it: (address, length) gives bytes that lie wholly in one region, or nothing.
 * One file (memfd) is behind all regions, so that a process beside the monitor can map the same memory.
 * What lies there may change at any moment: copy once, then check, then use. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Below the hole for devices in the first 4 GiB, and above it. */
#define MEMORY_LOW_END    UINT64_C(0xc0000000)
#define MEMORY_HIGH_START UINT64_C(0x100000000)

enum { MEMORY_REGIONS = 2 };

struct memory_region {
	uint64_t guest;  /* first address as the guest sees it */
	uint64_t length; /* bytes */
	uint64_t offset; /* of its first byte in the file */
	uint8_t *host;   /* where it is mapped here */
};

struct guest_memory {
	struct memory_region region[MEMORY_REGIONS];
	size_t count;
	int file; /* owned */
};

/* Make memory of a guest: nothing is touched, so nothing is used yet.
 *
 * bytes    a multiple of 4096; what exceeds MEMORY_LOW_END goes to MEMORY_HIGH_START.
 * ret      given back by memory_release().
 * Returns  0, or -1 and *err. */
int memory_new(uint64_t bytes, struct guest_memory *ret, struct error *err) FALLIBLE;

/* Map the memory behind a file of memory_new() that another process made; file is taken, also on failure. */
int memory_map(int file, struct guest_memory *ret, struct error *err) FALLIBLE;

/* Unmap and close; content when there is none ({.file = -1}). */
void memory_release(struct guest_memory *memory);

/* The bytes at a guest address.
 * Returns  length bytes, or NULL where not all of them are in one region. length 0: NULL. */
void *memory_at(const struct guest_memory *memory, uint64_t address, uint64_t length);

/* Copy a part of a regular file to a guest address, from file to file: a page that is written whole is neither
 * cleared before nor mapped here. What part of it was copied on failure is open.
 * Returns  0, or -1 and *err where it lies in no region, or the file ends too early. */
int memory_load(const struct guest_memory *memory, uint64_t address, int file, uint64_t offset,
                uint64_t length, struct error *err) FALLIBLE;

/* Have the host back what is about to be written or run with pages of 2 MiB, where it can: the guest then leaves to
 * the host once for each of them, not once for each 4 KiB. The pages are there and zero from now on, as far as they
 * were not there before; so only ask for what will be touched. What is no whole page of 2 MiB of one region is left as
 * it is.
 *
 * Spec     madvise(2) MADV_COLLAPSE (Linux 6.1), which asks no setting of transparent huge pages. */
void memory_huge(const struct guest_memory *memory, uint64_t from, uint64_t end);

/* Give pages back to the host: they read as zeros from now on, and use nothing until they are touched again.
 *
 * bytes    what memory_at() gave, or a place behind it; a multiple of 4096 like length.
 * Returns  0, or -1 and *err when not all of it is whole pages of one region, or the host can't.
 * Spec     fallocate(2) FALLOC_FL_PUNCH_HOLE. */
int memory_discard(const struct guest_memory *memory, const void *bytes, uint64_t length,
                   struct error *err) FALLIBLE;

#endif
