/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe is one half of a terminal: it has no input, and its reading end is the master. Each way has one buffer. Who
 * fills it is watched while it is empty, who takes from it while it is not; who has neither to do is not watched at
 * all, since epoll would report its end over and over. Files, which epoll refuses, are always ready. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"

#include "console.h"

enum { BUFFER = 4096, DRAIN_MOST = 128 << 10, GRACE_S = 2 };

struct buffer {
	char bytes[BUFFER];
	size_t start, end;
};

enum end { INPUT, MASTER, OUTPUT, GRACE, ENDS };

struct console {
	struct console *next;
	struct shim *shim;
	struct stdio stdio; /* the FIFOs' other ends */
	struct loop_source sources[ENDS];
	uint32_t watched[ENDS];
	struct buffer in, out;
	bool is_pipe;
	bool always_writable; /* its output is a file */
	bool master_ended;
	bool forgotten; /* nobody but the server has it */
	bool ended;     /* its process has: what is there now is all that is waited for */
	size_t left; /* bytes that may still come then: more than the kernel holds is somebody else's */
};

static bool is_empty(const struct buffer *buffer)
{
	return buffer->start == buffer->end;
}

static int fd_of(const struct console *c, enum end end)
{
	return c->sources[end].fd;
}

/* Returns  1: something came, 0: nothing now, -1: nothing will. */
static int fill(struct buffer *buffer, int fd)
{
	ssize_t n = read(fd, buffer->bytes, sizeof(buffer->bytes));

	buffer->start = 0;
	buffer->end = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return 1;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Returns  whether anything went; what nobody takes any more is dropped. */
static bool empty(struct buffer *buffer, int fd)
{
	ssize_t n = fd < 0 ? (ssize_t)(buffer->end - buffer->start)
	                   : write(fd, buffer->bytes + buffer->start, buffer->end - buffer->start);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0)
		buffer->start = buffer->end;
	else
		buffer->start += (size_t)n;
	return true;
}

static void watch(struct console *c, enum end end, uint32_t events)
{
	struct loop_source *source = &c->sources[end];
	uint32_t before = c->watched[end];
	struct error err;
	int result;

	if (before == events || source->fd < 0)
		return;
	if (events == 0)
		result = loop_remove(c->shim->loop, source, &err);
	else if (before)
		result = loop_change(c->shim->loop, source, events, &err);
	else
		result = loop_add(c->shim->loop, source, events, &err);
	if (result == 0)
		c->watched[end] = events;
	else if (end == OUTPUT && err.errnum == EPERM)
		c->always_writable = true;
	else
		log_dropped("terminal", &err);
}

static void close_end(struct console *c, enum end end)
{
	watch(c, end, 0);
	if (c->sources[end].fd >= 0)
		(void)close(take_fd(&c->sources[end].fd));
}

static void close_all(struct console *c)
{
	for (enum end end = INPUT; end < ENDS; end++)
		close_end(c, end);
	stdio_close(&c->stdio);
}

static void console_free(struct console *gone)
{
	struct console **at = &gone->shim->consoles;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	close_all(gone);
	free(gone);
}

static void read_master(struct console *c)
{
	int there = fill(&c->out, fd_of(c, MASTER));

	if (there < 0 || (c->ended && there == 0))
		c->master_ended = true;
	if (c->ended && there > 0) {
		c->left -= c->out.end < c->left ? c->out.end : c->left;
		c->master_ended = c->master_ended || c->left == 0;
	}
}

/* Whatever goes without waiting. */
static void copy(struct console *c)
{
	bool moved = true;

	while (moved) {
		moved = false;
		if (!is_empty(&c->in))
			moved = empty(&c->in, fd_of(c, MASTER));
		if (!is_empty(&c->out))
			moved = empty(&c->out, fd_of(c, OUTPUT)) || moved;
		if (c->ended && is_empty(&c->out) && !c->master_ended) {
			read_master(c);
			moved = true;
		}
	}
}

/* All that can be done without waiting. May free the console. */
static void advance(struct console *c)
{
	copy(c);
	if (c->master_ended && is_empty(&c->out)) {
		if (c->is_pipe)
			close_all(c); /* whoever reads the FIFO need not wait for more */
		if (c->forgotten) {
			console_free(c);
			return;
		}
	}
	watch(c, INPUT, is_empty(&c->in) && !c->master_ended ? EPOLLIN : 0);
	watch(c, MASTER,
	      c->master_ended ? 0
	                      : (is_empty(&c->out) ? EPOLLIN : 0) |
	                                (is_empty(&c->in) ? 0 : (uint32_t)EPOLLOUT));
	watch(c, OUTPUT, is_empty(&c->out) || c->always_writable ? 0 : EPOLLOUT);
}

