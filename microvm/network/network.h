/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_NETWORK_NETWORK_H
#define MICROVM_NETWORK_NETWORK_H

/* microvm/network: the program cella-network.
 *
 * PROMISE: a network namespace is handed to a guest, or taken back. A program of its own because it enters the
 * namespace for good, and because no other command of cella has a use for the library that it needs.
 *
 * Theory of operation. It is started with a socket as its stdin and does one thing:
 *
 *	give PID         makes a tap for each interface of this process's network namespace; a second machine in the
 *	                 namespace is refused by their names, or by the filters of one that has ended and is not deleted,
 *	                 before anything of the first is touched. Says NETWORK:
 *	                 what the namespace has. Who asked writes that down and says DONE; then each interface is tied
 *	                 to its tap, and DONE and the taps come, a descriptor a byte, as many as there are interfaces.
 *	                 One that ends in between leaves nothing that take-back does not undo
 *	take-back PATH   is told NETWORK as it was; answers DONE. Does nothing where the path is another namespace by now
 *
 * FAILED instead of any of these says why not. Context: a process of its own, alone. */

#include "base/error.h"
#include "microvm/wire/wire.h"

/* Each returns 0, or -1 and *err; socket is borrowed. */
int way_give(int socket, const char *pid, struct error *err) FALLIBLE;
int way_take_back(int socket, const char *path, struct error *err) FALLIBLE;

#endif
