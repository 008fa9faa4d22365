/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "stream.h"

/* A buffer grows with what comes; when it is empty it is given back beyond KEEP. */
enum { READ_LEAST = 4096, KEEP = 16 << 10, OUT_MOST = 32 << 20 };

static bool make_room(struct stream *stream)
{
	size_t size = stream->in_size ? 2 * stream->in_size : READ_LEAST;
	uint8_t *more;

	if (stream->in_size - stream->in_length >= READ_LEAST / 2)
		return true;
	more = realloc(stream->in, size);
	if (!more)
		return false;
	stream->in = more;
	stream->in_size = size;
	return true;
}

/* Hand out all whole frames. Returns 0, or -1 and *err. */
static int hand_out(struct stream *stream, struct error *err)
{
	size_t at = 0;
	struct frame frame;
	ssize_t taken;

	while ((taken = frame_read(stream->in + at, stream->in_length - at, &frame, err)) > 0) {
		stream->frame(stream, &frame);
		at += (size_t)taken;
	}
	if (at > 0 && at < stream->in_length)
		memmove(stream->in, stream->in + at, stream->in_length - at);
	stream->in_length -= at;
	if (stream->in_length == 0 && stream->in_size > KEEP) {
		free(take_ptr(stream->in));
		stream->in_size = 0;
	}
	return taken < 0 ? -1 : 0;
}

/* Returns  1, 0: the other end has gone, -1 and *err. */
static int receive(struct stream *stream, struct error *err)
{
	ssize_t n;

	if (!make_room(stream))
		return fail(err, ERROR_SYSTEM, "ttrpc", "out of memory");
	n = recv(stream->source.fd, stream->in + stream->in_length,
	         stream->in_size - stream->in_length, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : fail_errno(err, "ttrpc", "receive");
	if (n == 0)
		return 0;
	stream->in_length += (size_t)n;
	return hand_out(stream, err) < 0 ? -1 : 1;
}

static int send_more(struct stream *stream, struct error *err)
{
	if (text_check(&stream->out, err) < 0)
		return -1;
	while (stream->sent < stream->out.length) {
		ssize_t n = send(stream->source.fd, stream->out.bytes + stream->sent,
		                 stream->out.length - stream->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : fail_errno(err, "ttrpc", "send");
		stream->sent += (size_t)n;
	}
	text_free(&stream->out);
	stream->out = (struct text){.limit = OUT_MOST};
	stream->sent = 0;
	return 0;
}

static int watch(struct stream *stream, struct error *err)
{
	bool output = stream->sent < stream->out.length;

	if (output == stream->watches_output)
		return 0;
	stream->watches_output = output;
	return loop_change(stream->loop, &stream->source, output ? EPOLLIN | EPOLLOUT : EPOLLIN,
	                   err);
}

static int ready(struct loop_source *self, uint32_t events, struct error *err)
{
	struct stream *stream = self->data;
	struct error why;
	int there = 1;

	(void)err; /* what is wrong with one of them is no reason for the loop to end */
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		there = receive(stream, &why);
	if (there > 0 && (send_more(stream, &why) < 0 || watch(stream, &why) < 0))
		there = -1;
	if (there <= 0)
		stream->gone(stream, there < 0 ? &why : NULL);
	return 0;
}

int stream_open(struct stream *stream, struct loop *loop, int *fd, struct error *err)
{
	stream->loop = loop;
	stream->source = (struct loop_source){*fd, ready, stream};
	stream->out = (struct text){.limit = OUT_MOST};
	if (loop_add(loop, &stream->source, EPOLLIN, err) < 0)
		return -1;
	*fd = -1;
	return 0;
}

void stream_send(struct stream *stream, uint32_t id, enum frame_type type,
                 const struct text *payload)
{
	struct error err;

	frame_write(&stream->out, id, type, payload);
	if (send_more(stream, &err) < 0 || watch(stream, &err) < 0)
		log_dropped("while sending", &err); /* the loop will say that it has gone */
}

bool stream_is_idle(const struct stream *stream)
{
	return stream->sent == stream->out.length;
}

void stream_close(struct stream *stream)
{
	struct error ignored;

	if (stream->source.fd < 0)
		return;
	if (loop_remove(stream->loop, &stream->source, &ignored) < 0)
		log_dropped("while closing a connection", &ignored);
	(void)close(take_fd(&stream->source.fd));
	free(take_ptr(stream->in));
	text_free(&stream->out);
	stream->in_length = stream->in_size = stream->sent = 0;
}
