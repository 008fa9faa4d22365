/* SPDX-License-Identifier: Apache-2.0 */
/* All interfaces get their addresses before any gets a route: a route's source may be an address of another one. What
 * fails keeps nothing else from being given back: there is no other time for it. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>

#include "give.h"
#include "link.h"
#include "netns.h"
#include "redirect.h"

/* Only a tap with our filter: another ends with its descriptors, or is not ours but has the name. */
static int remove_tap(struct netlink *nl, const struct netns_interface *interface,
                      struct error *err)
{
	struct ifinfomsg link = {.ifi_index = (int)interface->tap_index};
	struct request request = {.object = interface->tap, .verb = "remove", .content = ENODEV};
	int ours = redirect_remove(nl, link.ifi_index, interface->tap, err);

	if (ours <= 0)
		return ours;
	request.message = message_new(RTM_DELLINK, 0, &link, sizeof(link));
	return netlink_ask(nl, &request, err);
}

/* Whether another machine has tied it since. Returns 1 or 0; -1 and *err. */
static int is_anothers(struct netlink *nl, const struct netns_interface *interface,
                       struct error *err)
{
	unsigned int tap = if_nametoindex(interface->tap);

	return tap == 0 || tap == interface->tap_index ? 0 : redirect_find(nl, (int)tap, err);
}

/* ret_here  whether the interface is here still, and nobody else's: then it gets its routes too.
 * Returns   0, or -1 and *err. */
static int untie(struct netlink *nl, const struct place *place, bool *ret_here, struct error *err)
{
	const struct netns_interface *interface = &place->links->interfaces[place->which];
	int others = is_anothers(nl, interface, err);
	char name[IF_NAMESIZE];
	struct error ignored;
	int result = 0;

	if (others != 0)
		return others < 0 ? -1 : 0;
	if (interface->tap_index != 0 && if_nametoindex(interface->tap) == interface->tap_index)
		result = remove_tap(nl, interface, err);
	*ret_here = if_indextoname(interface->index, name) != NULL;
	if (!*ret_here)
		return result;
	if (redirect_remove(nl, place->index, interface->name, result < 0 ? &ignored : err) < 0)
		result = -1;
	if (give_addresses(nl, place, result < 0 ? &ignored : err) < 0)
		result = -1;
	return result;
}

static int lead(struct netlink *nl, const struct place *place, struct error *err)
{
	struct error ignored;
	int result = give_routes(nl, place, err);

	return give_neighbours(nl, place, result < 0 ? &ignored : err) < 0 ? -1 : result;
}

int netns_undo(const struct netns_links *links, struct error *err)
{
	bool here[NETNS_INTERFACES] = {false};
	owned_netlink nl = {0};
	struct error ignored;
	int result = 0;

	if (netlink_open(&nl, err) < 0)
		return -1;
	for (uint32_t i = 0; i < links->interface_count; i++) {
		const struct place place = {links, i, (int)links->interfaces[i].index};

		if (untie(&nl, &place, &here[i], result < 0 ? &ignored : err) < 0)
			result = -1;
	}
	for (uint32_t i = 0; i < links->interface_count; i++) {
		const struct place place = {links, i, (int)links->interfaces[i].index};

		if (here[i] && lead(&nl, &place, result < 0 ? &ignored : err) < 0)
			result = -1;
	}
	return result;
}
