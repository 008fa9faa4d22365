/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_NAMESPACE_EXPLAIN_H
#define RUNTIME_NAMESPACE_EXPLAIN_H

#include "namespace.h"

/* Reasons that the kernel doesn't give, for who has to find the cause. Each returns -1. Context: host. */

/* The container's process has ended without a word, or got no memory: by its own limit, which is too low for what we do
 * ourselves? Otherwise the error stays as it is. */
int explain_memory(const struct container *c, const struct plan *plan, struct error *err) FALLIBLE;

/* A path was not open to the container's root, who is somebody else on this host: adds who that is, and the first
 * directory on the way that is closed to him. Any other error stays as it is. */
int explain_access(const struct spec_linux *l, struct error *err) FALLIBLE;

#endif
