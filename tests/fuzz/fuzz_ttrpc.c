/* SPDX-License-Identifier: Apache-2.0 */
#include <events.pb-c.h>
#include <stdlib.h>
#include <string.h>
#include <task.pb-c.h>
#include <ttrpc.pb-c.h>

#include "base/table.h"
#include "shim/codec.h"
#include "shim/settings.h"
#include "shim/ttrpc.h"

/* Any bytes as what somebody sends to our socket: frames, requests in them, and what methods take; what is accepted
 * can be packed. (It need not be accepted then: protobuf-c keeps fields that it doesn't know as they came, with the
 * number 0 too, which it takes for something else the next time. We pass on nothing that came.) */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const kinds[] = {
	&pb__create_task_request__descriptor,
	&pb__process_request__descriptor,
	&pb__exec_process_request__descriptor,
	&pb__resize_pty_request__descriptor,
	&pb__close_iorequest__descriptor,
	&pb__kill_request__descriptor,
	&pb__update_task_request__descriptor,
	&pb__shutdown_request__descriptor,
	&pb__response__descriptor,
};

static void try(const ProtobufCMessageDescriptor *kind, const void *bytes, size_t length)
{
	struct error err;
	owned_message void *message = codec_unpack(kind, bytes, length, &err);
	owned_text struct text out = {0};

	if (!message)
		return;
	codec_pack(message, &out);
	if (kind == &pb__create_task_request__descriptor) {
		struct settings settings;
		const Pb__CreateTaskRequest *request = message;

		if (settings_read(request->options, &settings, &err) < 0 && !err.reason[0])
			abort();
	}
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
