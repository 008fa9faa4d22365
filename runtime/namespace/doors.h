/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_NAMESPACE_DOORS_H
#define RUNTIME_NAMESPACE_DOORS_H

/* The doors of a container that is created and not started.
 *
 * Its first process is hidden from those inside, which hides it from a plain user outside as well: he may not enter
 * its namespaces by its pid, although they are his. So where a plain user makes it, it opens the files of its
 * namespaces itself while it sees the host's /proc, and hands them to whoever may connect to start.sock and asks. */

#include "spec/spec.h"

#include "handshake.h"

struct container;

/* The files of these namespaces (bits of enum namespace_type), of the caller's own; -1 for one that can't be opened,
 * and for all others. Context: child. */
void doors_open(unsigned int namespaces, int ret_fds[NAMESPACE_TYPES]);
/* Answer MESSAGE_DOORS. Returns 0, or -1 and *err. Context: child. */
int doors_hand_out(int socket, unsigned int namespaces, const int fds[NAMESPACE_TYPES],
                   struct error *err) FALLIBLE;

/* Ask for them, where that is the way in.
 * ret_fds  the caller's; all -1 before.
 * Returns  whether all that the container has are there; else none is. Context: host. */
bool doors_ask(const struct container *c, int ret_fds[NAMESPACE_TYPES]);

#endif
