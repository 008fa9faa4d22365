/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_GIVE_H
#define NETNS_GIVE_H

/* Give an interface what is described of it, and take it away again.
 *
 * Giving what it has, and taking what it has not, is fine. Each returns 0, or -1 and *err with the interface's
 * name in front of what failed first; what is behind that has been given or taken all the same. */

#include "netns.h"
#include "socket.h"

/* An interface of a description, and the index it has here. */
struct place {
	const struct netns_links *links;
	uint32_t which;
	int index;
};

int give_addresses(struct netlink *nl, const struct place *place, struct error *err) FALLIBLE;
int take_addresses(struct netlink *nl, const struct place *place, struct error *err) FALLIBLE;

/* Addresses first: the source of a route must be ours. */
int give_routes(struct netlink *nl, const struct place *place, struct error *err) FALLIBLE;
int take_routes(struct netlink *nl, const struct place *place, struct error *err) FALLIBLE;

/* Routes that refuse: they are no interface's. */
int give_refusals(struct netlink *nl, const struct netns_links *links, struct error *err) FALLIBLE;

int give_neighbours(struct netlink *nl, const struct place *place, struct error *err) FALLIBLE;

#endif
