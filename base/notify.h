/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"
#include "text.h"

/* What a service tells its manager, as datagrams of lines NAME=VALUE. Spec: sd_notify(3). */

enum { NOTIFY_SIZE = 4096 };

/* Make a socket below dir, that everybody may send to. Returns it, owned by the caller, or -1 and *err. */
int notify_bind(int dir, const char *name, struct error *err) FALLIBLE;

/* Take a message, without waiting; descriptors that come with it are closed, which also is what BARRIER=1 waits for.
 * text     of NOTIFY_SIZE, ended by NUL.
 * Returns  its length; 0: there is none, or it has no line that is passed on. */
size_t notify_receive(int socket, char *text);

/* Take the lines of a message that may be passed on for another process, in place: what the service is doing. Not what
 * names pids, descriptors or rights, which mean something else outside.
 * Returns  the length left. */
size_t notify_filter(char *text);

/* Whether one of its lines says that the service is ready. */
bool notify_is_ready(const char *text);

/* Tell a manager.
 * path     of its socket, "@name" for an abstract one.
 * wait_ms  wait at most so long until it has taken it in: it may look who sent it; 0: do not.
 * Returns  0, or -1 and *err. */
int notify_send(const char *path, const char *text, int wait_ms, struct error *err) FALLIBLE;

#endif
