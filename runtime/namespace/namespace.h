/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_NAMESPACE_NAMESPACE_H
#define RUNTIME_NAMESPACE_NAMESPACE_H

/* runtime/namespace: the first wall.
 *
 * PROMISE: a container made of Linux namespaces, a cgroup, capabilities and seccomp. After create
 * returns only the container's own process exists; after destroy nothing does. */

#include "runtime/runtime.h"

extern const struct executor namespace_executor;

/* Whether a command is one for which the program's very beginning makes the read-only view that protect() wants:
 * just a matter of time, as protect() sees to it in any case. Context: any. */
bool namespace_protects(const char *command);

/* Devices of the host's (linux.netDevices) that have been moved into a container's network namespace. */
struct netns_baggage;
struct moved {
	int here, there;               /* the two namespaces */
	int dir;                       /* the container's, which holds both; borrowed */
	bool returns;                  /* at delete, too */
	struct netns_baggage *baggage; /* NULL: nothing is moved or held */
};
#define MOVED_NONE                                                                                 \
	{                                                                                          \
		.here = -1, .there = -1, .dir = -1                                                 \
	}
/* The container is there: from here on they stay where they are, until delete gives them back or for good. */
void devices_release(struct moved *m);
/* After a failed create; content where nothing was moved. */
void devices_take_back(struct moved *m);

/* As namespace_executor.create, for who has more to do before the container is created.
 * ret_moved  MOVED_NONE before; until devices_release() what was moved can be taken back. On -1 it has been. */
int namespace_create_first(struct container *c, struct plan *plan, struct moved *ret_moved,
                           struct error *err) FALLIBLE;

#endif
