/* SPDX-License-Identifier: Apache-2.0 */
/* Writing down what devices have, as the kernel lists it. */
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"

#include "baggage.h"
#include "link.h"

const int address_kept[ADDRESS_KEPT] = {IFA_LOCAL,       IFA_ADDRESS, IFA_BROADCAST,
                                        IFA_RT_PRIORITY, IFA_LABEL,   IFA_PROTO};

static struct device *ours(struct netns_baggage *b, int index)
{
	for (size_t i = 0; i < b->device_count; i++)
		if (b->devices[i].index == index)
			return &b->devices[i];
	return NULL;
}

static uint32_t number(struct nlattr *attribute)
{
	return attribute ? nla_get_u32(attribute) : 0;
}

static struct nlattr *nested(struct nlattr *within, int type)
{
	return within ? nla_find(nla_data(within), nla_len(within), type) : NULL;
}

/* ---- links ---- */

static int on_link(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);
	struct device *it = ours(context, link->ifi_index);
	struct nlattr *mac, *v6;

	(void)err;
	if (!it)
		return 0;
	mac = nlmsg_find_attr(header, sizeof(*link), IFLA_ADDRESS);
	v6 = nested(nlmsg_find_attr(header, sizeof(*link), IFLA_AF_SPEC), AF_INET6);
	v6 = nested(v6, IFLA_INET6_ADDR_GEN_MODE);
	it->up = link->ifi_flags & IFF_UP;
	it->master = (int)number(nlmsg_find_attr(header, sizeof(*link), IFLA_MASTER));
	it->gen_mode = v6 ? nla_get_u8(v6) : IN6_ADDR_GEN_MODE_EUI64;
	it->mac_length = mac && nla_len(mac) <= MAC_BYTES ? (uint8_t)nla_len(mac) : 0;
	if (it->mac_length)
		memcpy(it->mac, nla_data(mac), it->mac_length);
	return 0;
}

/* ---- addresses ---- */

static void keep_values(struct nlmsghdr *header, struct address *to)
{
	struct nlattr *times = nlmsg_find_attr(header, sizeof(to->head), IFA_CACHEINFO);

	to->times.ifa_valid = to->times.ifa_prefered = UINT32_MAX;
	if (times && nla_len(times) >= (int)sizeof(to->times))
		memcpy(&to->times, nla_data(times), sizeof(to->times));
	for (size_t i = 0; i < ARRAY_SIZE(address_kept); i++) {
		struct nlattr *value = nlmsg_find_attr(header, sizeof(to->head), address_kept[i]);
		int length = value ? nla_len(value) : 0;

		if (length <= 0 || length > ADDRESS_BYTES)
			continue;
		memcpy(to->value[i], nla_data(value), (size_t)length);
		to->length[i] = (uint8_t)length;
	}
}

static int on_address(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifaddrmsg *from = nlmsg_data(header);
	struct netns_baggage *b = context;
	struct address to = {.index = (int)from->ifa_index,
	                     .head = *from,
	                     .flags = from->ifa_flags};
	struct nlattr *flags = nlmsg_find_attr(header, sizeof(*from), IFA_FLAGS);

	if (flags)
		to.flags = nla_get_u32(flags);
	if (!ours(b, to.index))
		return 0;
	if (from->ifa_family == AF_INET6 && to.flags & IFA_F_TEMPORARY)
		return 0; /* the kernel makes others, of the address that they are made of */
	if (b->address_count == ARRAY_SIZE(b->addresses))
		return fail(err, ERROR_UNSUPPORTED, "devices", "more than %zu addresses",
		            ARRAY_SIZE(b->addresses));
	to.goes = to.flags & IFA_F_PERMANENT && from->ifa_scope == RT_SCOPE_UNIVERSE;
	keep_values(header, &to);
	b->addresses[b->address_count++] = to;
	return 0;
}

/* ---- routes and neighbours ---- */

/* The header and the attributes but for those of `without`, which ends with 0. What is too long for it, or one too
 * many, is not kept: it is no reason to refuse a device. */
