/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the host's that a container gets. The kernel moves a device bare: down, without its addresses. So these
 * are written down first, as the kernel lists them, and given back on the other side. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "base/table.h"

#include "link.h"
#include "netns.h"

enum { TRIES = 8, ADDRESS_BYTES = 16 };

/* The attributes of an address that are given again; the label is the device's name, the rest is counted. */
static const int kept[] = {IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST, IFA_RT_PRIORITY};

struct address {
	int index; /* of the device, here */
	struct ifaddrmsg head;
	uint32_t flags;
	uint8_t value[ARRAY_SIZE(kept)][ADDRESS_BYTES];
	uint8_t length[ARRAY_SIZE(kept)]; /* 0: it has none */
};

struct device {
	char host_name[NETNS_NAME], name[NETNS_NAME];
	int index; /* here */
	bool up, moved;
};

struct netns_baggage {
	size_t device_count, address_count;
	struct device devices[NETNS_DEVICES];
	struct address addresses[NETNS_ADDRESSES];
};

/* ---- writing down ---- */

static bool is_ours(const struct netns_baggage *b, int index)
{
	for (size_t i = 0; i < b->device_count; i++)
		if (b->devices[i].index == index)
			return true;
	return false;
}

static int on_link(struct nl_msg *message, void *context, struct error *err)
{
	const struct ifinfomsg *link = nlmsg_data(nlmsg_hdr(message));
	struct netns_baggage *b = context;

	(void)err;
	for (size_t i = 0; i < b->device_count; i++)
		if (b->devices[i].index == link->ifi_index)
			b->devices[i].up = link->ifi_flags & IFF_UP;
	return 0;
}

/* Permanent addresses that don't follow from the link itself: others come anew, or have a time that has begun. */
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
	if (!is_ours(b, to.index) || from->ifa_scope >= RT_SCOPE_LINK ||
	    !(to.flags & IFA_F_PERMANENT))
		return 0;
	if (b->address_count == ARRAY_SIZE(b->addresses))
		return fail(err, ERROR_UNSUPPORTED, "devices", "more than %zu addresses",
		            ARRAY_SIZE(b->addresses));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		struct nlattr *value = nlmsg_find_attr(header, sizeof(*from), kept[i]);
		int length = value ? nla_len(value) : 0;

		if (length <= 0 || length > ADDRESS_BYTES)
			continue;
		memcpy(to.value[i], nla_data(value), (size_t)length);
		to.length[i] = (uint8_t)length;
	}
	b->addresses[b->address_count++] = to;
	return 0;
}

static int list(struct netlink *nl, struct netns_baggage *b, struct error *err)
{
	const struct ifinfomsg any_link = {.ifi_family = AF_UNSPEC};
	const struct ifaddrmsg any_address = {.ifa_family = AF_UNSPEC};
	struct nl_msg *links = message_new(RTM_GETLINK, NLM_F_DUMP, &any_link, sizeof(any_link));
	struct nl_msg *addresses;

	if (netlink_list(nl, links, on_link, b, err) < 0)
		return -1;
	b->address_count = 0;
	addresses = message_new(RTM_GETADDR, NLM_F_DUMP, &any_address, sizeof(any_address));
	return netlink_list(nl, addresses, on_address, b, err);
}

static int write_down(struct netlink *nl, struct netns_baggage *b, struct error *err)
{
	for (int i = 0; i < TRIES; i++) {
		nl->changed = false;
		if (list(nl, b, err) == 0)
			return 0;
		if (!nl->changed)
			break;
	}
	return -1;
}

static int name_all(const struct netns_device *devices, size_t count, struct netns_baggage *b,
                    struct error *err)
{
	if (count > NETNS_DEVICES)
		return fail(err, ERROR_UNSUPPORTED, "devices", "more than %d", NETNS_DEVICES);
	for (size_t i = 0; i < count; i++) {
		const char *to = devices[i].name;
		struct device *it = &b->devices[i];

		it->index = link_find(devices[i].host_name, err);
		if (it->index < 0)
			return -1;
		/* which it need not be: it is found by another name that it has, too */
		if (!if_indextoname((unsigned int)it->index, it->host_name))
			return fail_errno(err, devices[i].host_name, "look up");
		if (!to)
			to = it->host_name;
		memcpy(it->name, to, strnlen(to, NETNS_NAME - 1));
		b->device_count++;
	}
	return 0;
}

