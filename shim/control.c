/* SPDX-License-Identifier: Apache-2.0 */
/* What changes a container that is there: signals, pause and resume, limits, and its removal. */
#include <errno.h>
#include <events.pb-c.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <task.pb-c.h>

#include "base/own.h"

#include "events.h"
#include "life.h"
#include "service.h"
#include "worker.h"

/* ---- kill ---- */

static int run_kill(const struct work *work, struct work_report *ret, struct text *payload,
                    int *console, struct error *err)
{
	const Pb__KillRequest *r = work->data;
	owned_container struct container *c = NULL;

	(void)ret;
	(void)payload;
	(void)console;
	if (container_open(&work->shim->runtime, work->id, false, &c, err) < 0 ||
	    container_kill(c, (int)r->signal, r->all, err) < 0) {
		bool gone = err->kind == ERROR_STATE || err->errnum == ESRCH;

		return gone ? fail_missing(err, work->id, "process already finished") : -1;
	}
	return 0;
}

/* A further process: its pid is ours to reap, so it is nobody else's. */
static int kill_further(const struct process *p, int signum, struct error *err)
{
	owned_fd pidfd = -1;

	if (p->state == PROCESS_CREATED)
		return fail(err, ERROR_STATE, p->exec_id, "has not been started");
	pidfd = pidfd_open(p->pid, 0);
	if (pidfd < 0)
		return fail_errno(err, p->exec_id, "pidfd_open");
	return process_signal(pidfd, signum, err);
}

int call_kill(struct shim *shim, const struct caller *caller, const void *message,
              struct error *err)
{
	const Pb__KillRequest *r = message;
	struct process *p = process_get(shim, r->id, r->exec_id, err);
	const struct work work = {
		.shim = shim,
		.caller = *caller,
		.id = r->id,
		.data = r,
		.run = run_kill,
		.done = work_answer,
	};

	if (!p)
		return -1;
	if (p->has_ended || p->state == PROCESS_STOPPED)
		return fail_missing(err, r->id, "process already finished");
	if (r->signal == 0 || r->signal > (uint32_t)SIGRTMAX)
		return fail(err, ERROR_USAGE, "signal", "%u is no signal", r->signal);
	if (!p->exec_id[0])
		return work_start(&work, err);
	if (kill_further(p, (int)r->signal, err) < 0)
		return err->errnum == ESRCH
		               ? fail_missing(err, r->exec_id, "process already finished")
		               : -1;
	answer_done(shim, caller);
	return 0;
}

/* ---- pause, resume ---- */

static int run_pause(const struct work *work, struct work_report *ret, struct text *payload,
                     int *console, struct error *err)
{
	const bool *pause = work->data;
	owned_container struct container *c = NULL;

	(void)ret;
	(void)payload;
	(void)console;
	if (container_open(&work->shim->runtime, work->id, true, &c, err) < 0)
		return -1;
	return *pause ? container_pause(c, err) : container_resume(c, err);
}

static void changed(struct work *work, const struct work_report *report, bool paused)
{
	struct task *task = task_find(work->shim, work->id);
	Pb__TaskEvent event = PB__TASK_EVENT__INIT;

	if (task && !report->failed) {
		task->paused = paused;
		event.container_id = task->id;
		event_tell(work->shim, paused ? EVENT_TASK_PAUSED : EVENT_TASK_RESUMED,
		           &event.base);
	}
}

static void paused(struct work *work, const struct work_report *report, const struct text *payload,
                   int *console)
{
	changed(work, report, true);
	work_answer(work, report, payload, console);
}

static void resumed(struct work *work, const struct work_report *report, const struct text *payload,
                    int *console)
{
	changed(work, report, false);
	work_answer(work, report, payload, console);
}

static int pause_or_resume(struct shim *shim, const struct caller *caller, const char *id,
                           bool pause, struct error *err)
{
	const struct work work = {
		.shim = shim,
		.caller = *caller,
		.id = id,
		.data = &pause,
		.run = run_pause,
		.done = pause ? paused : resumed,
	};

	return task_get(shim, id, err) ? work_start(&work, err) : -1;
}

int call_pause(struct shim *shim, const struct caller *caller, const void *message,
               struct error *err)
{
	const Pb__ProcessRequest *r = message;

	return pause_or_resume(shim, caller, r->id, true, err);
}

int call_resume(struct shim *shim, const struct caller *caller, const void *message,
                struct error *err)
{
	const Pb__ProcessRequest *r = message;

	return pause_or_resume(shim, caller, r->id, false, err);
}

/* ---- limits ---- */

static int run_update(const struct work *work, struct work_report *ret, struct text *payload,
                      int *console, struct error *err)
{
	const Pb__Any *any = work->data;
	owned_container struct container *c = NULL;
	struct spec_resources *resources;

	(void)ret;
	(void)payload;
	(void)console;
	if (container_open(&work->shim->runtime, work->id, true, &c, err) < 0 ||
	    spec_read_resources("resources", (const char *)any->value.data, any->value.len,
	                        c->arena, &resources, err) < 0)
		return -1;
	return container_update(c, resources, err);
}

int call_update(struct shim *shim, const struct caller *caller, const void *message,
                struct error *err)
{
	const Pb__UpdateTaskRequest *r = message;
	const struct work work = {
		.shim = shim,
		.caller = *caller,
		.id = r->id,
		.data = r->resources,
		.run = run_update,
		.done = work_answer,
	};

	if (!task_get(shim, r->id, err))
		return -1;
	if (!r->resources)
		return fail(err, ERROR_USAGE, "resources", "are needed");
	return work_start(&work, err);
}
