/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_REDIRECT_H
#define NETNS_REDIRECT_H

#include "socket.h"

/* Remove our filter from a link, and the ingress queue with it; a queue that has not our filter is somebody else's.
 * Returns  1, or 0 where nothing of ours is; -1 and *err. */
int redirect_remove(struct netlink *nl, int index, const char *name, struct error *err) FALLIBLE;

/* Whether our filter is on a link. Returns 1 or 0; -1 and *err. */
int redirect_find(struct netlink *nl, int index, struct error *err) FALLIBLE;

#endif
