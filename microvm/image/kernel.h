/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_KERNEL_H
#define IMAGE_KERNEL_H

#include "unpack.h"

enum { KERNEL_RELEASE_SIZE = 128, KERNEL_LIMIT = 512 << 20 };

/* A kernel as the monitor loads it. */
struct kernel {
	struct bytes elf;      /* in unpacked, or in the file itself */
	struct unpacked image; /* owned: kernel_free() */
	const char *packing;   /* how it was packed: "none", "lz4", … */
	uint64_t entry;        /* physical address where PVH enters */
};

void kernel_free(struct kernel *kernel);
#define owned_kernel __attribute__((cleanup(kernel_free)))

/* Which release a bzImage or an ELF says it is: "6.1.0-9-cloud-amd64", of letters, digits and "._+~-"
 * only, so that it can be a directory's name.
 * Returns  0, or -1 and *err. */
int kernel_release(const char *name, struct bytes file, char release[KERNEL_RELEASE_SIZE],
                   struct error *err) FALLIBLE;

/* Make an ELF of a bzImage; an ELF is taken as it is, and both are checked: 64 bits, x86-64, each
 * segment inside the file and below 4 GiB, an entry by PVH inside one of them.
 *
 * name, file  borrowed for as long as *ret is used.
 * limit       most bytes that it may unpack to.
 * Returns     0, or -1 and *err.
 * Spec        Documentation/arch/x86/boot.rst, fields payload_offset and payload_length. */
int kernel_unpack(const char *name, struct bytes file, size_t limit, struct kernel *ret,
                  struct error *err) FALLIBLE;

#endif
