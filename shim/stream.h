/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_STREAM_H
#define SHIM_STREAM_H

#include <stdbool.h>

#include "base/loop.h"
#include "base/text.h"

#include "ttrpc.h"

/* Frames over a connected socket, both ways, on a loop: reads what is there, sends what can be sent, and never waits.
 * What can't be sent yet is kept, up to a limit; who does not read is closed. */
struct stream {
	struct loop *loop;
	struct loop_source source; /* its fd is owned; -1: closed */
	bool watches_output;
	uint8_t *in;
	size_t in_length, in_size;
	struct text out;
	size_t sent; /* of out */
	void *data;  /* the user's */
	/* A frame came; payload is valid until it returns. It must not close the stream. */
	void (*frame)(struct stream *stream, const struct frame *frame);
	/* The other end has gone or broke the rules: stream_close() and forget it. why NULL: it just ended. */
	void (*gone)(struct stream *stream, const struct error *why);
};

/* Begin; frame, gone and data are set before. Takes *fd on success. The struct must stay where it is.
 * Returns  0, or -1 and *err. */
int stream_open(struct stream *stream, struct loop *loop, int *fd, struct error *err) FALLIBLE;

/* Send a frame, now or later. What fails is found by gone(). */
void stream_send(struct stream *stream, uint32_t id, enum frame_type type,
                 const struct text *payload);

/* Whether all was sent. */
bool stream_is_idle(const struct stream *stream);

/* Content with a closed one. */
void stream_close(struct stream *stream);

#endif
