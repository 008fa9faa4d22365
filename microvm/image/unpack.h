/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_UNPACK_H
#define IMAGE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Bytes of somebody else. */
struct bytes {
	const uint8_t *at;
	size_t length;
};

/* What was unpacked, on the heap. Zero-initialised with a limit it is empty; expect, when it is
 * known, is made room for at once. */
struct unpacked {
	uint8_t *bytes;
	size_t length, size;
	size_t limit; /* most bytes that may come out */
	size_t expect;
};

void unpacked_free(struct unpacked *out);
#define owned_unpacked __attribute__((cleanup(unpacked_free)))

/* How something is packed, by its first bytes: "gzip", "xz", "lzma", "lz4" (the kernel's kind), "zstd",
 * "bzip2", "lzo"; NULL for none of these. */
const char *unpack_kind(struct bytes packed);

/* Unpack into out, which is empty.
 *
 * name     what is unpacked, for errors; borrowed.
 * Returns  0, or -1 and *err.
 * Errors   packed in a way that isn't known (ERROR_UNSUPPORTED), cut short or damaged, larger than
 *          the limit (ERROR_CONFIG). What stands behind the end is not looked at. */
int unpack(const char *name, struct bytes packed, struct unpacked *out, struct error *err) FALLIBLE;

#endif
