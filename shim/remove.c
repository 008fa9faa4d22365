/* SPDX-License-Identifier: Apache-2.0 */
/* Delete: what has ended is forgotten, and all that was made for it removed. */
#include <events.pb-c.h>
#include <task.pb-c.h>

#include "base/log.h"
#include "base/own.h"
#include "rootfs/rootfs.h"

#include "events.h"
#include "life.h"
#include "remove.h"
#include "service.h"
#include "worker.h"

int remove_container(const struct runtime *runtime, const char *id, const char *bundle,
                     struct error *err)
{
	owned_text struct text target = {0};
	struct error ignored;

	text_format(&target, "%s/rootfs", bundle);
	if (text_check(&target, err) < 0)
		return -1;
	if (container_delete_id(runtime, id, true, err) < 0) {
		/* what holds the root file system is not there any more all the same */
		if (rootfs_engine_unmount(target.bytes, &ignored) < 0)
			log_dropped("after a failed delete", &ignored);
		return -1;
	}
	return rootfs_engine_unmount(target.bytes, err);
}

static int run_delete(const struct work *work, struct work_report *ret, struct text *payload,
                      int *console, struct error *err)
{
	const struct task *task = work->data;

	(void)ret;
	(void)payload;
	(void)console;
	return remove_container(&work->shim->runtime, task->id, task->bundle, err);
}

static void answer_deleted(struct shim *shim, const struct caller *caller, const struct process *p)
{
	Pb__DeleteResponse response = PB__DELETE_RESPONSE__INIT;
	Pb__Timestamp stamp;

	response.pid = (uint32_t)p->pid;
	response.exit_status = p->status;
	response.exited_at = codec_time(&p->exited_at, &stamp);
	answer(shim, caller, &response.base);
}

static void tell(const struct process *p)
{
	Pb__TaskDelete event = PB__TASK_DELETE__INIT;
	Pb__Timestamp stamp;

	event.container_id = p->task->id;
	event.pid = (uint32_t)p->pid;
	event.exit_status = p->status;
	event.exited_at = codec_time(&p->exited_at, &stamp);
	event_tell(p->task->shim, EVENT_TASK_DELETE, &event.base);
}

static void deleted(struct work *work, const struct work_report *report, const struct text *payload,
                    int *console)
{
	struct task *task = task_find(work->shim, work->id);

	(void)payload;
	(void)console;
	if (!task)
		return;
	task->deleting = false;
	if (report->failed) {
		refuse(work->shim, &work->caller, &report->err);
		return;
	}
	reap(work->shim); /* of one that had only been created: its end is told first */
	tell(task->processes);
	answer_deleted(work->shim, &work->caller, task->processes);
	task_remove(task);
}

static int delete_first(struct process *p, const struct caller *caller, struct error *err)
{
	const struct work work = {
		.shim = p->task->shim,
		.caller = *caller,
		.id = p->task->id,
		.data = p->task,
		.run = run_delete,
		.done = deleted,
	};

	if (p->task->deleting)
		return fail(err, ERROR_STATE, p->task->id, "is being deleted already");
	if (work_start(&work, err) < 0)
		return -1;
	p->task->deleting = true;
	return 0;
}

int call_delete(struct shim *shim, const struct caller *caller, const void *message,
                struct error *err)
{
	const Pb__ProcessRequest *r = message;
	struct process *p = process_get(shim, r->id, r->exec_id, err);

	if (!p)
		return -1;
	if (p->busy || p->state == PROCESS_RUNNING)
		return fail(err, ERROR_STATE, r->exec_id[0] ? r->exec_id : r->id,
		            "cannot delete a running process");
	if (!p->exec_id[0])
		return delete_first(p, caller, err);
	answer_deleted(shim, caller, p);
	process_remove(p);
	return 0;
}
