/* SPDX-License-Identifier: Apache-2.0 */
/* Kills for want of memory: the container is kept open, and the files that its executor looks at are watched. One of
 * them may be a connection to a guest: it is let rest after each look, as a guest can say as much as it likes. */
#include <errno.h>
#include <events.pb-c.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"

#include "events.h"
#include "life.h"

enum { REST_MS = 100 };

/* In the order of task->watches. */
enum { POPULATION, MEMORY, ABOVE, GUEST, REST };
_Static_assert(REST + 1 == WATCHES, "a source a watch");

static void watch(struct task *task, int which, int fd, uint32_t events)
{
	struct error err;

	task->watches[which].fd = fd;
	if (fd >= 0 && loop_add(task->shim->loop, &task->watches[which], events, &err) < 0) {
		log_dropped("OOM", &err);
		task->watches[which].fd = -1;
	}
}

static void unwatch(struct task *task, int which)
{
	struct loop_source *source = &task->watches[which];
	struct error ignored;

	if (source->fd >= 0 && loop_remove(task->shim->loop, source, &ignored) < 0)
		log_dropped("OOM", &ignored);
	source->fd = -1;
}

static void tell(const struct task *task)
{
	Pb__TaskEvent event = PB__TASK_EVENT__INIT;

	event.container_id = task->id;
	event_tell(task->shim, EVENT_TASK_OOM, &event.base);
}

/* The guest is listened to again when it has rested. */
static void let_rest(struct task *task)
{
	static const struct itimerspec once = {.it_value.tv_nsec = REST_MS * 1000000L};

	if (task->watches[REST].fd < 0) {
		owned_fd timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

		watch(task, REST, timer, EPOLLIN);
		if (task->watches[REST].fd >= 0)
			(void)take_fd(&timer);
	}
	if (timerfd_settime(task->watches[REST].fd, 0, &once, NULL) < 0)
		log_warning("OOM: timer: %s", strerrordesc_np(errno));
}

/* Returns  whether it goes on. */
static bool look(struct task *task)
{
	enum container_event event = EVENT_NONE;
	struct error err;

	unwatch(task, GUEST); /* it is closed where it has ended */
	if (container_watch(task->watched, 0, &event, &err) < 0)
		return false;
	if (task->watched->watch.other >= 0)
		let_rest(task);
	if (event == EVENT_OOM)
		tell(task);
	return event != EVENT_END;
}

void oom_look(struct task *task)
{
	if (task->watched)
		(void)look(task);
}

void oom_unwatch(struct task *task)
{
	int timer = task->watches[REST].fd; /* the others are the container's own */

	for (int i = 0; i < WATCHES; i++)
		unwatch(task, i);
	fd_release(&timer);
	container_free(task->watched);
	task->watched = NULL;
}

static int ready(struct loop_source *self, uint32_t events, struct error *err)
{
	struct task *task = self->data;

	(void)events;
	(void)err;
	if (!look(task))
		oom_unwatch(task);
	return 0;
}

static int rested(struct loop_source *self, uint32_t events, struct error *err)
{
	struct task *task = self->data;
	uint64_t times;

	(void)events;
	(void)err;
	if (read(self->fd, &times, sizeof(times)) > 0)
		watch(task, GUEST, task->watched->watch.other, EPOLLIN);
	return 0;
}

void oom_watch(struct task *task)
{
	const struct container_watch *of;
	struct error err;

	if (container_open(&task->shim->runtime, task->id, false, &task->watched, &err) < 0) {
		task->watched = NULL; /* it has ended already */
		return;
	}
	for (int i = 0; i < WATCHES; i++)
		task->watches[i] = (struct loop_source){-1, i == REST ? rested : ready, task};
	if (!look(task)) {
		oom_unwatch(task);
		return;
	}
	of = &task->watched->watch;
	watch(task, POPULATION, of->population, EPOLLPRI);
	watch(task, MEMORY, of->memory, EPOLLPRI);
	watch(task, ABOVE, of->above, EPOLLPRI);
}
