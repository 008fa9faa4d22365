/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MICROVM_MICROVM_H
#define MICROVM_MICROVM_H

/* microvm: the second wall, from outside.
 *
 * PROMISE: the same bundle, in a hardware VM of our own monitor. */

#include "runtime/runtime.h"

/* Theory of operation. The container's process on this host is the monitor: the namespace executor starts it as it
 * starts any program, in the container's cgroup and network namespace, in a room that has nothing but the shares
 * (room.c). Over a descriptor that it inherits it is told its machine (machine.c): kernel, memory, network. In the
 * guest the agent does what the config says; we talk with it over $ROOT/ID/vm.sock, whose connections the monitor
 * hands on (guest.c), and believe nothing. Pause, accounting and the end are those of the monitor's cgroup.
 * Context: host. */
extern const struct executor microvm_executor;

#endif
