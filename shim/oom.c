/* SPDX-License-Identifier: Apache-2.0 */
/* Kills for want of memory: the container is kept open, and the files that its executor looks at are watched. */
#include <events.pb-c.h>
#include <sys/epoll.h>

#include "base/log.h"

#include "events.h"
#include "life.h"

static void tell(const struct task *task)
{
	Pb__TaskEvent event = PB__TASK_EVENT__INIT;

	event.container_id = task->id;
	event_tell(task->shim, EVENT_TASK_OOM, &event.base);
}

/* Returns  whether it goes on. */
static bool look(struct task *task)
{
	enum container_event event = EVENT_NONE;
	struct error err;

	if (container_watch(task->watched, 0, &event, &err) < 0)
		return false;
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
	struct error ignored;

	for (int i = 0; i < WATCHES; i++) {
		if (task->watches[i].fd >= 0 &&
		    loop_remove(task->shim->loop, &task->watches[i], &ignored) < 0)
			log_dropped("OOM", &ignored);
		task->watches[i].fd = -1; /* the container's own */
	}
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

void oom_watch(struct task *task)
{
	const struct container_watch *watch;
	enum container_event event;
	struct error err;

	if (container_open(&task->shim->runtime, task->id, false, &task->watched, &err) < 0) {
		task->watched = NULL; /* it has ended already */
		return;
	}
	watch = &task->watched->watch;
	if (container_watch(task->watched, 0, &event, &err) < 0 || event == EVENT_END) {
		oom_unwatch(task);
		return;
	}
	const int fds[WATCHES] = {watch->population, watch->memory, watch->above};

	for (int i = 0; i < WATCHES; i++) {
		if (fds[i] < 0)
			continue;
		task->watches[i] = (struct loop_source){fds[i], ready, task};
		if (loop_add(task->shim->loop, &task->watches[i], EPOLLPRI, &err) < 0) {
			log_dropped("OOM", &err);
			task->watches[i].fd = -1;
		}
	}
}
