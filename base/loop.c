/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop.h"

enum { BATCH = 32 };

/* The events of one epoll_wait(2) are kept here until they are handed out, so that a source which is removed
 * meanwhile can be taken out of those that are still to come.
 *
 * Who waits does so without the guard, so another thread may remove a source while the kernel writes the batch, or
 * has written it and nobody was told yet how much. One lock of the kernel's is held while a batch is written and
 * while a source is taken from the list: when EPOLL_CTL_DEL returns, either the source's event is in the batch or it
 * will be in none. So a removal asks the kernel first and looks through the whole batch then; and as it holds the
 * guard, which is needed to hand out, nothing is handed out in between. What was handed out is cleared: it could be
 * taken for what the kernel is about to write there. */
struct loop {
	int epoll;
	bool stopped;
	pthread_mutex_t *guard; /* NULL: none */
	struct epoll_event batch[BATCH];
};

struct loop *loop_new(struct error *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop) {
		(void)fail_errno(err, "loop", "allocate");
		return NULL;
	}
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		(void)fail_errno(err, "loop", "epoll_create");
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	(void)close(loop->epoll);
	free(loop);
}

static int control(struct loop *loop, int operation, struct loop_source *source, uint32_t events,
                   struct error *err)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (epoll_ctl(loop->epoll, operation, source->fd, &event) < 0)
		return fail_errno(err, "loop", "epoll_ctl");
	return 0;
}

int loop_add(struct loop *loop, struct loop_source *source, uint32_t events, struct error *err)
{
	return control(loop, EPOLL_CTL_ADD, source, events, err);
}

int loop_change(struct loop *loop, struct loop_source *source, uint32_t events, struct error *err)
{
	return control(loop, EPOLL_CTL_MOD, source, events, err);
}

int loop_remove(struct loop *loop, struct loop_source *source, struct error *err)
{
	int result = control(loop, EPOLL_CTL_DEL, source, 0, err);

	for (int i = 0; i < BATCH; i++)
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].data.ptr = NULL;
	return result;
}

/* Hand out what a batch of so many holds.
 * Returns  0, or -1 and *err of the source that failed. */
static int hand_out(struct loop *loop, int count, struct error *err)
{
	for (int i = 0; i < count && !loop->stopped; i++) {
		struct epoll_event *event = &loop->batch[i];
		struct loop_source *source = event->data.ptr;

		if (source && source->ready(source, event->events, err) < 0)
			return -1;
	}
	return 0;
}

static int hand_out_guarded(struct loop *loop, int count, struct error *err)
{
	int result;

	if (loop->guard)
		(void)pthread_mutex_lock(loop->guard);
	result = hand_out(loop, count, err);
	memset(loop->batch, 0, sizeof(loop->batch));
	if (loop->guard)
		(void)pthread_mutex_unlock(loop->guard);
	return result;
}

void loop_guard(struct loop *loop, pthread_mutex_t *mutex)
{
	loop->guard = mutex;
}

int loop_run(struct loop *loop, struct error *err)
{
	int result = 0;

	while (!loop->stopped && result == 0) {
		int count = epoll_wait(loop->epoll, loop->batch, BATCH, -1);

		if (count < 0 && errno != EINTR)
			result = fail_errno(err, "loop", "epoll_wait");
		else
			result = hand_out_guarded(loop, count, err);
	}
	loop->stopped = false;
	return result;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
