/* SPDX-License-Identifier: Apache-2.0 */
/* What only asks, and what a terminal needs. */
#include <metrics.pb-c.h>
#include <string.h>
#include <task.pb-c.h>
#include <unistd.h>

#include "base/own.h"
#include "base/version.h"

#include "life.h"
#include "metrics.h"
#include "serve.h"
#include "service.h"
#include "worker.h"

/* containerd waits 5 s for Pids when it is restarted. */
enum { PIDS_WITHIN_S = 3, PIDS_BYTES_LIMIT = 1 << 20 };

static Pb__TaskStatus status_of(const struct process *p)
{
	switch (p->state) {
	case PROCESS_CREATING:
	case PROCESS_CREATED:
		return PB__TASK_STATUS__CREATED;
	case PROCESS_STOPPED:
		return PB__TASK_STATUS__STOPPED;
	default:
		return p->task->paused && !p->exec_id[0] ? PB__TASK_STATUS__PAUSED
		                                         : PB__TASK_STATUS__RUNNING;
	}
}

int call_state(struct shim *shim, const struct caller *caller, const void *message,
               struct error *err)
{
	const Pb__ProcessRequest *r = message;
	const struct process *p = process_get(shim, r->id, r->exec_id, err);
	Pb__StateResponse response = PB__STATE_RESPONSE__INIT;
	Pb__Timestamp stamp;

	if (!p)
		return -1;
	response.id = p->task->id;
	response.bundle = p->task->bundle;
	response.pid = (uint32_t)p->pid;
	response.status = status_of(p);
	response.stdin = p->paths[0];
	response.stdout = p->paths[1];
	response.stderr = p->paths[2];
	response.terminal = p->terminal;
	response.exit_status = p->status;
	response.exited_at = codec_time(&p->exited_at, &stamp);
	response.exec_id = p->exec_id;
	answer(shim, caller, &response.base);
	return 0;
}

int call_wait(struct shim *shim, const struct caller *caller, const void *message,
              struct error *err)
{
	const Pb__ProcessRequest *r = message;
	struct process *p = process_get(shim, r->id, r->exec_id, err);

	return p ? process_wait_for(p, caller, err) : -1;
}

int call_connect(struct shim *shim, const struct caller *caller, const void *message,
                 struct error *err)
{
	const Pb__ProcessRequest *r = message;
	const struct task *task = task_find(shim, r->id);
	Pb__ConnectResponse response = PB__CONNECT_RESPONSE__INIT;

	(void)err;
	response.shim_pid = (uint32_t)getpid();
	response.task_pid = task ? (uint32_t)task->processes->pid : 0;
	response.version = codec_text(CELLA_VERSION);
	answer(shim, caller, &response.base);
	return 0;
}

/* ---- processes and numbers ---- */

/* Which of them Exec made, and how they are called there. */
static void name_process(const struct task *task, Pb__ProcessInfo *info, struct arena *arena)
{
	Pb__ProcessDetails details = PB__PROCESS_DETAILS__INIT;
	Pb__Any *any = ARENA_NEW(arena, Pb__Any);

	for (const struct process *p = task->processes; p && any; p = p->next) {
		owned_text struct text bytes = {0};

		if (!p->exec_id[0] || p->pid != (pid_t)info->pid)
			continue;
		details.exec_id = p->exec_id;
		codec_pack(&details.base, &bytes);
		pb__any__init(any);
		any->type_url = codec_text("containerd.runc.v1.ProcessDetails");
		any->value.data = arena_alloc(arena, bytes.length, 1);
		if (!any->value.data)
			return; /* the arena knows */
		memcpy(any->value.data, bytes.bytes, bytes.length);
		any->value.len = bytes.length;
		info->info = any;
	}
}

static int pack_pids(const struct task *task, const pid_t *pids, size_t count, struct arena *arena,
                     struct text *out, struct error *err)
{
	Pb__PidsResponse response = PB__PIDS_RESPONSE__INIT;
	Pb__ProcessInfo *infos = arena_alloc(arena, count + 1, sizeof(*infos));
	Pb__ProcessInfo **list = arena_alloc(arena, count + 1, sizeof(Pb__ProcessInfo *));