static void keep_note(struct netns_baggage *b, struct nlmsghdr *header, struct note *to,
                      const int *without)
{
	struct nlattr *attribute;
	int left;

	if (b->note_count == ARRAY_SIZE(b->notes))
		return;
	memcpy(to->bytes, nlmsg_data(header), to->head);
	to->length = NLMSG_ALIGN(to->head);
	nlmsg_for_each_attr(attribute, header, to->head, left)
	{
		size_t length = NLA_ALIGN(attribute->nla_len);
		const int *it = without;

		while (*it && *it != nla_type(attribute))
			it++;
		if (*it)
			continue;
		if (to->length + length > NOTE_BYTES)
			return;
		memcpy(to->bytes + to->length, attribute, attribute->nla_len);
		to->length = (uint16_t)(to->length + length);
	}
	b->notes[b->note_count++] = *to;
}

/* Those that somebody has made: the kernel's own follow from addresses, a router's will be heard of again. One with
 * several next hops, or an end of its own, is not one device's, or not for ever. */
static int on_route(struct nl_msg *message, void *context, struct error *err)
{
	static const int without[] = {RTA_OIF, RTA_CACHEINFO, RTA_IIF, RTA_UID, RTA_MARK, 0};
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct rtmsg *route = nlmsg_data(header);
	struct nlattr *out = nlmsg_find_attr(header, sizeof(*route), RTA_OIF);
	struct nlattr *life = nlmsg_find_attr(header, sizeof(*route), RTA_CACHEINFO);
	struct note to = {.type = RTM_NEWROUTE, .head = sizeof(*route), .index = (int)number(out)};
	struct rta_cacheinfo times = {0};

	(void)err;
	if (life && nla_len(life) >= (int)sizeof(times))
		memcpy(&times, nla_data(life), sizeof(times));
	if (!out || !ours(context, to.index) ||
	    (route->rtm_family != AF_INET && route->rtm_family != AF_INET6) ||
	    route->rtm_flags & RTM_F_CLONED || route->rtm_protocol == RTPROT_KERNEL ||
	    route->rtm_protocol == RTPROT_REDIRECT || route->rtm_protocol == RTPROT_RA ||
	    times.rta_expires || nlmsg_find_attr(header, sizeof(*route), RTA_NH_ID))
		return 0;
	to.with_gateway = nlmsg_find_attr(header, sizeof(*route), RTA_GATEWAY) ||
	                  nlmsg_find_attr(header, sizeof(*route), RTA_VIA);
	keep_note(context, header, &to, without);
	return 0;
}

static int on_neighbour(struct nl_msg *message, void *context, struct error *err)
{
	static const int without[] = {NDA_CACHEINFO, NDA_PROBES, 0};
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ndmsg *neighbour = nlmsg_data(header);
	struct note to = {.type = RTM_NEWNEIGH,
	                  .head = sizeof(*neighbour),
	                  .index = neighbour->ndm_ifindex};

	(void)err;
	if (ours(context, to.index) && neighbour->ndm_state & NUD_PERMANENT &&
	    (neighbour->ndm_family == AF_INET || neighbour->ndm_family == AF_INET6))
		keep_note(context, header, &to, without);
	return 0;
}

/* ---- all ---- */

static int list(struct netlink *nl, void *context, struct error *err)
{
	static const struct {
		int type;
		netlink_each each;
	} lists[] = {
		{RTM_GETLINK,  on_link     },
		{RTM_GETADDR,  on_address  },
		{RTM_GETROUTE, on_route    },
		{RTM_GETNEIGH, on_neighbour},
	};
	struct netns_baggage *b = context;

	b->address_count = b->note_count = 0;
	b->written_ms = clock_ms();
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (netlink_list_all(nl, lists[i].type, lists[i].each, b, err) < 0)
			return -1;
	return 0;
}

int baggage_write_down(struct netlink *nl, struct netns_baggage *b, struct error *err)
{
	return netlink_read(nl, list, b, err);
}
