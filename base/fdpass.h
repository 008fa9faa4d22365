/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FDPASS_H
#define BASE_FDPASS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/* Send bytes (at least one) and, where fd >= 0, a descriptor over a Unix socket, in one message,
 * without SIGPIPE.
 * Returns  0, or -1 and *err. fd is borrowed. Context: any, the child too.
 * Spec     unix(7), SCM_RIGHTS. */
int fdpass_send(int socket, const void *bytes, size_t length, int fd, struct error *err) FALLIBLE;

/* Receive one message of at most size bytes and at most one descriptor (close-on-exec); further
 * descriptors are closed.
 *
 * ret_fd   -1 when none came; the caller owns it. NULL: a descriptor that comes is closed.
 * Returns  its length, 0 at the end of the stream, or -1 and *err. Context: any. */
ssize_t fdpass_receive(int socket, void *bytes, size_t size, int *ret_fd,
                       struct error *err) FALLIBLE;

/* Connect a stream socket to a Unix socket's path, which may be longer than sun_path (then it
 * is reached through a descriptor).
 * Returns  the socket (close-on-exec), owned by the caller, or -1 and *err with the path as object.
 *          Context: host. */
int fdpass_connect(const char *path, struct error *err) FALLIBLE;

/* The same below a directory's descriptor. */
int fdpass_connect_at(int dir, const char *name, struct error *err) FALLIBLE;
/* Likewise, without waiting for who listens to take in those that are there already (EAGAIN); the socket does not wait
 * later either. */
int fdpass_connect_now_at(int dir, const char *name, struct error *err) FALLIBLE;

/* Its counterpart that listens (mode 0600, backlog 1; refuses to replace a file). */
int fdpass_listen_at(int dir, const char *name, struct error *err) FALLIBLE;

/* Whether somebody listens there. Whoever does sees a connection that ends at once. Never waits. */
bool fdpass_listens_at(int dir, const char *name);

#endif
