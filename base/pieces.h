/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PIECES_H
#define BASE_PIECES_H

#include <stddef.h>
#include <sys/uio.h>

/* Bytes that lie in several buffers, as if they were one run. An offset or length beyond its end is fine: there is
 * just less. */

size_t pieces_total(const struct iovec *buffer, size_t count);

/* The buffers of a part.
 * to       room for count.
 * Returns  how many there are. */
size_t pieces_slice(const struct iovec *buffer, size_t count, size_t offset, size_t length,
                    struct iovec *to);

/* Copy out of them, or into them; what others change meanwhile is read once.
 * Returns  how many bytes. */
size_t pieces_gather(const struct iovec *buffer, size_t count, size_t offset, void *to,
                     size_t length);
size_t pieces_scatter(const struct iovec *buffer, size_t count, size_t offset, const void *from,
                      size_t length);

#endif
