/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "vsock_parts.h"

enum { SIZE_LEAST = 4096 };

/* Make room for `more` bytes; what is there moves to the beginning. */
static bool grow(struct backlog *b, uint32_t more)
{
	uint32_t size = b->size ? b->size : SIZE_LEAST;
	uint32_t first = b->size - b->start < b->length ? b->size - b->start : b->length;
	uint8_t *bytes;

	if (more <= b->size - b->length)
		return true;
	while (size - b->length < more)
		size *= 2;
	bytes = malloc(size);
	if (!bytes)
		return false;
	if (b->length > 0) {
		memcpy(bytes, b->bytes + b->start, first);
		memcpy(bytes + first, b->bytes, b->length - first);
	}
	free(b->bytes);
	*b = (struct backlog){.bytes = bytes, .size = size, .length = b->length};
	return true;
}

bool backlog_append(struct backlog *b, const struct virtio_chain *chain, size_t offset,
                    uint32_t length)
{
	uint32_t end, first;

	/* a credit is far below this; so no size overflows */
	if (length > VSOCK_ALLOC_LARGE || b->length > VSOCK_ALLOC_LARGE || !grow(b, length))
		return false;
	end = (b->start + b->length) & (b->size - 1);
	first = b->size - end < length ? b->size - end : length;
	if (chain_read(chain, offset, b->bytes + end, first) != first ||
	    chain_read(chain, offset + first, b->bytes, length - first) != length - first)
		return false;
	b->length += length;
	return true;
}

ssize_t backlog_send(struct backlog *b, int fd)
{
	uint32_t first = b->size - b->start < b->length ? b->size - b->start : b->length;
	struct iovec piece[2] = {
		{b->bytes + b->start, first            },
		{b->bytes,            b->length - first}
        };
	struct msghdr message = {.msg_iov = piece, .msg_iovlen = 2};
	ssize_t sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM
		               ? 0
		               : -1;
	b->start = (b->start + (uint32_t)sent) & (b->size - 1);
	b->length -= (uint32_t)sent;
	if (b->length == 0)
		backlog_release(b);
	return sent;
}

void backlog_release(struct backlog *b)
{
	free(b->bytes);
	*b = (struct backlog){0};
}
