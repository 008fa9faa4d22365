/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_REMOVE_H
#define SHIM_REMOVE_H

#include "runtime/runtime.h"

/* End a container and remove it and its root file system's mounts; content when nothing is there.
 * Returns 0, or -1 and *err. It may take its time. */
int remove_container(const struct runtime *runtime, const char *id, const char *bundle,
                     struct error *err) FALLIBLE;

#endif
