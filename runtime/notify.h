/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_NOTIFY_H
#define RUNTIME_NOTIFY_H

#include "runtime.h"

/* sd_notify(3) of a container.
 *
 * Theory of operation. Create makes a directory in the container's state directory and mounts it at
 * /run/notify, where NOTIFY_SOCKET points. Who starts the container makes the socket in there, in the
 * last moment, and passes on what comes: `run` in front for as long as it stays, everybody else up to
 * READY=1, with the pid of the container's first process for MAINPID, since the one who starts it ends
 * then. So nothing of ours stays beside a container.
 */

/* Make the directory and have the config use it. The id is taken.
 * io_spec  replaced by a copy, in c->arena. Returns 0, or -1 and *err. */
int notify_prepare(const struct container *c, const struct spec **io_spec,
                   struct error *err) FALLIBLE;

#endif
