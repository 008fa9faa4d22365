/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>

#include "give.h"
#include "link.h"
#include "netns.h"
#include "redirect.h"

/* Only a tap with our filter: another ends with its descriptors, or is not ours but has the name. */
static int remove_tap(struct netlink *nl, const char *tap, struct error *err)
{
	struct ifinfomsg link = {.ifi_index = (int)if_nametoindex(tap)};
	struct request request = {.object = tap, .verb = "remove", .content = ENODEV};
	int ours;

	if (link.ifi_index == 0)
		return 0;
	ours = redirect_remove(nl, link.ifi_index, tap, err);
	if (ours <= 0)
		return ours;
	request.message = message_new(RTM_DELLINK, 0, &link, sizeof(link));
	return netlink_ask(nl, &request, err);
}

int netns_undo(const struct netns_links *links, uint32_t which, const char *tap, struct error *err)
{
	const struct netns_interface *interface = &links->interfaces[which];
	struct place place = {links, which, (int)interface->index};
	owned_netlink nl = {0};
	char name[IF_NAMESIZE];

	if (netlink_open(&nl, err) < 0 || remove_tap(&nl, tap, err) < 0)
		return -1;
	if (!if_indextoname(interface->index, name))
		return 0;
	if (redirect_remove(&nl, place.index, interface->name, err) < 0 ||
	    give_addresses(&nl, &place, err) < 0 || give_routes(&nl, &place, err) < 0)
		return -1;
	return give_neighbours(&nl, &place, err);
}
