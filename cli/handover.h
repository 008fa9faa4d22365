/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HANDOVER_H
#define CLI_HANDOVER_H

#include <sys/types.h>

#include "base/error.h"

/* What create, run and exec give to those who started us, and take from them. */

/* Connect to --console-socket, before anything is made.
 *
 * ret_socket  the caller's; -1 where path is NULL.
 * Returns     0, or -1 and *err. */
int console_connect(const char *path, int *ret_socket, struct error *err) FALLIBLE;

/* Send the master of a terminal as runc and crun do. Returns 0, or -1 and *err. */
int console_send(int socket, int master, struct error *err) FALLIBLE;

/* Likewise --pidfd-socket, and a pidfd of the process; a socket of -1 gets none.
 * asked  the flag, or the annotation that stands for it: whose fault an error is. */
int pidfd_connect(const char *path, const char *asked, int *ret_socket, struct error *err) FALLIBLE;
int pidfd_send(int socket, const char *asked, int pidfd, struct error *err) FALLIBLE;

/* Write --pid-file: the number alone, without a newline, whole or not at all; path NULL writes none. What is no file is
 * written into as it is.
 * Returns 0, or -1 and *err. */
int pid_file_write(const char *path, pid_t pid, struct error *err) FALLIBLE;

/* Check that the descriptors 3 to 2 + count were passed to us. Ours are all close-on-exec, theirs
 * cannot be.
 * listening  so many of them are those of LISTEN_FDS, the rest is asked for by --preserve-fds.
 * Returns 0, or -1 and *err that names the first one missing. */
int preserve_fds_check(unsigned int listening, unsigned int count, struct error *err) FALLIBLE;

#endif
