/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "pump.h"

_Static_assert((int)PUMP_BYTES <= (int)PIPE_BUF, "a pipe that is ready takes all");

static bool is_empty(const struct pump *p)
{
	return p->start == p->end;
}

static void watch(struct pump *p, struct loop_source *source, uint32_t *watched, uint32_t events)
{
	struct error err;
	int result = 0;

	if (*watched == events)
		return;
	if (events == 0)
		result = loop_remove(p->loop, source, &err);
	else if (*watched == 0)
		result = loop_add(p->loop, source, events, &err);
	if (result < 0)
		log_debug("%s: %s", err.object, err.reason);
	*watched = events;
}

void pump_stop(struct pump *p)
{
	if (!p->running)
		return;
	p->running = false;
	watch(p, &p->from, &p->from_watched, 0);
	watch(p, &p->to, &p->to_watched, 0);
	(void)close(take_fd(&p->from.fd));
	(void)close(take_fd(&p->to.fd));
}

/* The source has ended, and all of it is moved. */
static void finish(struct pump *p)
{
	(void)shutdown(p->to.fd, SHUT_WR); /* a socket may have another way that goes on */
	pump_stop(p);
}

/* Returns  whether something was read. */
static bool fill(struct pump *p)
{
	ssize_t n = read(p->from.fd, p->bytes, sizeof(p->bytes));

	if (n > 0) {
		p->start = 0;
		p->end = (size_t)n;
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		finish(p); /* a terminal that nobody has open is EIO */
	return false;
}

/* Returns  whether something was written. */
static bool empty(struct pump *p)
{
	ssize_t n = write(p->to.fd, p->bytes + p->start, p->end - p->start);

	if (n > 0) {
		p->start += (size_t)n;
		p->moved += (uint64_t)n;
		return true;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		(void)shutdown(p->from.fd, SHUT_RD);
		pump_stop(p);
	}
	return false;
}

/* Watch whom it is waiting for; move on at once where nobody has to be waited for. */
static void advance(struct pump *p)
{
	while (p->running) {
		bool is_full = !is_empty(p);

		if (is_full && p->to_always && empty(p))
			continue;
		if (!is_full && p->from_always && fill(p))
			continue;
		if (!p->running)
			break;
		watch(p, &p->from, &p->from_watched, is_full || p->from_always ? 0 : EPOLLIN);
		watch(p, &p->to, &p->to_watched, is_full && !p->to_always ? EPOLLOUT : 0);
		break;
	}
	if (p->changed)
		p->changed(p);
}

static int readable(struct loop_source *source, uint32_t events, struct error *err)
{
	struct pump *p = source->data;

	(void)events;
	(void)err;
	(void)fill(p);
	advance(p);
	return 0;
}

static int writable(struct loop_source *source, uint32_t events, struct error *err)
{
	struct pump *p = source->data;

	(void)events;
	(void)err;
	(void)empty(p);
	advance(p);
	return 0;
}

/* Whether epoll refuses it: then it is ready at any time. */
static int try_loop(struct pump *p, struct loop_source *source, bool *ret_always, struct error *err)
{
	*ret_always = false;
	if (loop_add(p->loop, source, 0, err) == 0)
		return loop_remove(p->loop, source, err);
	if (err->errnum != EPERM)
		return -1;
	*ret_always = true;
	return 0;
}

int pump_start(struct pump *p, struct loop *loop, int from, int to, struct error *err)
{
	p->loop = loop;
	p->from = (struct loop_source){.fd = from, .ready = readable, .data = p};
	p->to = (struct loop_source){.fd = to, .ready = writable, .data = p};
	p->from_watched = p->to_watched = 0;
	p->start = p->end = 0;
	p->moved = 0;
	p->running = true;
	if (try_loop(p, &p->from, &p->from_always, err) < 0 ||
	    try_loop(p, &p->to, &p->to_always, err) < 0) {
		pump_stop(p);
		return -1;
	}
	/* not moved here: whoever starts it has more to set up before it may end */
	if (p->from_always) {
		p->to_watched = p->to_always ? 0 : EPOLLOUT;
		if (p->to_watched && loop_add(loop, &p->to, EPOLLOUT, err) < 0)
			return -1;
		return 0;
	}
	p->from_watched = EPOLLIN;
	return loop_add(loop, &p->from, EPOLLIN, err);
}

bool pump_is_dry(const struct pump *p)
{
	int waiting = 0;

	if (!p->running)
		return true;
	return is_empty(p) && !p->from_always && ioctl(p->from.fd, FIONREAD, &waiting) == 0 &&
	       waiting == 0;
}
