/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

/* shim: containerd-shim-cella-v2, what containerd talks to.
 *
 * PROMISE: the Task service over ttrpc, the events containerd waits for in their order, and the stdio of
 * containers, done with the verbs of runtime/runtime.h in this program; nobody but our own user is let in.
 *
 * Theory of operation. Actors:
 *
 *	containerd   executes us with `start` and `delete`, then talks to the server over its socket
 *	server       one for a container, or for all containers of a pod; parent (as subreaper) of all that
 *	             its workers leave; one thread, one loop, nothing in it waits (serve.c)
 *	worker       a copy of the server that does one thing of the runtime that may take its time (create,
 *	             start, exec, delete, ...), reports over a socket and ends (worker.c)
 *	container    what a worker made: the server's child once the worker has ended
 *	console      the server's copying between a terminal's master and the FIFOs (console.c), and from the
 *	             pipes that a further process without a terminal has as outputs: what it leaves behind must
 *	             not keep the FIFOs open. A first process has the FIFOs themselves: nothing is copied
 *	logger       a program that a binary:// URI names; ends with the pipes that it reads (logger.c)
 *
 * A process (struct process) is CREATED, RUNNING, STOPPED; while a worker makes or starts it, it is busy, and what
 * is reaped meanwhile is told afterwards: so start is before exit. Its state changes in life.c alone.
 *
 * Who dies when: a worker that is killed is a call that failed. When containerd ends, the server goes on: its
 * events wait, the FIFOs' other ends are held. When the server is killed, containers go on without anybody until
 * containerd executes `delete`, which ends them and removes what they had (cleanup.c). The server ends when it is
 * told to and has no containers. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "runtime/runtime.h"

struct connection;
struct event_queue;
struct task;
struct work;
struct console;

/* What the command line says. */
struct shim_options {
	const char *namespace;
	const char *id;
	const char *bundle;
	const char *containerd;     /* -address: socket of containerd */
	const char *publisher;      /* -publish-binary */
	const char *events_address; /* TTRPC_ADDRESS, or NULL */
	const char *root;           /* state directory of the runtime */
	const char *program;        /* this program's file */
	bool debug;
};

/* The server. */
struct shim {
	const struct shim_options *options;
	struct runtime runtime;
	struct loop *loop;
	struct connection *connections;
	struct event_queue *events;
	struct task *tasks;
	struct work *works;
	struct console *consoles;
	uint64_t last_serial; /* of connections */
};

/* executors.c: the list of this program. */
extern const struct executor *const shim_executors[];

/* `start`: print the address of a server for this container, which is made unless the pod has one.
 * The program is a copy that nobody may write to. Returns 0, or -1 and *err. In the server: when it has ended. */
int shim_start(const struct shim_options *options, struct error *err) FALLIBLE;

/* `delete`: end and remove the container, without a server; print a DeleteResponse. */
int shim_delete(const struct shim_options *options, struct error *err) FALLIBLE;

/* Run the runtime as these options say. */
void shim_runtime(const struct shim_options *options, struct runtime *ret);

#endif