static int input_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	struct console *c = self->data;

	(void)events;
	(void)err;
	if (is_empty(&c->in) && fill(&c->in, fd_of(c, INPUT)) < 0)
		close_end(c, INPUT);
	advance(c);
	return 0;
}

static int master_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	struct console *c = self->data;

	(void)err;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && is_empty(&c->out))
		read_master(c);
	advance(c);
	return 0;
}

static int output_ready(struct loop_source *self, uint32_t events, struct error *err)
{
	(void)events;
	(void)err;
	advance(self->data);
	return 0;
}

static int grace_over(struct loop_source *self, uint32_t events, struct error *err)
{
	struct console *c = self->data;

	(void)events;
	(void)err;
	close_end(c, GRACE);
	c->ended = true;
	advance(c);
	return 0;
}

static struct console *start(struct shim *shim, int *master, struct stdio *stdio, bool is_pipe,
                             struct error *err)
{
	struct console *c;
	int flags = fcntl(*master, F_GETFL);

	if (flags < 0 || fcntl(*master, F_SETFL, flags | O_NONBLOCK) < 0) {
		(void)fail_errno(err, "terminal", "make it non-blocking");
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		(void)fail(err, ERROR_SYSTEM, "terminal", "out of memory");
		return NULL;
	}
	c->shim = shim;
	c->is_pipe = is_pipe;
	c->left = DRAIN_MOST;
	c->sources[INPUT] = (struct loop_source){take_fd(&stdio->end[0]), input_ready, c};
	c->sources[MASTER] = (struct loop_source){take_fd(master), master_ready, c};
	c->sources[OUTPUT] = (struct loop_source){take_fd(&stdio->end[1]), output_ready, c};
	c->sources[GRACE] = (struct loop_source){-1, grace_over, c};
	c->stdio = *stdio;
	*stdio = (struct stdio)STDIO_NONE;
	stdio_close_ends(&c->stdio);
	c->next = shim->consoles;
	shim->consoles = c;
	advance(c);
	return c;
}

struct console *console_start(struct shim *shim, int *master, struct stdio *stdio,
                              struct error *err)
{
	return start(shim, master, stdio, false, err);
}

struct console *console_start_pipe(struct shim *shim, struct stdio *stdio, int i, struct error *err)
{
	struct stdio output = STDIO_NONE;
	struct console *c;

	output.end[1] = take_fd(&stdio->fifo[i]);
	output.hold[1] = take_fd(&stdio->hold[i]);
	c = start(shim, &stdio->pipe[i], &output, true, err);
	if (!c)
		stdio_close(&output);
	return c;
}

int console_resize(struct console *console, unsigned int width, unsigned int height,
                   struct error *err)
{
	struct winsize size = {.ws_col = (unsigned short)width, .ws_row = (unsigned short)height};

	if (ioctl(fd_of(console, MASTER), TIOCSWINSZ, &size) < 0)
		return fail_errno(err, "terminal", "resize");
	return 0;
}

void console_close_input(struct console *console)
{
	if (console->stdio.hold[0] >= 0)
		(void)close(take_fd(&console->stdio.hold[0]));
}

/* Returns  whether somebody is given time. */
static bool give_grace(struct console *c)
{
	static const struct itimerspec once = {.it_value.tv_sec = GRACE_S};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	c->sources[GRACE].fd = timer;
	watch(c, GRACE, EPOLLIN);
	if (c->watched[GRACE] && timerfd_settime(timer, 0, &once, NULL) == 0)
		return true;
	close_end(c, GRACE);
	return false;
}

void console_end(struct console *console)
{
	console->forgotten = true;
	if (console->is_pipe)
		stdio_close(&console->stdio); /* no other reader will come */
	console->ended = !console->is_pipe || console->master_ended || !give_grace(console);
	advance(console);
}

void consoles_free(struct shim *shim)
{
	struct console *next;

	for (struct console *c = shim->consoles; c; c = next) {
		next = c->next;
		console_free(c);
	}
}
