/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_STDIO_H
#define SHIM_STDIO_H

#include <stdbool.h>

#include "base/error.h"
#include "base/own.h"

/* Where the input and output of a process come from and go to. */

/* As containerd says it: the path of a FIFO; file:///PATH; binary:///PROGRAM?key=value; "": nowhere. */
struct stdio_request {
	const char *paths[3];
	bool terminal;
	bool piped; /* without a terminal: whose outputs are copied, as others may have them when it has ended */
	const char *id, *namespace; /* for the program of a binary:// */
};

/* What is open for a process. -1: nothing. */
struct stdio {
	/* The process's own ends, or with a terminal what its console reads and writes (without waiting). */
	int end[3];
	/* The other end of each FIFO, held so that whoever comes and goes there is not noticed: a process that
	 * reads sees no end before CloseIO, one that writes gets no SIGPIPE when containerd is restarted. */
	int hold[3];
	/* An output's FIFO that had no reader when it was opened: it is not held yet. */
	bool unread[3];
	/* Of an output that is copied: where what the process writes is read, and its FIFO. */
	int pipe[3], fifo[3];
	/* A logger closes the other end, or writes, when it is ready. */
	int logger_ready;
};
#define STDIO_NONE                                                                                 \
	{                                                                                          \
		.end = {-1, -1, -1}, .hold = {-1, -1, -1}, .pipe = {-1, -1, -1},                   \
		.fifo = {-1, -1, -1}, .logger_ready = -1                                           \
	}

/* Open all that is asked for; nothing of it waits.
 * Returns  0, or -1 and *err; *ret is to be closed either way. */
int stdio_open(const struct stdio_request *request, struct stdio *ret, struct error *err) FALLIBLE;

/* In a worker: wait for the logger and, for some seconds, for those who read; then let descriptors 0 to 2 be the
 * process's.
 * Returns  0, or -1 and *err. */
int stdio_enter(const struct stdio *stdio, bool terminal, struct error *err) FALLIBLE;

/* When the worker has entered: hold what was not held yet. A failure is only logged: without it a process gets SIGPIPE
 * when its reader goes. */
void stdio_hold(struct stdio *stdio);

/* The process has its ends. */
void stdio_close_ends(struct stdio *stdio);
/* The process has ended. */
void stdio_close(struct stdio *stdio);

/* logger.c: start the program of a binary:// URI with pipes to it. */
int logger_start(const struct stdio_request *request, struct stdio *ret,
                 struct error *err) FALLIBLE;

#endif
