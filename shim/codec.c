/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "codec.h"

struct text_buffer {
	ProtobufCBuffer base;
	struct text *out;
};

static void append(ProtobufCBuffer *buffer, size_t length, const uint8_t *bytes)
{
	text_append_n(((struct text_buffer *)buffer)->out, (const char *)bytes, length);
}

void codec_pack(const ProtobufCMessage *message, struct text *out)
{
	struct text_buffer buffer = {.base.append = append, .out = out};

	(void)protobuf_c_message_pack_to_buffer(message, &buffer.base);
}

void *codec_unpack(const ProtobufCMessageDescriptor *kind, const void *bytes, size_t length,
                   struct error *err)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(kind, NULL, length, bytes);

	if (!message)
		(void)fail(err, ERROR_USAGE, kind->short_name, "is no message of this kind");
	return message;
}

void codec_free(void *message)
{
	protobuf_c_message_free_unpacked(message, NULL);
}

char *codec_text(const char *text)
{
	return (char *)(uintptr_t)text;
}

Pb__Timestamp *codec_time(const struct timespec *time, Pb__Timestamp *to)
{
	if (time->tv_sec == 0)
		return NULL;
	pb__timestamp__init(to);
	to->seconds = time->tv_sec;
	to->nanos = (int32_t)time->tv_nsec;
	return to;
}
