/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CODEC_H
#define SHIM_CODEC_H

#include <protobuf-c/protobuf-c.h>
#include <time.h>
#include <types.pb-c.h>

#include "base/error.h"
#include "base/text.h"

/* Messages to bytes and back. */

/* Append the bytes of a message; a message without any member is none. */
void codec_pack(const ProtobufCMessage *message, struct text *out);

/* Read a message of this kind from bytes of a stranger.
 * Returns  it, to be freed with codec_free(); NULL and *err. */
void *codec_unpack(const ProtobufCMessageDescriptor *kind, const void *bytes, size_t length,
                   struct error *err);
void codec_free(void *message); /* NULL is fine */

static inline void codec_release(void *message)
{
	codec_free(*(void **)message);
}
#define owned_message __attribute__((cleanup(codec_release)))

/* The bytes of an Any as those of a text; borrowed. */
static inline ProtobufCBinaryData codec_bytes(const struct text *text)
{
	return (ProtobufCBinaryData){.len = text->length, .data = (uint8_t *)text->bytes};
}

/* For members that are texts: protobuf-c's are not const, and nobody writes to them. */
char *codec_text(const char *text);

/* A time as messages have it; a time that is not set is left out: NULL. */
Pb__Timestamp *codec_time(const struct timespec *time, Pb__Timestamp *to);

#endif
