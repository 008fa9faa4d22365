/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_NAMESPACE_NAMESPACE_H
#define RUNTIME_NAMESPACE_NAMESPACE_H

/* runtime/namespace: the first wall.
 *
 * PROMISE: a container made of Linux namespaces, a cgroup, capabilities and seccomp. After create
 * returns only the container's own process exists; after destroy nothing does. */

#include "runtime/runtime.h"

extern const struct executor namespace_executor;

#endif
