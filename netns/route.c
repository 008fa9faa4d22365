/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "give.h"
#include "ip.h"

static void route_release(struct rtnl_route **route)
{
	if (*route)
		rtnl_route_put(*route);
}

/* The route takes the next hop over; a gateway of the other family is "via". */
static int add_hop(struct rtnl_route *to, const struct netns_route *from, int index)
{
	owned_nl_address gateway = ip_to_nl(&from->gateway, (int)(8 * ip_length(&from->gateway)));
	struct rtnl_nexthop *hop;

	if (from->gateway.family && !gateway)
		return -1;
	hop = rtnl_route_nh_alloc();
	if (!hop)
		return -1;
	rtnl_route_nh_set_ifindex(hop, index);
	if (from->onlink)
		rtnl_route_nh_set_flags(hop, RTNH_F_ONLINK);
	rtnl_route_add_nexthop(to, hop);
	if (gateway && from->gateway.family != from->destination.family)
		return rtnl_route_nh_set_via(hop, gateway) < 0 ? -1 : 0;
	if (gateway)
		rtnl_route_nh_set_gateway(hop, gateway);
	return 0;
}

static int set_numbers(struct rtnl_route *to, const struct netns_route *from)
{
	rtnl_route_set_table(to, RT_TABLE_MAIN);
	rtnl_route_set_scope(to, from->scope);
	rtnl_route_set_protocol(to, from->protocol);
	rtnl_route_set_priority(to, from->metric);
	if (from->onlink)
		rtnl_route_set_flags(to, RTNH_F_ONLINK);
	if (from->mtu && rtnl_route_set_metric(to, RTAX_MTU, from->mtu) < 0)
		return -1;
	if (from->mss && rtnl_route_set_metric(to, RTAX_ADVMSS, from->mss) < 0)
		return -1;
	return rtnl_route_set_type(to, from->type);
}

static struct nl_msg *route_message(int index, const struct netns_route *from, bool give)
{
	OWNED(route_release) struct rtnl_route *to = rtnl_route_alloc();
	owned_nl_address destination = ip_to_nl(&from->destination, from->prefix_length);
	owned_nl_address source = ip_to_nl(&from->source, (int)(8 * ip_length(&from->source)));
	struct nl_msg *message = NULL;
	int nle;

	if (!to || !destination || (from->source.family && !source) ||
	    rtnl_route_set_family(to, from->destination.family) < 0 ||
	    rtnl_route_set_dst(to, destination) < 0 || set_numbers(to, from) < 0 ||
	    (source && rtnl_route_set_pref_src(to, source) < 0) ||
	    (index && add_hop(to, from, index) < 0))
		return NULL;
	if (give)
		nle = rtnl_route_build_add_request(to, NLM_F_CREATE | NLM_F_EXCL, &message);
	else
		nle = rtnl_route_build_del_request(to, 0, &message);
	return nle < 0 ? NULL : message;
}

static int ask_route(struct netlink *nl, const struct netns_route *it, int index, bool give,
                     struct error *err)
{
	char text[IP_TEXT + sizeof("route ")];
	struct request request = {
		.message = route_message(index, it, give),
		.object = ip_describe("route", &it->destination, it->prefix_length, text,
	                              sizeof(text)),
		.verb = give ? "add" : "remove",
		.content = give ? EEXIST : ESRCH,
	};

	return netlink_ask(nl, &request, err);
}

/* Those with a gateway, or those without: a gateway is looked up by the routes that are there. */
static int each_route(struct netlink *nl, const struct place *place, bool with_gateway, bool give,
                      struct error *err)
{
	const struct netns_links *links = place->links;
	struct error ignored;
	int result = 0;

	for (uint32_t i = 0; i < links->route_count; i++) {
		const struct netns_route *it = &links->routes[i];
		struct error *why = result < 0 ? &ignored : err;

		if (it->interface != place->which || (it->gateway.family != 0) != with_gateway)
			continue;
		if (ask_route(nl, it, place->index, give, why) < 0)
			result = error_within(why, "%s", links->interfaces[place->which].name);
	}
	return result;
}

int give_routes(struct netlink *nl, const struct place *place, struct error *err)
{
	struct error ignored;
	int result = each_route(nl, place, false, true, err);

	return each_route(nl, place, true, true, result < 0 ? &ignored : err) < 0 ? -1 : result;
}

int take_routes(struct netlink *nl, const struct place *place, struct error *err)
{
	if (each_route(nl, place, true, false, err) < 0)
		return -1;
	return each_route(nl, place, false, false, err);
}

int give_refusals(struct netlink *nl, const struct netns_links *links, struct error *err)
{
	for (uint32_t i = 0; i < links->route_count; i++)
		if (links->routes[i].interface == NETNS_NOWHERE &&
		    ask_route(nl, &links->routes[i], 0, true, err) < 0)
			return -1;
	return 0;
}
