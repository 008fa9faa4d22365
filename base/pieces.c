/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "pieces.h"

size_t pieces_total(const struct iovec *buffer, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += buffer[i].iov_len;
	return total;
}

size_t pieces_slice(const struct iovec *buffer, size_t count, size_t offset, size_t length,
                    struct iovec *to)
{
	size_t filled = 0;

	for (size_t i = 0; i < count && length > 0; i++) {
		size_t take = buffer[i].iov_len;

		if (offset >= take) {
			offset -= take;
			continue;
		}
		take -= offset;
		if (take > length)
			take = length;
		to[filled++] = (struct iovec){(uint8_t *)buffer[i].iov_base + offset, take};
		length -= take;
		offset = 0;
	}
	return filled;
}

/* Copy between bytes of ours and a run of buffers. */
static size_t copy(const struct iovec *buffer, size_t count, size_t offset, uint8_t *bytes,
                   size_t length, bool out)
{
	size_t done = 0;

	for (size_t i = 0; i < count && done < length; i++) {
		size_t take = buffer[i].iov_len;
		uint8_t *at = buffer[i].iov_base;

		if (offset >= take) {
			offset -= take;
			continue;
		}
		take -= offset;
		if (take > length - done)
			take = length - done;
		if (out)
			memcpy(at + offset, bytes + done, take);
		else
			memcpy(bytes + done, at + offset, take);
		done += take;
		offset = 0;
	}
	/* a copy, and not a name for bytes that the guest changes between the check and the use */
	atomic_signal_fence(memory_order_seq_cst);
	return done;
}

size_t pieces_gather(const struct iovec *buffer, size_t count, size_t offset, void *to,
                     size_t length)
{
	return copy(buffer, count, offset, to, length, false);
}

size_t pieces_scatter(const struct iovec *buffer, size_t count, size_t offset, const void *from,
                      size_t length)
{
	/* only read there */
	return copy(buffer, count, offset, (uint8_t *)(uintptr_t)from, length, true);
}
