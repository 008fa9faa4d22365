/* SPDX-License-Identifier: Apache-2.0 */
/* What the namespace was given.
 *
 * Four lists of the kernel, read in this order because each needs the one before: links (all of them are
 * candidates), addresses (a link that is down counts when it has one), then the candidates that count become the
 * interfaces and get their final positions; routes and neighbours of these. When the kernel says that a list
 * changed while it was read, all is read again. */
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/object.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ip.h"
#include "socket.h"

enum { CANDIDATES = 255 };

struct candidate {
	struct netns_interface interface;
	bool ethernet, counts;
};

struct look {
	struct netns_links *links;
	struct error *err;
	bool failed;
	unsigned int candidate_count;
	struct candidate candidates[CANDIDATES];
};

static int too_many(struct look *look, const char *what, int most)
{
	look->failed = true;
	return fail(look->err, ERROR_UNSUPPORTED, "network", "more than %d %s", most, what);
}

static void on_link(struct nl_object *object, void *context)
{
	struct rtnl_link *link = (struct rtnl_link *)object;
	struct nl_addr *mac = rtnl_link_get_addr(link);
	struct look *look = context;
	struct candidate *it = &look->candidates[look->candidate_count];
	const char *name = rtnl_link_get_name(link);

	if (rtnl_link_get_flags(link) & IFF_LOOPBACK || !name)
		return;
	if (look->candidate_count == CANDIDATES) {
		(void)too_many(look, "links", CANDIDATES);
		return;
	}
	look->candidate_count++;
	*it = (struct candidate){0};
	memcpy(it->interface.name, name, strnlen(name, NETNS_NAME - 1));
	it->interface.index = (uint32_t)rtnl_link_get_ifindex(link);
	it->interface.mtu = rtnl_link_get_mtu(link);
	it->interface.up = rtnl_link_get_flags(link) & IFF_UP;
	it->ethernet = rtnl_link_get_arptype(link) == ARPHRD_ETHER && mac &&
	               nl_addr_get_len(mac) == NETNS_MAC;
	it->counts = it->interface.up;
	if (it->ethernet)
		memcpy(it->interface.mac, nl_addr_get_binary_addr(mac), NETNS_MAC);
}

static void on_address(struct nl_object *object, void *context)
{
	struct rtnl_addr *from = (struct rtnl_addr *)object;
	struct look *look = context;
	struct netns_links *links = look->links;
	struct netns_address to = {
		.prefix_length = (uint8_t)rtnl_addr_get_prefixlen(from),
		.scope = (uint8_t)rtnl_addr_get_scope(from),
		.local = ip_from_nl(rtnl_addr_get_local(from)),
		.peer = ip_from_nl(rtnl_addr_get_peer(from)),
		.broadcast = ip_from_nl(rtnl_addr_get_broadcast(from)),
	};
	uint32_t index = (uint32_t)rtnl_addr_get_ifindex(from);
	unsigned int i = 0;

	while (i < look->candidate_count && look->candidates[i].interface.index != index)
		i++;
	if (i == look->candidate_count || !to.local.family || ip_is_link_local_v6(&to.local))
		return;
	if (links->address_count == NETNS_ADDRESSES) {
		(void)too_many(look, "addresses", NETNS_ADDRESSES);
		return;
	}
	look->candidates[i].counts = true;
	to.interface = (uint8_t)i;
	links->addresses[links->address_count++] = to;
}

/* Those that count, in the kernel's order; the addresses follow. */
static int choose(struct look *look)
{
	struct netns_links *links = look->links;
	uint8_t position[CANDIDATES] = {0};

	for (unsigned int i = 0; i < look->candidate_count; i++) {
		const struct candidate *it = &look->candidates[i];

		if (!it->counts)
			continue;
		if (!it->ethernet)
			return fail(look->err, ERROR_UNSUPPORTED, it->interface.name,
			            "not an Ethernet interface: a guest can't have it");
		if (links->interface_count == NETNS_INTERFACES)
			return too_many(look, "interfaces", NETNS_INTERFACES);
		position[i] = (uint8_t)links->interface_count;
		links->interfaces[links->interface_count++] = it->interface;
	}
	for (uint32_t i = 0; i < links->address_count; i++)
		links->addresses[i].interface = position[links->addresses[i].interface];
	return 0;
}

static uint8_t position_of(const struct netns_links *links, int index)
{
	for (uint32_t i = 0; i < links->interface_count; i++)
		if (links->interfaces[i].index == (uint32_t)index)
			return (uint8_t)i;
	return NETNS_NOWHERE;
}

static bool type_refuses(uint8_t type)
{
	return type == RTN_BLACKHOLE || type == RTN_UNREACHABLE || type == RTN_PROHIBIT ||
	       type == RTN_THROW;
}

/* Where it leads, in *to. Returns whether it is one of ours. */
static bool next_hop(const struct netns_links *links, struct rtnl_route *from,
                     struct netns_route *to)
{
	struct rtnl_nexthop *hop = rtnl_route_nexthop_n(from, 0);
	struct nl_addr *gateway;

	to->interface = NETNS_NOWHERE;
	if (type_refuses(to->type))
		return true;
	if (to->type != RTN_UNICAST || !hop)
		return false;
	to->interface = position_of(links, rtnl_route_nh_get_ifindex(hop));
	gateway = rtnl_route_nh_get_gateway(hop);
	to->gateway = ip_from_nl(gateway ? gateway : rtnl_route_nh_get_via(hop));
	to->onlink = rtnl_route_nh_get_flags(hop) & RTNH_F_ONLINK;
	return to->interface != NETNS_NOWHERE;
}

