/* SPDX-License-Identifier: Apache-2.0 */
#include <events.pb-c.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/own.h"
#include "base/process.h"

#include "codec.h"
#include "publish.h"

enum { PIPE_HOLDS = 60 << 10, LINE = 256 };

static int run(const struct shim_options *o, const Pb__Envelope *envelope, int input,
               struct error *err)
{
	char *const args[] = {
		codec_text(o->publisher),  codec_text("--address"), codec_text(o->containerd),
		codec_text("publish"),     codec_text("--topic"),   envelope->topic,
		codec_text("--namespace"), envelope->namespace_,    NULL};
	const struct helper_options options = {.path = o->publisher, .input = input};
	owned_fd answer = -1;
	struct helper helper;
	char line[LINE];
	int status;

	if (helper_start(args, &options, &helper, err) < 0)
		return -1;
	answer = helper.answer;
	while (helper_line(answer, line, sizeof(line)))
		log_warning("%s: %s", o->publisher, line);
	status = process_wait(helper.pid, err);
	if (status > 0)
		return fail(err, ERROR_SYSTEM, o->publisher, "ended with status %d", status);
	return status;
}

int publish(const struct shim_options *options, const struct text *forward, struct error *err)
{
	owned_message Pb__ForwardRequest *request = codec_unpack(
		&pb__forward_request__descriptor, forward->bytes, forward->length, err);
	owned_text struct text any = {0};
	owned_fd reader = -1, writer = -1;
	int both[2];

	if (!request)
		return -1;
	if (!options->publisher)
		return fail(err, ERROR_USAGE, "-publish-binary",
		            "neither it nor TTRPC_ADDRESS is given");
	codec_pack(&request->envelope->event->base, &any);
	if (text_check(&any, err) < 0)
		return -1;
	if (any.length > PIPE_HOLDS)
		return fail(err, ERROR_UNSUPPORTED, "event", "larger than %d bytes", PIPE_HOLDS);
	if (pipe2(both, O_CLOEXEC) < 0)
		return fail_errno(err, "event", "pipe");
	reader = both[0];
	writer = both[1];
	if (fd_write_whole(writer, "event", any.bytes, any.length, err) < 0)
		return -1;
	(void)close(take_fd(&writer));
	return run(options, request->envelope, reader, err);
}
