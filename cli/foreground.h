/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FOREGROUND_H
#define CLI_FOREGROUND_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

#include "base/error.h"
#include "base/own.h"

/* run and exec in front: we stand for the process that we started. Signals that come to us go to it,
 * our terminal is its terminal, and its exit status will be ours. */
struct foreground {
	int signals; /* signalfd, -1 */
	int tty;     /* which of 0, 1, 2 is our terminal, -1 */
	int notify;  /* where the process says what it is doing, for who waits for us; -1 */
	bool raw;    /* its modes are changed */
	struct termios modes;
};

#define FOREGROUND_NONE                                                                            \
	{                                                                                          \
		.signals = -1, .tty = -1, .notify = -1                                             \
	}

/* From now on signals wait; before anything is made, so that none is lost between its start and
 * ours.
 * Returns  0, or -1 and *err; close it with foreground_close(). */
int foreground_open(struct foreground *f, struct error *err) FALLIBLE;

/* Stand for a child of ours until it has ended.
 *
 * pidfd    of the child; borrowed.
 * console  master of its terminal, borrowed; -1 where its stdio is ours.
 * Returns  its status as a shell has it: 0 to 255, 128 + signal; or -1 and *err. Our terminal is as
 *          it was either way. */
int foreground_wait(struct foreground *f, pid_t pid, int pidfd, int console,
                    struct error *err) FALLIBLE;

/* Give the terminal its modes back. Signals stay blocked: the program is about to end, with the
 * status of its process. */
void foreground_close(struct foreground *f);
#define owned_foreground OWNED(foreground_close) struct foreground

#endif
