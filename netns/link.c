/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "link.h"

static int set_flags(struct netlink *nl, int index, const char *name, unsigned int flags,
                     struct error *err)
{
	struct ifinfomsg link = {.ifi_index = index, .ifi_flags = flags, .ifi_change = IFF_UP};
	struct request request = {
		.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link)),
		.object = name,
		.verb = flags ? "set up" : "set down",
	};

	return netlink_ask(nl, &request, err);
}

int link_up(struct netlink *nl, int index, const char *name, struct error *err)
{
	return set_flags(nl, index, name, IFF_UP, err);
}

int link_down(struct netlink *nl, int index, const char *name, struct error *err)
{
	return set_flags(nl, index, name, 0, err);
}

int link_set_mtu(struct netlink *nl, int index, const char *name, uint32_t mtu, struct error *err)
{
	struct ifinfomsg link = {.ifi_index = index};
	struct request request = {
		.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link)),
		.object = name,
		.verb = "set MTU",
	};

	message_put(&request.message, IFLA_MTU, &mtu, sizeof(mtu));
	return netlink_ask(nl, &request, err);
}

int link_move(struct netlink *nl, int index, int target, const char *name, struct error *err)
{
	struct ifinfomsg link = {.ifi_index = index};
	uint32_t namespace = (uint32_t)target;
	struct request request = {
		.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link)),
		.object = name,
		.verb = "move",
	};

	message_put(&request.message, IFLA_NET_NS_FD, &namespace, sizeof(namespace));
	message_put_text(&request.message, IFLA_IFNAME, name);
	return netlink_ask(nl, &request, err);
}

int link_rename(struct netlink *nl, int index, const char *from, const char *to, struct error *err)
{
	struct ifinfomsg link = {.ifi_index = index};
	struct request request = {
		.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link)),
		.object = to,
		.verb = "rename",
	};

	message_put_text(&request.message, IFLA_IFNAME, to);
	if (netlink_ask(nl, &request, err) < 0)
		return error_within(err, "%s", from);
	return 0;
}

int link_set_master(struct netlink *nl, int index, int master, struct error *err)
{
	struct ifinfomsg link = {.ifi_index = index};
	uint32_t number = (uint32_t)master;
	struct request request = {
		.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link)),
		.object = "bridge",
		.verb = "set",
	};

	message_put(&request.message, IFLA_MASTER, &number, sizeof(number));
	return netlink_ask(nl, &request, err);
}

int link_further(struct netlink *nl, int index, const char *name, bool add, struct error *err)
{
	struct ifinfomsg link = {.ifi_index = index};
	void *names;
	struct request request = {
		.message = message_new(add ? RTM_NEWLINKPROP : RTM_DELLINKPROP,
	                               add ? NLM_F_CREATE | NLM_F_APPEND : 0, &link, sizeof(link)),
		.object = name,
		.verb = add ? "add as a further name" : "remove as a further name",
		.content = add ? 0 : ENOENT,
	};

	message_enter(&request.message, IFLA_PROP_LIST, &names);
	message_put_text(&request.message, IFLA_ALT_IFNAME, name);
	message_leave(request.message, names);
	return netlink_ask(nl, &request, err);
}

int link_set_gen_mode(struct netlink *nl, int index, uint8_t mode, struct error *err)
{
	struct ifinfomsg link = {.ifi_index = index};
	void *families, *v6;
	struct request request = {
		.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link)),
		.object = "IPv6",
		.verb = "how its address is made",
		.content = EAFNOSUPPORT,
	};

	message_enter(&request.message, IFLA_AF_SPEC, &families);
	message_enter(&request.message, AF_INET6, &v6);
	message_put(&request.message, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	message_leave(request.message, v6);
	message_leave(request.message, families);
	return netlink_ask(nl, &request, err);
}

int link_silence_v6(struct netlink *nl, int index, const char *name, struct error *err)
{
	if (link_set_gen_mode(nl, index, IN6_ADDR_GEN_MODE_NONE, err) < 0)
		return error_within(err, "%s", name);
	return 0;
}

int link_find(const char *name, struct error *err)
{
	unsigned int index = if_nametoindex(name);

	return index ? (int)index : fail_errno(err, name, "look up");
}
