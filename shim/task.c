/* SPDX-License-Identifier: Apache-2.0 */
/* The list of containers and processes: made, found, removed. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

#include "life.h"

/* Nobody waits for ever for what was deleted before it ended. */
static void refuse_waiters(struct process *p)
{
	struct error why;

	(void)fail_missing(&why, p->exec_id[0] ? p->exec_id : p->task->id, "deleted");
	while (p->waiters) {
		struct waiter *waiter = p->waiters;

		p->waiters = waiter->next;
		refuse(p->task->shim, &waiter->caller, &why);
		free(waiter);
	}
}

static void process_free(struct process *p)
{
	refuse_waiters(p);
	stdio_close(&p->stdio);
	if (p->console)
		console_end(p->console);
	for (int i = 0; i < 2; i++)
		if (p->outputs[i])
			console_end(p->outputs[i]);
	for (int i = 0; i < 3; i++)
		free(p->paths[i]);
	text_free(&p->spec);
	free(p->exec_id);
	free(p);
}

struct process *process_new(struct task *task, const char *exec_id, struct error *err)
{
	struct process *p = calloc(1, sizeof(*p));
	struct process **at = &task->processes;

	if (p) {
		p->exec_id = strdup(exec_id);
		p->task = task;
		p->stdio = (struct stdio)STDIO_NONE;
	}
	if (!p || !p->exec_id) {
		(void)fail(err, ERROR_SYSTEM, task->id, "out of memory");
		free(p);
		return NULL;
	}
	while (*at) /* the first one stays the first */
		at = &(*at)->next;
	*at = p;
	return p;
}

struct task *task_new(struct shim *shim, const char *id, const char *bundle, struct error *err)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task) {
		(void)fail(err, ERROR_SYSTEM, id, "out of memory");
		return NULL;
	}
	task->shim = shim;
	task->id = strdup(id);
	task->bundle = strdup(bundle);
	for (int i = 0; i < WATCHES; i++)
		task->watches[i].fd = -1;
	task->next = shim->tasks;
	shim->tasks = task;
	if (task->id && task->bundle && process_new(task, "", err))
		return task;
	(void)fail(err, ERROR_SYSTEM, id, "out of memory");
	task_remove(task);
	return NULL;
}

struct task *task_find(const struct shim *shim, const char *id)
{
	for (struct task *task = shim->tasks; task; task = task->next)
		if (strcmp(task->id, id) == 0)
			return task;
	return NULL;
}

struct process *life_find(const struct shim *shim, const char *id, const char *exec_id)
{
	const struct task *task = task_find(shim, id);

	for (struct process *p = task ? task->processes : NULL; p; p = p->next)
		if (strcmp(p->exec_id, exec_id) == 0)
			return p;
	return NULL;
}

struct process *process_of(const struct shim *shim, pid_t pid)
{
	for (const struct task *task = shim->tasks; task; task = task->next)
		for (struct process *p = task->processes; p; p = p->next)
			if (p->pid == pid && !p->has_ended)
				return p;
	return NULL;
}

struct task *task_get(const struct shim *shim, const char *id, struct error *err)
{
	struct task *task = task_find(shim, id);

	if (!task)
		(void)fail_missing(err, id, "container");
	return task;
}

struct process *process_get(const struct shim *shim, const char *id, const char *exec_id,
                            struct error *err)
{
	struct process *p = life_find(shim, id, exec_id);

	if (!p)
		(void)fail_missing(err, exec_id[0] ? exec_id : id,
		                   exec_id[0] ? "process" : "container");
	return p;
}

bool process_is_made_late(const struct process *p)
{
	return p->exec_id[0] || p->task->images;
}

int process_keep_stdio(struct process *p, const struct stdio_request *request, struct error *err)
{
	p->terminal = request->terminal;
	for (int i = 0; i < 3; i++) {
		p->paths[i] = strdup(request->paths[i]);
		if (!p->paths[i])
			return fail(err, ERROR_SYSTEM, p->task->id, "out of memory");
	}
	return 0;
}

static int take_outputs(struct process *p, struct error *err)
{
	for (int i = 1; i < 3; i++) {
		if (p->stdio.pipe[i] < 0)
			continue;
		p->outputs[i - 1] = console_start_pipe(p->task->shim, &p->stdio, i, err);
		if (!p->outputs[i - 1])
			return -1;
	}
	return 0;
}

int process_take_console(struct process *p, int *master, struct error *err)
{
	stdio_hold(&p->stdio);
	if (!p->terminal) {
		stdio_close_ends(&p->stdio); /* the process has them */
		return take_outputs(p, err);
	}
	if (*master < 0)
		return fail(err, ERROR_SYSTEM, "terminal", "its master end is missing");
	p->console = console_start(p->task->shim, master, &p->stdio, err);
	return p->console ? 0 : -1;
}

void process_remove(struct process *p)
{
	struct process **at = &p->task->processes;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	process_free(p);
}

void task_remove(struct task *task)
{
	struct task **at = &task->shim->tasks;
	struct process *p, *next;

	oom_unwatch(task);
	for (p = task->processes; p; p = next) {
		next = p->next;
		process_free(p);
	}
	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	free(task->id);
	free(task->bundle);
	free(task->images);
	free(task);
}
