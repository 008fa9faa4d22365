/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_WIRE_WIRE_H
#define MICROVM_WIRE_WIRE_H

/* microvm/wire: what host, monitor and agent say to each other.
 *
 * PROMISE: a message is one struct of numbers and byte strings, as many of each as its kind has; one codec, which
 * believes no length. Every text that crosses is checked by whoever takes it in.
 *
 * Theory of operation. The monitor is told its machine over a socket pair. All else goes between the executor
 * (or whoever stands in for a process of the guest) and the agent, as one connection for each thing that is
 * wanted, over which the monitor only copies bytes: the first message says what is wanted, the answer is DONE or
 * FAILED. The connection of a process (CREATE's is the agent's own first one) stays: EXITED comes over it, and a
 * terminal's size goes. A stream of a process is a connection of its own, raw behind ATTACH, which is not
 * answered: where there is no such stream, it ends. */

#include "message.h"
#include "pump.h"
#include "stand_in.h"

#endif