/* ---- moving ---- */

/* The kernel moves first and renames then: where the new name is taken the device is there, under its old one. */
static void note_half(struct device *it)
{
	struct error ignored;

	if (link_find(it->host_name, &ignored) == it->index)
		return;
	memcpy(it->name, it->host_name, sizeof(it->name));
	it->moved = true;
}

int netns_send_devices(const struct netns_device *devices, size_t count, int target,
                       struct arena *arena, struct netns_baggage **ret_baggage, struct error *err)
{
	struct netns_baggage *b = ARENA_NEW(arena, struct netns_baggage);
	owned_netlink nl = {0};

	if (!b)
		return arena_check(arena, err);
	*ret_baggage = b;
	if (netlink_open(&nl, err) < 0 || name_all(devices, count, b, err) < 0 ||
	    write_down(&nl, b, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct device *it = &b->devices[i];

		if (link_move(&nl, it->index, target, it->name, err) < 0) {
			note_half(it);
			return error_within(err, "%s", it->host_name);
		}
		it->moved = true;
	}
	return 0;
}

int netns_return_devices(struct netns_baggage *b, int target, struct error *err)
{
	owned_netlink nl = {0};
	struct error ignored;
	int result = 0;

	if (netlink_open(&nl, err) < 0)
		return -1;
	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];
		int index = it->moved ? link_find(it->name, result == 0 ? err : &ignored) : 0;

		if (!it->moved)
			continue;
		if (index < 0 ||
		    link_move(&nl, index, target, it->host_name, result == 0 ? err : &ignored) < 0)
			result = -1;
		else
			memcpy(it->name, it->host_name, sizeof(it->name));
	}
	return result;
}

/* ---- giving back ---- */

static struct nl_msg *address_message(const struct address *a, int index)
{
	struct ifaddrmsg head = a->head;
	uint32_t flags = a->flags & (IFA_F_NOPREFIXROUTE | IFA_F_HOMEADDRESS | IFA_F_MCAUTOJOIN);
	struct nl_msg *message;

	if (head.ifa_family == AF_INET6) /* nobody else can have it: it was ours until now */
		flags |= IFA_F_NODAD;
	head.ifa_index = (unsigned int)index;
	head.ifa_flags = (uint8_t)flags;
	message = message_new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	message_put(&message, IFA_FLAGS, &flags, sizeof(flags));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (a->length[i] > 0)
			message_put(&message, kept[i], a->value[i], a->length[i]);
	return message;
}

static int unpack(struct netlink *nl, const struct netns_baggage *b, const struct device *it,
                  struct error *err)
{
	int index = link_find(it->name, err);

	if (index < 0)
		return -1;
	for (size_t i = 0; i < b->address_count; i++) {
		const struct address *a = &b->addresses[i];
		char text[INET6_ADDRSTRLEN] = "address";
		struct request request = {.object = text, .verb = "add"};

		if (a->index != it->index)
			continue;
		/* the first of those kept is IPv4's own, the second IPv6's */
		(void)inet_ntop(a->head.ifa_family, a->value[a->length[0] > 0 ? 0 : 1], text,
		                sizeof(text));
		request.message = address_message(a, index);
		if (netlink_ask(nl, &request, err) < 0)
			return -1;
	}
	return it->up ? link_up(nl, index, it->name, err) : 0;
}

int netns_unpack_devices(const struct netns_baggage *b, struct error *err)
{
	owned_netlink nl = {0};

	if (netlink_open(&nl, err) < 0)
		return -1;
	for (size_t i = 0; i < b->device_count; i++)
		if (b->devices[i].moved && unpack(&nl, b, &b->devices[i], err) < 0)
			return error_within(err, "%s", b->devices[i].host_name);
	return 0;
}