static int take_route(struct look *look, struct rtnl_route *from)
{
	struct netns_links *links = look->links;
	struct nl_addr *destination = rtnl_route_get_dst(from);
	char text[IP_TEXT + sizeof("route ")];
	struct netns_route to = {
		.type = rtnl_route_get_type(from),
		.scope = rtnl_route_get_scope(from),
		.protocol = rtnl_route_get_protocol(from),
		.metric = rtnl_route_get_priority(from),
		.prefix_length = destination ? (uint8_t)nl_addr_get_prefixlen(destination) : 0,
		.destination = ip_from_nl(destination),
		.source = ip_from_nl(rtnl_route_get_pref_src(from)),
	};

	if (rtnl_route_get_table(from) != RT_TABLE_MAIN ||
	    rtnl_route_get_flags(from) & RTM_F_CLONED || !to.destination.family ||
	    ip_is_link_local_v6(&to.destination) || !next_hop(links, from, &to))
		return 0;
	if (rtnl_route_get_nnexthops(from) > 1)
		return fail(
			look->err, ERROR_UNSUPPORTED,
			ip_describe("route", &to.destination, to.prefix_length, text, sizeof(text)),
			"it has several next hops: a guest can't have it");
	(void)rtnl_route_get_metric(from, RTAX_MTU, &to.mtu);
	(void)rtnl_route_get_metric(from, RTAX_ADVMSS, &to.mss);
	if (links->route_count == NETNS_ROUTES)
		return too_many(look, "routes", NETNS_ROUTES);
	links->routes[links->route_count++] = to;
	return 0;
}

static int on_route(struct nl_msg *message, void *context, struct error *err)
{
	struct rtnl_route *route = NULL;
	int nle = rtnl_route_parse(nlmsg_hdr(message), &route);
	int result;

	if (nle < 0)
		return fail(err, ERROR_SYSTEM, "network", "a route: %s", nl_geterror(nle));
	result = take_route(context, route);
	rtnl_route_put(route);
	return result;
}

static void on_neighbour(struct nl_object *object, void *context)
{
	struct rtnl_neigh *from = (struct rtnl_neigh *)object;
	struct nl_addr *mac = rtnl_neigh_get_lladdr(from);
	struct look *look = context;
	struct netns_links *links = look->links;
	struct netns_neighbour to = {
		.interface = position_of(links, rtnl_neigh_get_ifindex(from)),
		.ip = ip_from_nl(rtnl_neigh_get_dst(from)),
	};

	if (!(rtnl_neigh_get_state(from) & NUD_PERMANENT) || to.interface == NETNS_NOWHERE ||
	    !to.ip.family || !mac || nl_addr_get_len(mac) != NETNS_MAC)
		return;
	if (links->neighbour_count == NETNS_NEIGHBOURS) {
		(void)too_many(look, "permanent neighbours", NETNS_NEIGHBOURS);
		return;
	}
	memcpy(to.mac, nl_addr_get_binary_addr(mac), NETNS_MAC);
	links->neighbours[links->neighbour_count++] = to;
}

/* libnl knows what kind of object a message carries; for routes it would have to be told. */
static int parse(struct nl_msg *message, void (*on_object)(struct nl_object *, void *),
                 struct look *look)
{
	int nle = nl_msg_parse(message, on_object, look);

	if (nle < 0)
		return fail(look->err, ERROR_SYSTEM, "network", "a list: %s", nl_geterror(nle));
	return look->failed ? -1 : 0;
}

static int link_message(struct nl_msg *message, void *context, struct error *err)
{
	(void)err;
	return parse(message, on_link, context);
}

static int address_message(struct nl_msg *message, void *context, struct error *err)
{
	(void)err;
	return parse(message, on_address, context);
}

static int neighbour_message(struct nl_msg *message, void *context, struct error *err)
{
	(void)err;
	return parse(message, on_neighbour, context);
}

/* Without statistics, of which there is much. */
static int list_links(struct netlink *nl, struct look *look)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	uint32_t mask = RTEXT_FILTER_SKIP_STATS;
	struct nl_msg *message = message_new(RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));

	message_put(&message, IFLA_EXT_MASK, &mask, sizeof(mask));
	return netlink_list(nl, message, link_message, look, look->err);
}

static int look_once(struct netlink *nl, void *context, struct error *err)
{
	struct look *look = context;
	struct netns_links *links = look->links;

	memset(links, 0, sizeof(*links));
	memset(look, 0, sizeof(*look));
	look->links = links;
	look->err = err;
	if (list_links(nl, look) < 0 ||
	    netlink_list_all(nl, RTM_GETADDR, address_message, look, err) < 0 || choose(look) < 0)
		return -1;
	if (netlink_list_all(nl, RTM_GETROUTE, on_route, look, err) < 0)
		return -1;
	return netlink_list_all(nl, RTM_GETNEIGH, neighbour_message, look, err);
}

int netns_identify(struct netns_identity *ret, struct error *err)
{
	owned_fd any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);
	struct stat st;

	if (any < 0 || stat("/proc/self/ns/net", &st) < 0)
		return fail_errno(err, "network namespace", "identify");
	if (getsockopt(any, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
		cookie = 0;
	*ret = (struct netns_identity){st.st_dev, st.st_ino, cookie};
	return 0;
}

struct netns_links *netns_look(struct arena *arena, struct error *err)
{
	struct look *look = ARENA_NEW(arena, struct look);
	struct netns_links *links = ARENA_NEW(arena, struct netns_links);
	owned_netlink nl = {0};

	if (arena_check(arena, err) < 0 || netlink_open(&nl, err) < 0)
		return NULL;
	look->links = links;
	if (netlink_read(&nl, look_once, look, err) < 0 ||
	    netns_identify(&links->namespace, err) < 0)
		return NULL;
	return links;
}
