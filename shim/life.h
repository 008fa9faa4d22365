/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_LIFE_H
#define SHIM_LIFE_H

#include <time.h>

#include "base/loop.h"

#include "connection.h"
#include "console.h"
#include "settings.h"
#include "stdio.h"

/* Containers and their processes, and the only functions that change what state they are in. */

enum process_state {
	PROCESS_CREATING, /* a worker makes the container */
	PROCESS_CREATED, /* the container waits for Start; a further process was announced by Exec */
	PROCESS_RUNNING,
	PROCESS_STOPPED,
};

struct waiter {
	struct waiter *next;
	struct caller caller;
};

struct process {
	struct process *next;
	struct task *task;
	char *exec_id; /* "": the container's first */
	enum process_state state;
	bool busy;      /* a worker makes or starts it: who it is is told after that */
	bool has_ended; /* it was reaped; STOPPED follows when nobody is busy with it */
	pid_t pid;
	uint32_t status;
	struct timespec exited_at;
	bool terminal;
	char *paths[3];   /* of its stdio, as containerd says them */
	struct text spec; /* of a further process: the process object */
	struct stdio stdio;
	struct console *console;
	struct console *outputs[2]; /* of a further one without a terminal, until it is deleted */
	struct waiter *waiters;
};

enum { WATCHES = 5 }; /* of oom.c */

struct task {
	struct task *next;
	struct shim *shim;
	char *id, *bundle;
	char *images; /* of the checkpoint that Start restores; NULL: it runs a program */
	struct settings settings;
	struct process *processes; /* the first one is the container's */
	bool paused, shared_pids, deleting;
	struct container *watched; /* for OOM kills; NULL: nobody counts them */
	struct loop_source watches[WATCHES];
};

/* A new container with its first process, CREATING, in the list. NULL and *err. */
struct task *task_new(struct shim *shim, const char *id, const char *bundle, struct error *err);
/* A further process. NULL and *err. */
struct process *process_new(struct task *task, const char *exec_id, struct error *err);

/* NULL: there is none. */
struct task *task_find(const struct shim *shim, const char *id);
struct process *life_find(const struct shim *shim, const char *id, const char *exec_id);
struct process *process_of(const struct shim *shim, pid_t pid);
/* The same, with *err (NOT_FOUND). */
struct task *task_get(const struct shim *shim, const char *id, struct error *err);
struct process *process_get(const struct shim *shim, const char *id, const char *exec_id,
                            struct error *err);

/* Whether Start makes it; else it is there since Create. */
bool process_is_made_late(const struct process *p);

/* Keep what a Create or Exec says of stdio. */
int process_keep_stdio(struct process *p, const struct stdio_request *request,
                       struct error *err) FALLIBLE;
/* The console of what a worker made, or who copies its outputs; takes *master. */
int process_take_console(struct process *p, int *master, struct error *err) FALLIBLE;

/* It was created: CREATED. It was started: RUNNING; then what happened meanwhile is told. */
void life_created(struct process *p, pid_t pid);
void life_started(struct process *p);
/* It could not be started. */
void life_not_started(struct process *p);
/* It was reaped. */
void life_ended(struct process *p, int status);

void process_remove(struct process *p);
void task_remove(struct task *task);

/* Answer once it has stopped. Returns 0, or -1 and *err. */
int process_wait_for(struct process *p, const struct caller *caller, struct error *err) FALLIBLE;

/* oom.c: watch the container's kills from now on, where somebody counts them; stop it; look once more. */
void oom_watch(struct task *task);
void oom_unwatch(struct task *task);
void oom_look(struct task *task);

/* reap.c: take in all children that have ended. */
void reap(struct shim *shim);

#endif
