/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include "relay.h"

_Static_assert(sizeof(((struct relay_buffer *)NULL)->bytes) <= PIPE_BUF, "a ready pipe takes all");

/* What the kernel can hold of a terminal's output. More than that was written by somebody who
 * outlives the process, and waiting for the end of it might take for ever. */
enum { DRAIN_MOST = 128 << 10, END_OF_FILE = 4 };

static bool is_empty(const struct relay_buffer *buffer)
{
	return buffer->start == buffer->end;
}

static int fd_of(const struct relay *r, enum relay_end end)
{
	return r->sources[end].fd;
}

/* Fill an empty buffer.
 * Returns  what read(2) does. */
static ssize_t fill(struct relay_buffer *buffer, int fd)
{
	ssize_t n = read(fd, buffer->bytes, sizeof(buffer->bytes));

	buffer->start = 0;
	buffer->end = n > 0 ? (size_t)n : 0;
	return n;
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* Behind an unfinished line the first one only ends the line. */
static void type_end_of_file(struct relay *r)
{
	struct termios modes;
	char end = END_OF_FILE;

	if (tcgetattr(fd_of(r, RELAY_MASTER), &modes) == 0 && modes.c_cc[VEOF] != _POSIX_VDISABLE)
		end = (char)modes.c_cc[VEOF];
	r->to_master.start = 0;
	r->to_master.bytes[0] = r->to_master.bytes[1] = end;
	r->to_master.end = r->last == '\n' ? 1 : 2;
}

static void read_input(struct relay *r)
{
	ssize_t n = fill(&r->to_master, fd_of(r, RELAY_INPUT));

	if (n > 0) {
		r->last = r->to_master.bytes[n - 1];
	} else if (n == 0 || !would_block()) {
		r->input_ended = true;
		type_end_of_file(r);
	}
}

/* Returns  whether anything came. */
static bool read_master(struct relay *r)
{
	ssize_t n = fill(&r->to_output, fd_of(r, RELAY_MASTER));

	if (n > 0)
		return true;
	if (n == 0 || !would_block())
		r->master_ended = true;
	return false;
}

/* Returns  whether anything went. What nobody can take any more is dropped, which moves things too. */
static bool empty(struct relay_buffer *buffer, int fd, bool *ret_broken)
{
	ssize_t n = write(fd, buffer->bytes + buffer->start, buffer->end - buffer->start);

	if (n > 0) {
		buffer->start += (size_t)n;
		return true;
	}
	if (n == 0 || would_block())
		return false;
	buffer->start = buffer->end = 0;
	*ret_broken = true;
	return true;
}

static bool write_output(struct relay *r)
{
	if (!r->output_broken)
		return empty(&r->to_output, fd_of(r, RELAY_OUTPUT), &r->output_broken);
	r->to_output.start = r->to_output.end = 0;
	return true;
}

static bool wants_input(const struct relay *r)
{
	return is_empty(&r->to_master) && !r->input_ended && !r->master_ended && !r->draining;
}

/* All that can be done without waiting. Returns whether there was anything. */
static bool step(struct relay *r)
{
	bool moved = false;

	if (r->master_ended || r->draining)
		r->to_master.start = r->to_master.end = 0;
	if (r->always[RELAY_INPUT] && wants_input(r)) {
		read_input(r);
		moved = true;
	}
	if (!is_empty(&r->to_master))
		moved |= empty(&r->to_master, fd_of(r, RELAY_MASTER), &r->master_ended);
	if (!is_empty(&r->to_output) && (r->always[RELAY_OUTPUT] || r->output_broken))
		moved |= write_output(r);
	if (r->draining && is_empty(&r->to_output) && r->left > 0 && read_master(r)) {
		r->left -= r->to_output.end < r->left ? r->to_output.end : r->left;
		moved = true;
	}
	return moved;
}

static int watch(struct relay *r, enum relay_end end, uint32_t events, struct error *err)
{
	uint32_t before = r->watched[end];
	struct loop_source *source = &r->sources[end];

	if (r->always[end] || before == events)
		return 0;
	r->watched[end] = events;
	if (events == 0)
		return loop_remove(r->loop, source, err);
	return before ? loop_change(r->loop, source, events, err)
	              : loop_add(r->loop, source, events, err);
}

static int advance(struct relay *r, struct error *err)
{
	uint32_t master = 0;

	while (step(r))
		;
	if (r->draining && is_empty(&r->to_output)) {
		loop_stop(r->loop);
		return 0;
	}
	if (is_empty(&r->to_output) && !r->master_ended)
		master |= EPOLLIN;
	if (!is_empty(&r->to_master))
		master |= EPOLLOUT;
	if (r->draining)
		master = 0;
	if (watch(r, RELAY_INPUT, wants_input(r) ? EPOLLIN : 0, err) < 0 ||
	    watch(r, RELAY_MASTER, master, err) < 0)
		return -1;
	return watch(r, RELAY_OUTPUT, is_empty(&r->to_output) ? 0 : EPOLLOUT, err);
}

static int input_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	struct relay *r = self->data;

	(void)events;
	if (wants_input(r))
		read_input(r);
	return advance(r, err);
}

static int master_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	struct relay *r = self->data;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && is_empty(&r->to_output))
		(void)read_master(r);
	return advance(r, err); /* writes too */
}

static int output_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	struct relay *r = self->data;

	(void)events;
	if (!is_empty(&r->to_output))
		(void)write_output(r);
	return advance(r, err);
}

/* Whether epoll takes it: it doesn't take files. */
static int probe(struct relay *r, enum relay_end end, struct error *err)
{
	if (loop_add(r->loop, &r->sources[end], EPOLLIN, err) == 0)
		return loop_remove(r->loop, &r->sources[end], err);
	if (err->errnum != EPERM)
		return -1;
	r->always[end] = true;
	return 0;
}

int relay_start(struct relay *r, struct loop *loop, int input, int output, int master,
                struct error *err)
{
	int flags = fcntl(master, F_GETFL);

	*r = (struct relay){.loop = loop, .last = '\n'};
	r->sources[RELAY_INPUT] = (struct loop_source){input, input_ready, r};
	r->sources[RELAY_MASTER] = (struct loop_source){master, master_ready, r};
	r->sources[RELAY_OUTPUT] = (struct loop_source){output, output_ready, r};
	if (flags < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0)
		return fail_errno(err, "terminal", "make it non-blocking");
	if (probe(r, RELAY_INPUT, err) < 0 || probe(r, RELAY_OUTPUT, err) < 0)
		return error_within(err, "terminal");
	return advance(r, err);
}

int relay_drain(struct relay *r, struct error *err)
{
	r->draining = true;
	r->left = DRAIN_MOST;
	return advance(r, err);
}
