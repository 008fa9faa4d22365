/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's side: its interfaces come with the MACs of the description and with names of the guest kernel's own.
 *
 * Names may be crossed (eth0 is to be eth1 and the other way round), so each interface whose name is not right
 * first gets one that nobody has. Then all addresses, before any route: a route's source may be an address of
 * another interface. */
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <string.h>

#include "give.h"
#include "ip.h"
#include "link.h"

struct own {
	int index; /* 0: not found yet */
	bool up;
	char name[NETNS_NAME];
};

struct guest {
	const struct netns_links *links;
	struct own own[NETNS_INTERFACES];
};

static void on_link(struct nl_object *object, void *context)
{
	struct rtnl_link *link = (struct rtnl_link *)object;
	struct nl_addr *mac = rtnl_link_get_addr(link);
	const char *name = rtnl_link_get_name(link);
	struct guest *guest = context;
	uint32_t i = 0;

	if (!name || !mac || nl_addr_get_len(mac) != NETNS_MAC ||
	    rtnl_link_get_flags(link) & IFF_LOOPBACK)
		return;
	while (i < guest->links->interface_count &&
	       (guest->own[i].index != 0 || memcmp(guest->links->interfaces[i].mac,
	                                           nl_addr_get_binary_addr(mac), NETNS_MAC) != 0))
		i++;
	if (i == guest->links->interface_count)
		return;
	guest->own[i].index = rtnl_link_get_ifindex(link);
	guest->own[i].up = rtnl_link_get_flags(link) & IFF_UP;
	memcpy(guest->own[i].name, name, strnlen(name, NETNS_NAME - 1));
}

static int link_message(struct nl_msg *message, void *context, struct error *err)
{
	int nle = nl_msg_parse(message, on_link, context);

	return nle < 0 ? fail(err, ERROR_SYSTEM, "network", "a link: %s", nl_geterror(nle)) : 0;
}

static int list_links(struct netlink *nl, void *context, struct error *err)
{
	struct guest *guest = context;

	memset(guest->own, 0, sizeof(guest->own));
	return netlink_list_all(nl, RTM_GETLINK, link_message, guest, err);
}

/* Which of the guest's is which of the description's. */
static int find(struct netlink *nl, struct guest *guest, struct error *err)
{
	if (netlink_read(nl, list_links, guest, err) < 0)
		return -1;
	for (uint32_t i = 0; i < guest->links->interface_count; i++) {
		const struct netns_interface *wanted = &guest->links->interfaces[i];

		if (guest->own[i].index == 0)
			return fail(err, ERROR_SYSTEM, wanted->name,
			            "no interface has its MAC %02x:%02x:%02x:%02x:%02x:%02x",
			            wanted->mac[0], wanted->mac[1], wanted->mac[2], wanted->mac[3],
			            wanted->mac[4], wanted->mac[5]);
	}
	return 0;
}

static int step_aside(struct netlink *nl, struct guest *guest, uint32_t i, struct error *err)
{
	struct own *own = &guest->own[i];
	char name[NETNS_NAME];

	if (strncmp(own->name, guest->links->interfaces[i].name, NETNS_NAME) == 0)
		return 0;
	if (own->up && link_down(nl, own->index, own->name, err) < 0)
		return -1;
	own->up = false;
	(void)snprintf(name, sizeof(name), "cella-aside%u", (unsigned int)i);
	return link_rename(nl, own->index, own->name, name, err);
}

static int settle(struct netlink *nl, struct guest *guest, uint32_t i, struct error *err)
{
	const struct netns_interface *wanted = &guest->links->interfaces[i];
	struct own *own = &guest->own[i];
	struct place place = {guest->links, i, own->index};

	if (strncmp(own->name, wanted->name, NETNS_NAME) != 0 &&
	    link_rename(nl, own->index, own->name, wanted->name, err) < 0)
		return -1;
	if (link_set_mtu(nl, own->index, wanted->name, wanted->mtu, err) < 0 ||
	    (wanted->up && link_up(nl, own->index, wanted->name, err) < 0))
		return -1;
	return give_addresses(nl, &place, err);
}

static int lead(struct netlink *nl, struct guest *guest, uint32_t i, struct error *err)
{
	struct place place = {guest->links, i, guest->own[i].index};

	if (give_routes(nl, &place, err) < 0)
		return -1;
	return give_neighbours(nl, &place, err);
}

/* What came in a message. */
static int check(const struct netns_links *links, struct error *err)
{
	bool fits = links->interface_count <= NETNS_INTERFACES &&
	            links->address_count <= NETNS_ADDRESSES && links->route_count <= NETNS_ROUTES &&
	            links->neighbour_count <= NETNS_NEIGHBOURS;

	for (uint32_t i = 0; fits && i < links->interface_count; i++) {
		size_t length = strnlen(links->interfaces[i].name, NETNS_NAME);

		fits = length > 0 && length < NETNS_NAME;
	}
	return fits ? 0 : fail(err, ERROR_SYSTEM, "network", "not a description of interfaces");
}

int netns_apply_guest(const struct netns_links *links, struct error *err)
{
	static int (*const steps[])(struct netlink *, struct guest *, uint32_t,
	                            struct error *) = {step_aside, settle, lead};
	struct guest guest = {.links = links};
	owned_netlink nl = {0};

	if (check(links, err) < 0 || netns_loopback_up(err) < 0 || netlink_open(&nl, err) < 0 ||
	    find(&nl, &guest, err) < 0)
		return -1;
	for (size_t step = 0; step < sizeof(steps) / sizeof(steps[0]); step++)
		for (uint32_t i = 0; i < links->interface_count; i++)
			if (steps[step](&nl, &guest, i, err) < 0)
				return -1;
	return give_refusals(&nl, links, err);
}
