/* SPDX-License-Identifier: Apache-2.0 */
/* Exec announces a further process; Start, of the first and of further ones. */
#include <events.pb-c.h>
#include <string.h>
#include <task.pb-c.h>

#include "base/log.h"
#include "base/own.h"

#include "events.h"
#include "life.h"
#include "service.h"
#include "worker.h"

int call_exec(struct shim *shim, const struct caller *caller, const void *message,
              struct error *err)
{
	const Pb__ExecProcessRequest *r = message;
	const struct stdio_request stdio = {
		.paths = {r->stdin, r->stdout, r->stderr},
		.terminal = r->terminal,
	};
	Pb__TaskExecAdded event = PB__TASK_EXEC_ADDED__INIT;
	struct task *task = task_get(shim, r->id, err);
	struct process *p;

	if (!task)
		return -1;
	if (!r->exec_id[0] || !r->spec)
		return fail(err, ERROR_USAGE, "Exec", "exec_id and spec are needed");
	if (life_find(shim, r->id, r->exec_id))
		return fail_exists(err, r->exec_id, "process");
	p = process_new(task, r->exec_id, err);
	if (!p)
		return -1;
	p->state = PROCESS_CREATED;
	text_append_n(&p->spec, (const char *)r->spec->value.data, r->spec->value.len);
	if (text_check(&p->spec, err) < 0 || process_keep_stdio(p, &stdio, err) < 0) {
		process_remove(p);
		return -1;
	}
	event.container_id = r->id;
	event.exec_id = r->exec_id;
	event_tell(shim, EVENT_EXEC_ADDED, &event.base);
	answer_done(shim, caller);
	return 0;
}

/* ---- the worker ---- */

static int run_start(const struct work *work, struct work_report *ret, struct text *payload,
                     int *console, struct error *err)
{
	owned_container struct container *c = NULL;

	(void)payload;
	(void)console;
	if (container_open(&work->shim->runtime, work->id, true, &c, err) < 0 ||
	    container_start(c, err) < 0)
		return -1;
	ret->pid = c->state.pid;
	return 0;
}

static int run_exec(const struct work *work, struct work_report *ret, struct text *payload,
                    int *console, struct error *err)
{
	const struct process *p = work->data;
	owned_container struct container *c = NULL;
	const struct exec_options options = {.preserve_fds = 0};
	struct exec_result made = {.pidfd = -1, .console = -1};
	struct spec_process *process;

	(void)payload;
	if (container_open(&work->shim->runtime, work->id, false, &c, err) < 0 ||
	    spec_read_process("process", p->spec.bytes, p->spec.length, c->arena, &process, err) <
	            0)
		return -1;
	process->terminal = p->terminal;
	if (container_exec(c, process, &options, &made, err) < 0)
		return -1;
	ret->pid = made.pid;
	*console = made.console;
	return 0;
}

/* ---- the server ---- */

static void started(struct work *work, const struct work_report *report, const struct text *payload,
                    int *console)
{
	struct process *p = life_find(work->shim, work->id, work->exec_id);
	Pb__PidResponse response = PB__PID_RESPONSE__INIT;
	struct error err = report->err;

	(void)payload;
	if (!p)
		return;
	text_free(&p->spec);
	if (report->failed ||
	    (process_is_made_late(p) && process_take_console(p, console, &err) < 0)) {
		refuse(work->shim, &work->caller, &err);
		life_not_started(p);
		return;
	}
	p->pid = report->pid;
	if (!p->exec_id[0] && p->task->images)
		p->task->shared_pids = report->shared_pids;
	response.pid = (uint32_t)p->pid;
	answer(work->shim, &work->caller, &response.base);
	life_started(p);
}

static int open_stdio(struct process *p, struct error *err)
{
	const struct stdio_request stdio = {
		.paths = {p->paths[0], p->paths[1], p->paths[2]},
		.terminal = p->terminal,
		.piped = p->exec_id[0] != '\0',
		.id = p->task->id,
		.namespace = p->task->shim->options->namespace,
	};

	return stdio_open(&stdio, &p->stdio, err);
}

int call_start(struct shim *shim, const struct caller *caller, const void *message,
               struct error *err)
{
	const Pb__ProcessRequest *r = message;
	struct process *p = process_get(shim, r->id, r->exec_id, err);

	if (!p)
		return -1;
	if (p->state != PROCESS_CREATED || p->busy || p->has_ended)
		return fail(err, ERROR_STATE, r->id, "cannot start: it is not newly created");
	const struct work work = {
		.shim = shim,
		.caller = *caller,
		.id = r->id,
		.exec_id = r->exec_id,
		.data = p,
		.stdio = process_is_made_late(p) ? &p->stdio : NULL,
		.terminal = p->terminal,
		.run = p->exec_id[0]     ? run_exec
	               : p->task->images ? create_restore
	                                 : run_start,
		.done = started,
	};

	p->busy = true;
	if ((!process_is_made_late(p) || open_stdio(p, err) == 0) && work_start(&work, err) == 0)
		return 0;
	p->busy = false;
	if (process_is_made_late(p)) /* opened anew by the next Start */
		stdio_close(&p->stdio);
	return -1;
}
