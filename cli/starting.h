/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_STARTING_H
#define CLI_STARTING_H

#include "runtime/runtime.h"

/* What a service manager gave to us beside the command line: NOTIFY_SOCKET of sd_notify(3), LISTEN_FDS of
 * sd_listen_fds(3). */

/* Where somebody waits to be told that we are ready; NULL: nobody. */
const char *starting_manager(void);

/* Let the program of a container run. Where somebody waits, return when it has said that it is ready, or has ended.
 * Returns 0, or -1 and *err. */
int starting_behind(struct container *c, struct error *err) FALLIBLE;

/* The same for who stays in front and passes on what is said: ret_socket is the caller's; -1: nothing will be. */
int starting_in_front(struct container *c, int *ret_socket, struct error *err) FALLIBLE;

/* Pass on all that has been said. Errors are logged. */
void starting_pass_on(int socket, const char *manager);

/* The descriptors that are passed on: those of LISTEN_FDS, where LISTEN_PID says that they are ours, and behind them
 * `preserved` others.
 * ret_count  of all of them. Returns 0, or -1 and *err that names the first one missing. */
int starting_descriptors(unsigned int preserved, struct socket_activation *ret_activation,
                         unsigned int *ret_count, struct error *err) FALLIBLE;

#endif
