/* SPDX-License-Identifier: Apache-2.0 */
/* One timer for all limits. Each limit is as long as the others, so the connections that have one stand in the order
 * in which it ends. */
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "vsock_parts.h"

enum { LISTENER_REST_MS = 1000 };

static struct connection *first(const struct vsock *v)
{
	if (list_empty(&v->timed))
		return NULL;
	return (struct connection *)(void *)((uint8_t *)v->timed.after -
	                                     offsetof(struct connection, timed));
}

void vsock_timer_arm(struct vsock *v)
{
	const struct connection *c = first(v);
	uint64_t at_ms = c ? c->deadline_ms : 0;
	uint64_t rested_ms = (uint64_t)clock_ms() + LISTENER_REST_MS;
	struct itimerspec when = {0};

	if (v->listener_rests && (!c || rested_ms < at_ms))
		at_ms = rested_ms;
	when.it_value.tv_sec = (time_t)(at_ms / 1000);
	when.it_value.tv_nsec = (long)(at_ms % 1000) * 1000000;
	if (timerfd_settime(v->timer.fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		log_debug("vsock: timer not set");
}

void connection_limit(struct connection *c)
{
	struct vsock *v = c->vsock;
	bool idle = list_empty(&v->timed);

	list_remove(&c->timed);
	list_append(&v->timed, &c->timed);
	c->deadline_ms = (uint64_t)clock_ms() + v->options.limit_ms;
	if (idle)
		vsock_timer_arm(v);
}

static int ready(struct loop_source *source, uint32_t events, struct error *err)
{
	struct vsock *v = source->data;
	uint64_t now = (uint64_t)clock_ms(), times;
	struct connection *c;

	(void)events;
	(void)err;
	if (read(source->fd, &times, sizeof(times)) < 0)
		return 0;
	vsock_listen_again(v);
	for (c = first(v); c && c->deadline_ms <= now; c = first(v)) {
		list_remove(&c->timed);
		if (c->state == CONNECTION_ENDED)
			connection_lost(c);
		else
			connection_end(c, true);
	}
	vsock_timer_arm(v);
	vsock_run(v);
	return 0;
}

int vsock_timer_open(struct vsock *v, struct error *err)
{
	v->timer = (struct loop_source){-1, ready, v};
	v->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (v->timer.fd < 0)
		return fail_errno(err, "vsock", "timerfd_create");
	return loop_add(v->loop, &v->timer, EPOLLIN, err);
}
