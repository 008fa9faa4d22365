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

/* ---- links ---- */

static void read_bytes(struct nlattr *from, void *to, size_t size)
{
	memset(to, 0, size);
	if (from && nla_len(from) > 0 && (size_t)nla_len(from) <= size)
		memcpy(to, nla_data(from), (size_t)nla_len(from));
}

/* A text that does not fit is cut: so it is the next time. */
static void read_text(struct nlattr *from, char *to, size_t size)
{
	memset(to, 0, size);
	if (from)
		(void)nla_strlcpy(to, from, size);
}

static void read_identity(struct nlmsghdr *header, struct identity *to)
{
	const size_t head = sizeof(struct ifinfomsg);
	struct nlattr *info = nlmsg_find_attr(header, (int)head, IFLA_LINKINFO);
	struct nlattr *where = nlmsg_find_attr(header, (int)head, IFLA_LINK_NETNSID);

	memset(to, 0, sizeof(*to));
	read_text(attribute_in(info, IFLA_INFO_KIND), to->kind, sizeof(to->kind));
	read_text(nlmsg_find_attr(header, (int)head, IFLA_PARENT_DEV_NAME), to->parent,
	          sizeof(to->parent));
	read_bytes(nlmsg_find_attr(header, (int)head, IFLA_PERM_ADDRESS), to->permanent,
	           sizeof(to->permanent));
	to->link = (int32_t)number(nlmsg_find_attr(header, (int)head, IFLA_LINK));
	to->link_namespace = where ? (int32_t)nla_get_u32(where) : -1;
}

static void read_further(struct nlattr *list, struct settings *to)
{
	struct nlattr *name;
	int left;

	memset(to->further, 0, sizeof(to->further));
	to->further_length = 0;
	if (!list)
		return;
	nla_for_each_nested(name, list, left)
	{
		size_t length = strnlen(nla_data(name), (size_t)nla_len(name)) + 1;

		if (nla_type(name) != IFLA_ALT_IFNAME || length > (size_t)nla_len(name) ||
		    to->further_length + length > sizeof(to->further))
			continue;
		memcpy(to->further + to->further_length, nla_data(name), length);
		to->further_length += (uint32_t)length;
	}
}

static void read_settings(struct nlmsghdr *header, struct settings *to)
{
	const struct ifinfomsg *link = nlmsg_data(header);
	const int head = sizeof(*link);
	struct nlattr *mac = nlmsg_find_attr(header, head, IFLA_ADDRESS);

	read_bytes(mac, to->mac, sizeof(to->mac));
	to->mac_length = mac && nla_len(mac) <= MAC_BYTES ? (uint8_t)nla_len(mac) : 0;
	to->mtu = number(nlmsg_find_attr(header, head, IFLA_MTU));
	to->queue_length = number(nlmsg_find_attr(header, head, IFLA_TXQLEN));
	to->group = number(nlmsg_find_attr(header, head, IFLA_GROUP));
	to->flags = link->ifi_flags & LINK_FLAGS;
	read_text(nlmsg_find_attr(header, head, IFLA_IFALIAS), to->alias, sizeof(to->alias));
	read_further(nlmsg_find_attr(header, head, IFLA_PROP_LIST), to);
}

void device_read(struct nlmsghdr *header, struct device *ret)
{
	const struct ifinfomsg *link = nlmsg_data(header);
	struct nlattr *families = nlmsg_find_attr(header, sizeof(*link), IFLA_AF_SPEC);
	struct nlattr *v6 =
		attribute_in(attribute_in(families, AF_INET6), IFLA_INET6_ADDR_GEN_MODE);

	ret->up = link->ifi_flags & IFF_UP;
	ret->master = (int)number(nlmsg_find_attr(header, sizeof(*link), IFLA_MASTER));
	ret->gen_mode = v6 ? nla_get_u8(v6) : IN6_ADDR_GEN_MODE_EUI64;
	read_identity(header, &ret->home);
	read_settings(header, &ret->settings);
	conf_read(families, &ret->conf);
}

static int on_link(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);
	struct device *it = ours(context, link->ifi_index);

	(void)err;
	if (it)
		device_read(header, it);
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
