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

#endif
