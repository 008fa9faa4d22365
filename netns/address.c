/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/neighbour.h>

#include "give.h"
#include "ip.h"

enum { PREFIX_METRIC_V6 = 256 };

static void address_release(struct rtnl_addr **address)
{
	if (*address)
		rtnl_addr_put(*address);
}

static void neighbour_release(struct rtnl_neigh **neighbour)
{
	if (*neighbour)
		rtnl_neigh_put(*neighbour);
}

/* With an address the kernel makes a route to its network, unless it is told not to: whether there is to be one
 * stands in the description. */
static bool has_prefix_route(const struct netns_links *links, const struct netns_address *address)
{
	const struct netns_ip *in = address->peer.family ? &address->peer : &address->local;
	uint32_t metric = in->family == AF_INET6 ? PREFIX_METRIC_V6 : 0;

	for (uint32_t i = 0; i < links->route_count; i++) {
		const struct netns_route *route = &links->routes[i];

		if (route->interface == address->interface && route->metric == metric &&
		    route->protocol == RTPROT_KERNEL && !route->gateway.family &&
		    route->prefix_length == address->prefix_length &&
		    ip_same_network(&route->destination, in, address->prefix_length))
			return true;
	}
	return false;
}

static unsigned int flags_of(const struct netns_links *links, const struct netns_address *address)
{
	unsigned int flags = 0;

	if (address->local.family == AF_INET6)
		flags |= IFA_F_NODAD;
	if (!has_prefix_route(links, address))
		flags |= IFA_F_NOPREFIXROUTE;
	return flags;
}

static struct nl_msg *address_message(const struct place *place, const struct netns_address *from,
                                      bool give)
{
	OWNED(address_release) struct rtnl_addr *to = rtnl_addr_alloc();
	owned_nl_address local = ip_to_nl(&from->local, from->prefix_length);
	owned_nl_address peer = ip_to_nl(&from->peer, from->prefix_length);
	owned_nl_address broadcast = ip_to_nl(&from->broadcast, 8 * sizeof(struct in_addr));
	struct nl_msg *message = NULL;

	if (!to || !local || (from->peer.family && !peer) || rtnl_addr_set_local(to, local) < 0 ||
	    (peer && rtnl_addr_set_peer(to, peer) < 0) ||
	    (broadcast && rtnl_addr_set_broadcast(to, broadcast) < 0))
		return NULL;
	rtnl_addr_set_ifindex(to, place->index);
	rtnl_addr_set_prefixlen(to, from->prefix_length);
	rtnl_addr_set_scope(to, from->scope);
	if (!give)
		return rtnl_addr_build_delete_request(to, 0, &message) < 0 ? NULL : message;
	rtnl_addr_set_flags(to, flags_of(place->links, from));
	return rtnl_addr_build_add_request(to, NLM_F_CREATE | NLM_F_EXCL, &message) < 0 ? NULL
	                                                                                : message;
}

static int ask_address(struct netlink *nl, const struct place *place,
                       const struct netns_address *it, bool give, struct error *err)
{
	char text[IP_TEXT + sizeof("address ")];
	struct request request = {
		.message = address_message(place, it, give),
		.verb = give ? "add" : "remove",
		.object = ip_describe("address", &it->local, it->prefix_length, text, sizeof(text)),
		.content = give ? EEXIST : EADDRNOTAVAIL,
	};

	if (netlink_ask(nl, &request, err) < 0)
		return error_within(err, "%s", place->links->interfaces[place->which].name);
	return 0;
}

/* The kernel puts a new address of IPv4 behind those that are there, and one of IPv6 before them: given in this
 * order they are listed as they were, and the same ones come first. */
static int each_address(struct netlink *nl, const struct place *place, bool give, struct error *err)
{
	const struct netns_links *links = place->links;
	uint32_t count = links->address_count;
	struct error ignored;
	int result = 0;

	for (uint32_t i = 0; i < 2 * count; i++) {
		bool second = i >= count;
		const struct netns_address *it = &links->addresses[second ? 2 * count - 1 - i : i];

		if (it->interface != place->which || (it->local.family == AF_INET6) != second)
			continue;
		if (ask_address(nl, place, it, give, result < 0 ? &ignored : err) < 0)
			result = -1;
	}
	return result;
}

int give_addresses(struct netlink *nl, const struct place *place, struct error *err)
{
	return each_address(nl, place, true, err);
}

int take_addresses(struct netlink *nl, const struct place *place, struct error *err)
{
	return each_address(nl, place, false, err);
}

static struct nl_msg *neighbour_message(int index, const struct netns_neighbour *from)
{
	OWNED(neighbour_release) struct rtnl_neigh *to = rtnl_neigh_alloc();
	owned_nl_address ip = ip_to_nl(&from->ip, (int)(8 * ip_length(&from->ip)));
	owned_nl_address mac = nl_addr_build(AF_LLC, from->mac, NETNS_MAC);
	struct nl_msg *message = NULL;

	if (!to || !ip || !mac || rtnl_neigh_set_dst(to, ip) < 0)
		return NULL;
	rtnl_neigh_set_lladdr(to, mac);
	rtnl_neigh_set_ifindex(to, index);
	rtnl_neigh_set_state(to, NUD_PERMANENT);
	return rtnl_neigh_build_add_request(to, NLM_F_CREATE | NLM_F_REPLACE, &message) < 0
	               ? NULL
	               : message;
}

int give_neighbours(struct netlink *nl, const struct place *place, struct error *err)
{
	const struct netns_links *links = place->links;
	char text[IP_TEXT + sizeof("neighbour ")];
	struct error ignored;
	int result = 0;

	for (uint32_t i = 0; i < links->neighbour_count; i++) {
		const struct netns_neighbour *it = &links->neighbours[i];
		struct error *why = result < 0 ? &ignored : err;
		struct request request = {
			.verb = "add",
			.object = ip_describe("neighbour", &it->ip, (int)(8 * ip_length(&it->ip)),
		                              text, sizeof(text)),
		};

		if (it->interface != place->which)
			continue;
		request.message = neighbour_message(place->index, it);
		if (netlink_ask(nl, &request, why) < 0)
			result = error_within(why, "%s", links->interfaces[place->which].name);
	}
	return result;
}
