/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ttrpc.h"

static uint32_t big_endian(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static void put_big_endian(char *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (char)(value >> (24 - 8 * i));
}

ssize_t frame_read(const uint8_t *bytes, size_t length, struct frame *ret, struct error *err)
{
	uint32_t payload;

	if (length < FRAME_HEADER)
		return 0;
	payload = big_endian(bytes);
	if (payload > FRAME_PAYLOAD_MOST)
		return fail(err, ERROR_USAGE, "ttrpc", "a message of %u bytes, the most is %d",
		            payload, FRAME_PAYLOAD_MOST);
	if (length - FRAME_HEADER < payload)
		return 0;
	*ret = (struct frame){
		.stream = big_endian(bytes + 4),
		.type = bytes[8],
		.flags = bytes[9],
		.payload = bytes + FRAME_HEADER,
		.length = payload,
	};
	return FRAME_HEADER + (ssize_t)payload;
}

void frame_write(struct text *out, uint32_t stream, enum frame_type type,
                 const struct text *payload)
{
	char header[FRAME_HEADER] = {0};

	put_big_endian(header, (uint32_t)payload->length);
	put_big_endian(header + 4, stream);
	header[8] = (char)type;
	text_append_n(out, header, sizeof(header));
	if (payload->length)
		text_append_n(out, payload->bytes, payload->length);
	out->failed = out->failed || payload->failed;
}
