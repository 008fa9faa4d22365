/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bounded reader and writer of little-endian bytes: the only pointer arithmetic on what strangers wrote.
 *
 * A reader that was asked for more than there is has failed: it gives zeros from then on, so that a
 * message is read straight through and checked once. A writer that is full has failed the same way. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};

struct writer {
	uint8_t *at;
	size_t left, written;
	bool failed;
};

static inline struct reader reader_of(const void *bytes, size_t length)
{
	return (struct reader){.at = bytes, .left = length};
}

static inline struct writer writer_of(void *bytes, size_t size)
{
	return (struct writer){.at = bytes, .left = size};
}

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
/* Copy out; zeros on failure. */
void read_into(struct reader *r, void *to, size_t length);
/* length bytes where they stand, valid as long as the reader's bytes are; NULL on failure. */
const void *read_bytes(struct reader *r, size_t length);
/* A text up to its NUL, where it stands; NULL on failure (no NUL within the bytes left). */
const char *read_text(struct reader *r);

void write_u8(struct writer *w, uint8_t value);
void write_u16(struct writer *w, uint16_t value);
void write_u32(struct writer *w, uint32_t value);
void write_u64(struct writer *w, uint64_t value);
void write_bytes(struct writer *w, const void *bytes, size_t length);
/* length zeros. */
void write_zeros(struct writer *w, size_t length);

#endif