	if (arena_check(arena, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		pb__process_info__init(&infos[i]);
		infos[i].pid = (uint32_t)pids[i];
		name_process(task, &infos[i], arena);
		list[i] = &infos[i];
	}
	response.processes = list;
	response.n_processes = count;
	codec_pack(&response.base, out);
	return arena_check(arena, err) < 0 ? -1 : text_check(out, err);
}

static int run_pids(const struct work *work, struct work_report *ret, struct text *payload,
                    int *console, struct error *err)
{
	owned_container struct container *c = NULL;
	pid_t *pids;
	size_t count;

	(void)ret;
	(void)console;
	(void)alarm(PIDS_WITHIN_S);
	if (container_open(&work->shim->runtime, work->id, false, &c, err) < 0 ||
	    container_processes(c, &pids, &count, err) < 0)
		return -1;
	return pack_pids(work->data, pids, count, c->arena, payload, err);
}

/* What was made here and has not ended, as far as is known without asking anybody.
 * Returns  0, or -1 and *err: nothing is. */
static int pack_known(const struct task *task, struct text *out, struct error *err)
{
	owned_arena struct arena *arena = arena_new(PIDS_BYTES_LIMIT);
	size_t most = 0, count = 0;
	pid_t *pids;

	if (!arena)
		return fail(err, ERROR_SYSTEM, task->id, "out of memory");
	for (const struct process *p = task->processes; p; p = p->next)
		most++;
	pids = arena_alloc(arena, most, sizeof(*pids));
	if (!pids)
		return arena_check(arena, err);
	for (const struct process *p = task->processes; p; p = p->next)
		if (p->pid > 0 && !p->has_ended)
			pids[count++] = p->pid;
	if (count == 0 || pids[0] != task->processes->pid)
		return fail(err, ERROR_STATE, task->id, "has ended");
	return pack_pids(task, pids, count, arena, out, err);
}

/* Without any process containerd takes a container for a leak when it is restarted, and forgets it, whatever the error
 * says; not every one can be asked: a machine that is paused, a guest that does not answer, one without a cgroup. */
static void answer_pids(struct work *work, const struct work_report *report,
                        const struct text *payload, int *console)
{
	const struct task *task = task_find(work->shim, work->id);
	owned_text struct text known = {0};
	struct error ignored;

	if ((report->failed || payload->length == 0) && task &&
	    pack_known(task, &known, &ignored) == 0)
		answer_bytes(work->shim, &work->caller, &known);
	else
		work_answer(work, report, payload, console);
}

static int run_stats(const struct work *work, struct work_report *ret, struct text *payload,
                     int *console, struct error *err)
{
	owned_container struct container *c = NULL;
	struct stats stats;

	(void)ret;
	(void)console;
	if (container_open(&work->shim->runtime, work->id, false, &c, err) < 0 ||
	    container_stats(c, c->arena, &stats, err) < 0)
		return -1;
	return metrics_pack(&stats, c->arena, payload, err);
}

/* what  run() and done() of a work about a container. */
static int ask(struct shim *shim, const struct caller *caller, const char *id,
               const struct work *what, struct error *err)
{
	const struct task *task = task_get(shim, id, err);
	struct work work = *what;

	work.shim = shim;
	work.caller = *caller;
	work.id = id;
	work.data = task;
	return task ? work_start(&work, err) : -1;
}

int call_pids(struct shim *shim, const struct caller *caller, const void *message,
              struct error *err)
{
	static const struct work pids = {.run = run_pids, .done = answer_pids};
	const Pb__ProcessRequest *r = message;

	return ask(shim, caller, r->id, &pids, err);
}

int call_stats(struct shim *shim, const struct caller *caller, const void *message,
               struct error *err)
{
	static const struct work stats = {.run = run_stats, .done = work_answer};
	const Pb__ProcessRequest *r = message;

	return ask(shim, caller, r->id, &stats, err);
}

/* ---- terminals and input ---- */

int call_resize(struct shim *shim, const struct caller *caller, const void *message,
                struct error *err)
{
	const Pb__ResizePtyRequest *r = message;
	struct process *p = process_get(shim, r->id, r->exec_id, err);

	if (!p)
		return -1;
	if (p->console && console_resize(p->console, r->width, r->height, err) < 0)
		return -1;
	answer_done(shim, caller); /* without a terminal, or after its end, it is nothing */
	return 0;
}

int call_close_io(struct shim *shim, const struct caller *caller, const void *message,
                  struct error *err)
{
	const Pb__CloseIORequest *r = message;
	struct process *p = process_get(shim, r->id, r->exec_id, err);

	if (!p)
		return -1;
	if (r->stdin && p->console)
		console_close_input(p->console);
	else if (r->stdin && p->stdio.hold[0] >= 0)
		(void)close(take_fd(&p->stdio.hold[0]));
	answer_done(shim, caller);
	return 0;
}

int call_shutdown(struct shim *shim, const struct caller *caller, const void *message,
                  struct error *err)
{
	const Pb__ShutdownRequest *r = message;

	(void)err;
	answer_done(shim, caller);
	if (!shim->tasks || r->now)
		serve_no_more(shim);
	return 0;
}
