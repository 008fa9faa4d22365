/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_WIRE_PUMP_H
#define MICROVM_WIRE_PUMP_H

/* Bytes from one descriptor to another, on a loop, until either ends. Public with wire.h: both ends of a stream
 * between host and guest are such pumps.
 *
 * Theory of operation. There is one buffer: whoever fills it is watched while it is empty, whoever takes from it
 * while it is not. Descriptors may be blocking and others' (stdio): there is one read and one write of at most
 * PIPE_BUF a wake-up. What epoll refuses (files, /dev/null) is always ready. When the source ends, the
 * destination is told: a socket is shut down for writing, anything else is closed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"

enum { PUMP_BYTES = 4096 };

struct pump {
	struct loop *loop;
	struct loop_source from, to;
	uint32_t from_watched, to_watched; /* 0: not in the loop */
	bool from_always, to_always;       /* ready at any time: not in the loop either */
	bool running;
	size_t start, end;
	uint64_t moved; /* bytes that were written */
	/* Called after something was moved or the pump has ended; may stop it, or free it when it has ended. */
	void (*changed)(struct pump *pump);
	void *data;
	char bytes[PUMP_BYTES];
};

/* Begin. Takes both descriptors, also on failure; changed and data are set by the caller before. The struct must
 * stay where it is.
 * Returns  0, or -1 and *err. */
int pump_start(struct pump *pump, struct loop *loop, int from, int to, struct error *err) FALLIBLE;

/* End it and close what it has; content when it does not run. */
void pump_stop(struct pump *pump);

/* Whether all that the source has for now has been moved. */
bool pump_is_dry(const struct pump *pump);

#endif
