/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <ttrpc.pb-c.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/text.h"

#include "connection.h"
#include "service.h"
#include "stream.h"

enum { CONNECTIONS_MOST = 1024, MESSAGE_SIZE = 600 };

struct connection {
	struct connection *next;
	struct shim *shim;
	uint64_t serial;
	struct stream stream;
};

/* ---- who may ask ---- */

static bool is_ours(int fd)
{
	struct ucred who = {0};
	socklen_t size = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return false;
	if (who.uid == geteuid())
		return true;
	log_warning("process %d of user %u was not let in", (int)who.pid, who.uid);
	return false;
}

static size_t count(const struct shim *shim)
{
	size_t n = 0;

	for (const struct connection *c = shim->connections; c; c = c->next)
		n++;
	return n;
}

static void gone(struct stream *stream, const struct error *why)
{
	struct connection *gone = stream->data;
	struct connection **at = &gone->shim->connections;

	if (why)
		log_dropped("connection", why);
	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	stream_close(stream);
	free(gone);
}

/* ---- what they ask ---- */

static void frame(struct stream *stream, const struct frame *frame)
{
	struct connection *c = stream->data;
	struct caller caller = {c->serial, frame->stream};
	owned_message Pb__Request *request = NULL;
	struct error err;

	if (frame->type != FRAME_REQUEST)
		return; /* of streams, which no method of ours has */
	request = codec_unpack(&pb__request__descriptor, frame->payload, frame->length, &err);
	if (!request) {
		refuse(c->shim, &caller, &err);
		return;
	}
	const struct service_call call = {
		.service = request->service,
		.method = request->method,
		.payload = request->payload.data,
		.length = request->payload.len,
	};

	if (service_call(c->shim, &caller, &call, &err) < 0)
		refuse(c->shim, &caller, &err);
}

int connection_accept(struct shim *shim, int listener, struct error *err)
{
	owned_fd fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *c;

	if (fd < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EMFILE
		               ? 0
		               : fail_errno(err, "socket", "accept");
	if (!is_ours(fd))
		return 0;
	c = count(shim) < CONNECTIONS_MOST ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		log_warning("a connection too many was closed");
		return 0;
	}
	c->shim = shim;
	c->serial = ++shim->last_serial;
	c->stream = (struct stream){.data = c, .frame = frame, .gone = gone};
	if (stream_open(&c->stream, shim->loop, &fd, err) < 0) {
		free(c);
		return -1;
	}
	c->next = shim->connections;
	shim->connections = c;
	return 0;
}

/* ---- what they are told ---- */

static void send_response(struct shim *shim, const struct caller *caller,
                          const Pb__Response *response)
{
	owned_text struct text bytes = {0};

	for (struct connection *c = shim->connections; c; c = c->next) {
		if (c->serial != caller->connection)
			continue;
		codec_pack(&response->base, &bytes);
		stream_send(&c->stream, caller->stream, FRAME_RESPONSE, &bytes);
	}
}

void answer_bytes(struct shim *shim, const struct caller *caller, const struct text *bytes)
{
	Pb__Response response = PB__RESPONSE__INIT;

	response.payload = codec_bytes(bytes);
	send_response(shim, caller, &response);
}

void answer(struct shim *shim, const struct caller *caller, const ProtobufCMessage *message)
{
	owned_text struct text bytes = {0};

	codec_pack(message, &bytes);
	answer_bytes(shim, caller, &bytes);
}

void answer_done(struct shim *shim, const struct caller *caller)
{
	const struct text nothing = {0};

	answer_bytes(shim, caller, &nothing);
}

static enum code code_of(const struct error *err)
{
	switch (err->kind) {
	case ERROR_STATE:
		return err->errnum == ENOENT   ? CODE_NOT_FOUND
		       : err->errnum == EEXIST ? CODE_ALREADY_EXISTS
		                               : CODE_FAILED_PRECONDITION;
	case ERROR_UNSUPPORTED:
		return CODE_UNIMPLEMENTED;
	case ERROR_USAGE:
		return CODE_INVALID_ARGUMENT;
	default:
		return CODE_UNKNOWN;
	}
}

void refuse(struct shim *shim, const struct caller *caller, const struct error *why)
{
	Pb__Response response = PB__RESPONSE__INIT;
	Pb__Status status = PB__STATUS__INIT;
	char message[MESSAGE_SIZE];

	(void)snprintf(message, sizeof(message), "%s%s%s", why->object, why->object[0] ? ": " : "",
	               why->reason);
	/* a string of protobuf that is no UTF-8 loses the whole message */
	text_make_printable(message);
	status.code = code_of(why);
	status.message = message;
	response.status = &status;
	send_response(shim, caller, &response);
}

int fail_missing(struct error *err, const char *object, const char *what)
{
	(void)fail(err, ERROR_STATE, object, "%s: not found", what);
	err->errnum = ENOENT;
	return -1;
}

int fail_exists(struct error *err, const char *object, const char *what)
{
	(void)fail(err, ERROR_STATE, object, "%s: already exists", what);
	err->errnum = EEXIST;
	return -1;
}

bool connections_are_idle(const struct shim *shim)
{
	for (const struct connection *c = shim->connections; c; c = c->next)
		if (!stream_is_idle(&c->stream))
			return false;
	return true;
}

void connections_close(struct shim *shim)
{
	while (shim->connections)
		gone(&shim->connections->stream, NULL);
}
