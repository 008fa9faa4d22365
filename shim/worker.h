/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_WORKER_H
#define SHIM_WORKER_H

#include "base/loop.h"
#include "base/text.h"

#include "connection.h"
#include "stdio.h"

/* What may take its time is done in a copy of the server, which ends when it has reported. What it has made becomes
 * the server's child then; so a report is always there before what it made is reaped. */

enum { WORK_PAYLOAD_MOST = 120 << 10 };

/* What a worker has to say. */
struct work_report {
	bool failed;
	struct error err; /* failed: why */
	pid_t pid;        /* of what it made */
	bool shared_pids; /* the container does not end with its first process */
	bool gone;        /* what was asked about is not there any more */
};

struct work {
	struct work *next;
	struct shim *shim;
	struct caller caller;
	const char *id, *exec_id; /* of whom it is about; copied by work_start() */
	const void *data; /* for run(): a call's message, ...; run() has a copy of all there is */
	const struct stdio *stdio; /* what run() has as descriptors 0 to 2; NULL: nothing */
	bool terminal;             /* the same nothing, as the process will have a terminal */
	/* In the worker. payload: an answer ready to be sent. console: -1, or a descriptor to hand over. */
	int (*run)(const struct work *work, struct work_report *ret, struct text *payload,
	           int *console, struct error *err);
	/* In the server, at the end. It may take *console. What the work was about may be gone: look it up. */
	void (*done)(struct work *work, const struct work_report *report,
	             const struct text *payload, int *console);
	pid_t pid;
	struct loop_source source;
};

/* create.c: what Start does of a container that Create was told to restore. */
int create_restore(const struct work *work, struct work_report *ret, struct text *payload,
                   int *console, struct error *err) FALLIBLE;

/* Start one; of work the members up to done are set.
 * Returns  0, or -1 and *err. In the worker it does not return. */
int work_start(const struct work *work, struct error *err) FALLIBLE;

/* A child has ended. Returns whether it was a worker. */
bool work_reaped(struct shim *shim, pid_t pid);

/* Take in all reports that are there. */
void works_collect(struct shim *shim);

/* done() of a work that only has an answer, or none. */
void work_answer(struct work *work, const struct work_report *report, const struct text *payload,
                 int *console);

#endif
