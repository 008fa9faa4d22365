/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_NETNS_H
#define NETNS_NETNS_H

/* netns: who can be reached. PROMISE: a new network namespace has its loopback device up. */

#include "base/error.h"

/* Set "lo" up in the network namespace this process is in.
 * Returns  0, or -1 and *err. Context: child, no allocation. Spec: netdevice(7), SIOCSIFFLAGS. */
int netns_loopback_up(struct error *err) FALLIBLE;

#endif
