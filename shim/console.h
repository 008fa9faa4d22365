/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_CONSOLE_H
#define SHIM_CONSOLE_H

#include "shim.h"
#include "stdio.h"

/* Bytes between the master of a process's terminal and containerd's FIFOs, or from a process's pipe to a FIFO. It lives
 * on after its process, until what that wrote has been read. */

/* Begin; takes the master and the descriptors of stdio.
 * Returns  it, which frees itself some time after console_end(); NULL and *err. */
struct console *console_start(struct shim *shim, int *master, struct stdio *stdio,
                              struct error *err);

/* Begin to copy what comes through stdio->pipe[i] to its FIFO; takes both. When all who write have closed the pipe, the
 * FIFO is closed.
 * Returns  as console_start(). */
struct console *console_start_pipe(struct shim *shim, struct stdio *stdio, int i,
                                   struct error *err);

int console_resize(struct console *console, unsigned int width, unsigned int height,
                   struct error *err) FALLIBLE;
/* Nobody else writes to its input. */
void console_close_input(struct console *console);
/* Its process has ended; for a pipe: was deleted, and whoever else has that may write for 2 s. console is the server's
 * own from now on. */
void console_end(struct console *console);
/* All of them, at the end of the server. */
void consoles_free(struct shim *shim);

#endif
