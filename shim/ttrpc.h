/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_TTRPC_H
#define SHIM_TTRPC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

/* Frames of ttrpc: ten bytes, big-endian (4 length of the payload, 4 stream, 1 type, 1 flags), and the payload. */

enum { FRAME_HEADER = 10, FRAME_PAYLOAD_MOST = 4 << 20 };

enum frame_type { FRAME_REQUEST = 1, FRAME_RESPONSE = 2, FRAME_DATA = 3 };

struct frame {
	uint32_t stream;
	uint8_t type, flags;
	const uint8_t *payload; /* where it stands */
	size_t length;
};

/* Look at the first frame of these bytes, which come from a stranger.
 * Returns  how many bytes it takes, 0: it is not whole yet, or -1 and *err: it is larger than a frame may be. */
ssize_t frame_read(const uint8_t *bytes, size_t length, struct frame *ret, struct error *err);

/* Append a frame. payload at most FRAME_PAYLOAD_MOST. */
void frame_write(struct text *out, uint32_t stream, enum frame_type type,
                 const struct text *payload);

#endif
