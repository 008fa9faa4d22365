/* SPDX-License-Identifier: Apache-2.0 */
#include <events.pb-c.h>
#include <stdlib.h>
#include <string.h>
#include <task.pb-c.h>
#include <ttrpc.pb-c.h>

#include "base/own.h"
#include "base/table.h"
#include "shim/codec.h"
#include "shim/settings.h"
#include "shim/ttrpc.h"

#include "grow.h"

/* Any bytes as what somebody sends to our socket: frames, requests in them, and what methods take; what is accepted
 * can be packed. (It need not be accepted then: protobuf-c keeps fields that it doesn't know as they came, with the
 * number 0 too, which it takes for something else the next time. We pass on nothing that came.) */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

static const ProtobufCMessageDescriptor *const kinds[] = {
	&pb__create_task_request__descriptor,  &pb__process_request__descriptor,
	&pb__exec_process_request__descriptor, &pb__resize_pty_request__descriptor,
	&pb__close_iorequest__descriptor,      &pb__checkpoint_task_request__descriptor,
	&pb__kill_request__descriptor,         &pb__update_task_request__descriptor,
	&pb__shutdown_request__descriptor,     &pb__response__descriptor,
};

static void try_settings(const Pb__CreateTaskRequest *request)
{
	struct settings settings;
	struct error err = {0};

	if (settings_read(request->options, &settings, &err) < 0 && !err.reason[0])
		abort();
}

static void try_checkpoint(const Pb__CheckpointTaskRequest *request)
{
	OWNED(checkpoint_settings_release) struct checkpoint_settings settings;
	struct error err = {0};

	if (settings_read_checkpoint(request->options, &settings, &err) < 0 && !err.reason[0])
		abort();
}

static void try(const ProtobufCMessageDescriptor *kind, const void *bytes, size_t length)
{
	struct error err;
	owned_message void *message = codec_unpack(kind, bytes, length, &err);
	owned_text struct text out = {0};

	if (!message)
		return;
	codec_pack(message, &out);
	if (kind == &pb__create_task_request__descriptor)
		try_settings(message);
	if (kind == &pb__checkpoint_task_request__descriptor)
		try_checkpoint(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame frame;
	struct error err;
	ssize_t taken;

	while ((taken = frame_read(data, size, &frame, &err)) > 0) {
		owned_message Pb__Request *request =
			codec_unpack(&pb__request__descriptor, frame.payload, frame.length, &err);

		if ((size_t)taken > size || frame.length > size - FRAME_HEADER)
			abort();
		for (size_t i = 0; request && i < ARRAY_SIZE(kinds); i++)
			try(kinds[i], request->payload.data, request->payload.len);
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			try(kinds[i], frame.payload, frame.length);
		data += taken;
		size -= (size_t)taken;
	}
	return 0;
}

/* ---- messages that are right ---- */

static void grow_message(struct maker *m, ProtobufCMessage *message, unsigned int depth);

static const struct {
	const char *type;
	const ProtobufCMessageDescriptor *kind;
} options[] = {
	{"containerd.runc.v1.Options",                     &pb__runc_options__descriptor           },
	{"type.googleapis.com/containerd.runc.v1.Options", &pb__runc_options__descriptor           },
	{"runtimeoptions.v1.Options",                      &pb__runtime_options__descriptor        },
	{"containerd.runc.v1.CheckpointOptions",           &pb__runc_checkpoint_options__descriptor},
};

static ProtobufCMessage *new_message(struct maker *m, const ProtobufCMessageDescriptor *kind,
                                     unsigned int depth)
{
	ProtobufCMessage *message = grow_room(m, 1, kind->sizeof_message);

	kind->message_init(message);
	grow_message(m, message, depth);
	return message;
}

static ProtobufCBinaryData packed(struct maker *m, const ProtobufCMessage *message)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = grow_room(m, 1, length + 1);

	return (ProtobufCBinaryData){protobuf_c_message_pack(message, bytes), bytes};
}

static void grow_any(struct maker *m, Pb__Any *any)
{
	size_t which = grow_random(m, ARRAY_SIZE(options));

	any->type_url = grow_text(m, options[which].type);
	any->value = packed(m, new_message(m, options[which].kind, 2));
}

static void grow_field(struct maker *m, const ProtobufCFieldDescriptor *field, void *at,
                       unsigned int depth)
{
	static const char *const words[] = {"",     "a",    "/",      "network",
	                                    "soft", "full", "/run/a", "init"};
	uint64_t number = (UINT64_C(1) << grow_random(m, 64)) - grow_random(m, 2);
	uint32_t half = (uint32_t)number;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = grow_text(m, words[grow_random(m, ARRAY_SIZE(words))]);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		*(ProtobufCBinaryData *)at =
			(ProtobufCBinaryData){grow_random(m, 64), grow_room(m, 1, 64)};
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)at = new_message(m, field->descriptor, depth + 1);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = (protobuf_c_boolean)grow_random(m, 2);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		memcpy(at, &number, sizeof(number));
		break;
	default:
		memcpy(at, &half, sizeof(half));
	}
}

/* As many as there may be of a repeated one: none to two. */
static void grow_list(struct maker *m, const ProtobufCFieldDescriptor *field,
                      ProtobufCMessage *message, unsigned int depth)
{
	size_t count = grow_random(m, 3);
	char *items = grow_room(m, 3, sizeof(ProtobufCBinaryData));
	size_t size =
		field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData)
		: field->type == PROTOBUF_C_TYPE_UINT32 || field->type == PROTOBUF_C_TYPE_INT32
			? sizeof(uint32_t)
			: sizeof(void *);

	for (size_t i = 0; i < count; i++)
		grow_field(m, field, items + i * size, depth);
	memcpy((char *)message + field->offset, &items, sizeof(items));
	memcpy((char *)message + field->quantifier_offset, &count, sizeof(count));
}

static void grow_message(struct maker *m, ProtobufCMessage *message, unsigned int depth)
{
	const ProtobufCMessageDescriptor *kind = message->descriptor;

	if (kind == &pb__any__descriptor && depth < 3) {
		grow_any(m, (Pb__Any *)message);
		return;
	}
	for (unsigned int i = 0; i < kind->n_fields && depth < 4; i++) {
		const ProtobufCFieldDescriptor *field = &kind->fields[i];

		if (grow_random(m, 3) == 0)
			continue;
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			grow_list(m, field, message, depth);
		else
			grow_field(m, field, (char *)message + field->offset, depth);
	}
}

/* A frame with a request of one of our methods. */
static size_t grow_frame(struct maker *m, uint8_t *data, size_t most)
{
	Pb__Request request = PB__REQUEST__INIT;
	owned_text struct text payload = {0}, frame = {0};

	request.service = grow_text(m, "containerd.task.v2.Task");
	request.method = grow_text(m, "Create");
	request.payload = packed(m, new_message(m, kinds[grow_random(m, ARRAY_SIZE(kinds))], 0));
	codec_pack(&request.base, &payload);
	frame_write(&frame, 1, 1 + grow_random(m, 2), &payload);
	if (frame.failed || frame.length > most)
		return 0;
	memcpy(data, frame.bytes, frame.length);
	return frame.length;
}

/* One time in four a request that is right, otherwise some of its bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
	owned_arena struct arena *arena = arena_new(16 << 20);
	struct maker m = {.arena = arena, .random = seed | 1};
	size_t length = 0;

	if (arena && grow_random(&m, 4) == 0)
		length = grow_frame(&m, data, most);
	return length ? length : LLVMFuzzerMutate(data, size, most);
}
