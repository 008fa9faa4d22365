/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RELAY_H
#define CLI_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"

/* Bytes between our own stdio and the master of a terminal, both ways, on a loop.
 *
 * Theory of operation: each way has one buffer; who fills it is watched while it is empty, who takes
 * from it while it is not, and who has neither to do is not watched at all, since epoll would report
 * its end over and over. The master does not block; input and output belong to others too and are
 * left as they are: one read or write of at most PIPE_BUF bytes a wake-up. Files and /dev/null, which
 * epoll refuses, are always ready.
 *
 * End of input is the terminal's end-of-file character, as if it had been typed. A terminal that
 * nobody has open any more, and an output that nobody reads, are not errors: the process goes on. */

enum relay_end { RELAY_INPUT, RELAY_MASTER, RELAY_OUTPUT, RELAY_ENDS };

struct relay_buffer {
	char bytes[4096]; /* PIPE_BUF: a pipe that is ready takes this much */
	size_t start, end;
};

struct relay {
	struct loop *loop;
	struct loop_source sources[RELAY_ENDS];
	uint32_t watched[RELAY_ENDS]; /* 0: not in the loop */
	bool always[RELAY_ENDS];      /* ready at any time: not in the loop either */
	struct relay_buffer to_master, to_output;
	char last; /* byte of the input */
	bool input_ended, master_ended, output_broken;
	bool draining;
	size_t left; /* bytes that may still come while draining */
};

/* Begin. All descriptors are borrowed; the master becomes non-blocking. The struct must stay where it
 * is.
 * Returns  0, or -1 and *err. */
int relay_start(struct relay *relay, struct loop *loop, int input, int output, int master,
                struct error *err) FALLIBLE;

/* The process has ended: pass on what it wrote, then stop the loop.
 * Returns  0, or -1 and *err. */
int relay_drain(struct relay *relay, struct error *err) FALLIBLE;

#endif
