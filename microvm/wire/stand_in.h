/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_WIRE_STAND_IN_H
#define MICROVM_WIRE_STAND_IN_H

/* A process of this host that stands for one of the guest: its stdio, its terminal's size, the signals that come to
 * it, its status. Public with wire.h: the monitor is one for the container's first process, and each exec has one. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"

#include "message.h"
#include "pump.h"

struct stand_in {
	/* set by the caller */
	struct loop *loop;
	void *data;
	void (*ended)(struct stand_in *self, int status); /* all is passed on */
	/* its own */
	uint64_t process;
	bool terminal, exited, told;
	bool gone; /* the agent has, without having told the status, which is then SIGKILL's */
	int status;
	uint64_t expected[2]; /* bytes of stdout (or the terminal), of stderr */
	struct loop_source control, signals;
	struct wire_inbox inbox;
	struct pump in, out, err;
};

/* Signals wait from now on for whom they are meant. Before there are threads.
 * Returns  0, or -1 and *err. */
int stand_in_prepare(struct stand_in *self, struct error *err) FALLIBLE;

/* What it takes, each a connection to the agent: the process's own, over which EXITED comes, and one for each stream:
 * stdin, stdout and stderr, or the terminal alone. */
enum { STAND_IN_STREAMS = 3 };
struct stand_in_connections {
	int control;
	int stream[STAND_IN_STREAMS];
};
#define STAND_IN_NO_CONNECTIONS                                                                    \
	{                                                                                          \
		-1,                                                                                \
		{                                                                                  \
			-1, -1, -1                                                                 \
		}                                                                                  \
	}

/* Stand for this process of the guest, with our own descriptors 0, 1 and 2.
 * connections  are taken, also on failure.
 * terminal     it has one; then ours, at 0, is its other end and becomes raw. */
int stand_in_start(struct stand_in *self, struct stand_in_connections *connections,
                   uint64_t process, bool terminal, struct error *err) FALLIBLE;

#endif
