/* SPDX-License-Identifier: Apache-2.0 */
#include <events.pb-c.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <task.pb-c.h>

#include "base/log.h"

#include "events.h"
#include "life.h"
#include "worker.h"

enum { NOT_STARTED = 255 };

/* ---- telling ---- */

static void tell_start(const struct process *p)
{
	Pb__TaskStart start = PB__TASK_START__INIT;
	Pb__TaskExecStarted exec = PB__TASK_EXEC_STARTED__INIT;

	start.container_id = exec.container_id = p->task->id;
	start.pid = exec.pid = (uint32_t)p->pid;
	exec.exec_id = p->exec_id;
	if (p->exec_id[0])
		event_tell(p->task->shim, EVENT_EXEC_STARTED, &exec.base);
	else
		event_tell(p->task->shim, EVENT_TASK_START, &start.base);
}

static void tell_exit(const struct process *p)
{
	Pb__TaskExit exit = PB__TASK_EXIT__INIT;
	Pb__Timestamp stamp;

	exit.container_id = p->task->id;
	exit.id = p->exec_id[0] ? p->exec_id : p->task->id;
	exit.pid = (uint32_t)p->pid;
	exit.exit_status = p->status;
	exit.exited_at = codec_time(&p->exited_at, &stamp);
	event_tell(p->task->shim, EVENT_TASK_EXIT, &exit.base);
}

static void answer_wait(const struct process *p, const struct caller *caller)
{
	Pb__WaitResponse response = PB__WAIT_RESPONSE__INIT;
	Pb__Timestamp stamp;

	response.exit_status = p->status;
	response.exited_at = codec_time(&p->exited_at, &stamp);
	answer(p->task->shim, caller, &response.base);
}

static void answer_waiters(struct process *p)
{
	while (p->waiters) {
		struct waiter *waiter = p->waiters;

		p->waiters = waiter->next;
		answer_wait(p, &waiter->caller);
		free(waiter);
	}
}

int process_wait_for(struct process *p, const struct caller *caller, struct error *err)
{
	struct waiter *waiter;

	if (p->state == PROCESS_STOPPED) {
		answer_wait(p, caller);
		return 0;
	}
	waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		return fail(err, ERROR_SYSTEM, p->task->id, "out of memory");
	*waiter = (struct waiter){p->waiters, *caller};
	p->waiters = waiter;
	return 0;
}

/* ---- the end of one ---- */

static void stop(struct process *p, bool tell)
{
	p->state = PROCESS_STOPPED;
	stdio_close(&p->stdio);
	if (p->console) {
		console_end(p->console);
		p->console = NULL;
	}
	if (tell)
		tell_exit(p);
	answer_waiters(p);
}

/* ---- a first process that others may outlive ---- */

static int kill_others(const struct work *work, struct work_report *ret, struct text *payload,
                       int *console, struct error *err)
{
	owned_container struct container *c = NULL;

	(void)ret;
	(void)payload;
	(void)console;
	if (container_open(&work->shim->runtime, work->id, false, &c, err) < 0)
		return -1;
	return container_kill(c, SIGKILL, true, err);
}

static void killed_others(struct work *work, const struct work_report *report,
                          const struct text *payload, int *console)
{
	struct process *p = life_find(work->shim, work->id, "");

	(void)payload;
	(void)console;
	if (report->failed)
		log_dropped("while ending what a container left", &report->err);
	if (p && p->has_ended && p->state != PROCESS_STOPPED)
		stop(p, true);
}

/* Its end is told when all of the container has ended. */
static bool ends_others_first(const struct process *p)
{
	const struct work work = {
		.shim = p->task->shim,
		.id = p->task->id,
		.run = kill_others,
		.done = killed_others,
	};
	struct error err;

	if (p->exec_id[0] || !p->task->shared_pids)
		return false;
	if (work_start(&work, &err) == 0)
		return true;
	log_dropped("while ending what a container left", &err);
	return false;
}

static void end(struct process *p)
{
	if (!p->exec_id[0]) {
		oom_look(p->task);
		oom_unwatch(p->task);
	}
	if (!ends_others_first(p))
		stop(p, true);
}

/* ---- states ---- */

/* Nobody is busy with it any more. */
static void settle(struct process *p)
{
	p->busy = false;
	if (p->has_ended)
		end(p);
}

void life_created(struct process *p, pid_t pid)
{
	p->pid = pid;
	p->state = PROCESS_CREATED;
	settle(p);
}

void life_started(struct process *p)
{
	p->state = PROCESS_RUNNING;
	tell_start(p);
	if (!p->exec_id[0])
		oom_watch(p->task);
	settle(p);
}

/* A first process that Create made ends, and will be reaped; of one that Start should have made nothing is left. */
void life_not_started(struct process *p)
{
	if (process_is_made_late(p)) {
		p->busy = false;
		p->status = NOT_STARTED;
		(void)clock_gettime(CLOCK_REALTIME, &p->exited_at);
		stop(p, false);
		return;
	}
	settle(p);
}

void life_ended(struct process *p, int status)
{
	if (p->has_ended)
		return;
	p->has_ended = true;
	p->status = (uint32_t)status;
	(void)clock_gettime(CLOCK_REALTIME, &p->exited_at);
	if (!p->busy)
		end(p);
}
