/* SPDX-License-Identifier: Apache-2.0 */
/* Giving devices what was written down of them: there what the specification wants moved, at home all of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"

#include "baggage.h"
#include "link.h"

/* Where a device is to get something: the index that it has here. */
struct here {
	struct netlink *nl;
	const struct netns_baggage *b;
	const struct device *device;
	int index;
	bool home;
};

/* ---- addresses ---- */

/* What is left of a lifetime, in seconds; 0: it is over. */
static uint32_t left_of(uint32_t seconds, int64_t passed)
{
	if (seconds == UINT32_MAX)
		return seconds;
	return seconds > passed ? seconds - (uint32_t)passed : 0;
}

/* A label is, or begins with, the name that the device had at home; the kernel's own choice is the name. */
static bool is_left_out(const struct here *h, size_t i, const char *value)
{
	return address_kept[i] == IFA_LABEL &&
	       (!h->home || strncmp(value, h->device->host_name, ADDRESS_BYTES) == 0);
}

static struct nl_msg *address_message(const struct here *h, const struct address *a, uint32_t flags,
                                      const struct ifa_cacheinfo *times)
{
	struct ifaddrmsg head = a->head;
	struct nl_msg *message;

	head.ifa_index = (unsigned int)h->index;
	head.ifa_flags = (uint8_t)flags;
	message = message_new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	message_put(&message, IFA_FLAGS, &flags, sizeof(flags));
	message_put(&message, IFA_CACHEINFO, times, sizeof(*times));
	for (size_t i = 0; i < ARRAY_SIZE(address_kept); i++)
		if (a->length[i] > 0 && !is_left_out(h, i, (const char *)a->value[i]))
			message_put(&message, address_kept[i], a->value[i], a->length[i]);
	return message;
}

/* Nobody else can have an address of IPv6 that was ours until now: it is used at once, where the link is up. That it is
 * not to be looked for at other times is another thing, which a second message takes back. */
static int give_address(const struct here *h, const struct address *a, struct error *err)
{
	uint32_t flags = a->flags & (IFA_F_NOPREFIXROUTE | IFA_F_HOMEADDRESS | IFA_F_MCAUTOJOIN |
	                             IFA_F_MANAGETEMPADDR | IFA_F_NODAD);
	int64_t passed = (clock_ms() - h->b->written_ms) / 1000;
	struct ifa_cacheinfo times = {.ifa_valid = left_of(a->times.ifa_valid, passed),
	                              .ifa_prefered = left_of(a->times.ifa_prefered, passed)};
	bool at_once = a->head.ifa_family == AF_INET6 && (!h->home || h->device->up);
	char text[INET6_ADDRSTRLEN] = "address";
	struct request request = {.object = text, .verb = "add"};

	if (times.ifa_valid == 0)
		return 0;
	/* the first of those kept is IPv4's own, the second IPv6's */
	(void)inet_ntop(a->head.ifa_family, a->value[a->length[0] > 0 ? 0 : 1], text, sizeof(text));
	request.message = address_message(h, a, at_once ? flags | IFA_F_NODAD : flags, &times);
	if (netlink_ask(h->nl, &request, err) < 0)
		return -1;
	if (!at_once || flags & IFA_F_NODAD)
		return 0;
	request.message = address_message(h, a, flags, &times);
	return netlink_ask(h->nl, &request, err);
}

/* The kernel puts a new address of IPv4 behind those that are there, and one of IPv6 before them: given in this order
 * they are listed as they were, and the same ones come first. */
static int give_addresses(const struct here *h, struct error *err)
{
	size_t count = h->b->address_count;
	struct error ignored;
	int result = 0;

	for (size_t i = 0; i < 2 * count; i++) {
		bool second = i >= count;
		const struct address *a = &h->b->addresses[second ? 2 * count - 1 - i : i];

		if (a->index != h->device->index || (a->head.ifa_family == AF_INET6) != second ||
		    !(a->goes || h->home))
			continue;
		if (give_address(h, a, result < 0 ? &ignored : err) < 0)
			result = -1;
	}
	return result;
}

/* ---- routes and neighbours ---- */

static struct nl_msg *note_message(const struct here *h, const struct note *note)
{
	_Alignas(4) uint8_t head[NOTE_BYTES];
	uint32_t index = (uint32_t)h->index;
	struct rtmsg *route = (void *)head;
	struct nl_msg *message;
	size_t at = NLMSG_ALIGN(note->head);

	memcpy(head, note->bytes, note->head);
	if (note->type == RTM_NEWROUTE)
		route->rtm_flags &= RTNH_F_ONLINK; /* the others are the kernel's to say */
	else
		((struct ndmsg *)(void *)head)->ndm_ifindex = h->index;
	/* a route that somebody else has made meanwhile is not ours to replace; neighbours are the device's alone */
	message = message_new(note->type,
	                      NLM_F_CREATE |
	                              (note->type == RTM_NEWROUTE ? NLM_F_EXCL : NLM_F_REPLACE),
	                      head, note->head);
	if (note->type == RTM_NEWROUTE)
		message_put(&message, RTA_OIF, &index, sizeof(index));
	while (at < note->length) {
		const struct nlattr *attribute = (const void *)(note->bytes + at);

		message_put(&message, attribute->nla_type, attribute + 1,
		            attribute->nla_len - sizeof(*attribute));
		at += NLA_ALIGN(attribute->nla_len);
	}
	return message;
}

static int give_notes(const struct here *h, bool with_gateway, struct error *err)
{
	struct error ignored;
	int result = 0;

	for (size_t i = 0; i < h->b->note_count; i++) {
		const struct note *note = &h->b->notes[i];
		struct request request = {
			.object = note->type == RTM_NEWROUTE ? "a route" : "a neighbour",
			.verb = "add",
			.content = EEXIST,
		};

		if (note->index != h->device->index || note->with_gateway != with_gateway)
			continue;
		request.message = note_message(h, note);
		if (netlink_ask(h->nl, &request, result < 0 ? &ignored : err) < 0)
			result = -1;
	}
	return result;
}

static int lead(const struct here *h, struct error *err)
{
	struct error ignored;
	int result = give_notes(h, false, err);

	return give_notes(h, true, result < 0 ? &ignored : err) < 0 ? -1 : result;
}

/* ---- the link ---- */

static bool has_further(const struct settings *now, const char *name)
{
	for (size_t i = 0; i < now->further_length; i += strlen(now->further + i) + 1)
		if (strcmp(now->further + i, name) == 0)
			return true;
	return false;
}

static int on_link(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);
	struct device *ret = context;

	(void)err;
	if (link->ifi_index == ret->index)
		device_read(header, ret);
	return 0;
}

static int look_at_one(struct netlink *nl, void *context, struct error *err)
{
	return netlink_list_all(nl, RTM_GETLINK, on_link, context, err);
}

/* One that another device has got meanwhile stays that one's. */
static int give_further(const struct here *h, const struct settings *now, struct error *err)
{
	const struct settings *was = &h->device->settings;
	int result = 0;

	for (size_t i = 0; i < was->further_length; i += strlen(was->further + i) + 1) {
		struct error why;

		if (has_further(now, was->further + i) ||
		    link_further(h->nl, h->index, was->further + i, true, &why) == 0)
			continue;
		if (why.errnum == EEXIST) {
			log_warning("%s: is no longer called %s too: another device is",
			            h->device->host_name, was->further + i);
			continue;
		}
		*err = why;
		result = -1;
	}
	return result;
}

/* What has to be so before it is up. */
static int prepare(const struct here *h, struct error *err)
{
	const struct device *it = h->device;
	struct device now = {.index = h->index};
	struct error ignored;
	int result;

	if (netlink_read(h->nl, look_at_one, &now, err) < 0)
		return -1;
	result = give_further(h, &now.settings, err);
	if (conf_give(h->nl, h->index, it->now, &it->conf, &now.conf, result < 0 ? &ignored : err) <
	    0)
		result = -1;
	if (it->master &&
	    link_set_master(h->nl, h->index, it->master, result < 0 ? &ignored : err) < 0)
		result = -1;
	return result;
}

/* At home without an address of IPv6 that the kernel makes, from before it is up: what it had is written down.
 * Up before it gets its addresses: the route to the network of one that is not for ever is made then or never. */
static int settle(const struct here *h, struct error *err)
{
	const struct device *it = h->device;
	struct error ignored;
	int result;

	if (h->home && link_set_gen_mode(h->nl, h->index, IN6_ADDR_GEN_MODE_NONE, err) < 0)
		return -1;
	result = h->home ? prepare(h, err) : 0;
	/* runtime-spec: there it is set up, whatever it was */
	if ((!h->home || it->up) &&
	    link_up(h->nl, h->index, it->now, result < 0 ? &ignored : err) < 0)
		result = -1;
	if (give_addresses(h, result < 0 ? &ignored : err) < 0)
		result = -1;
	if (h->home &&
	    link_set_gen_mode(h->nl, h->index, it->gen_mode, result < 0 ? &ignored : err) < 0)
		result = -1;
	return result;
}

/* ---- all devices ---- */

static int look_up(struct netlink *nl, const struct device *it, struct error *err)
{
	return it->is == RETURNING ? device_search(nl, it, err) : link_find(it->now, err);
}

static bool is_here(const struct device *it, bool home)
{
	return home ? it->is == RETURNED || it->is == RETURNING : it->is == AWAY;
}

static void give_up_on(struct device *it)
{
	it->is = LOST;
	log_warning("%s: is not back: it is neither here nor where it was moved to", it->host_name);
}

static int each(struct netns_baggage *b, bool home, struct netlink *nl,
                int (*give)(const struct here *h, struct error *err), struct error *err)
{
	struct error ignored, *why = err;
	int result = 0;

	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];
		struct here h = {.nl = nl, .b = b, .device = it, .home = home};

		if (!is_here(it, home))
			continue;
		h.index = look_up(nl, it, why);
		if (h.index == 0) {
			give_up_on(it);
			continue;
		}
		if (!home && h.index > 0)
			it->index_there = h.index;
		if (h.index < 0 || give(&h, why) < 0) {
			result = error_within(why, "%s", it->host_name);
			why = &ignored;
		}
	}
	return result;
}

/* How they look from there, to know them again by. */
static int on_device(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);
	struct netns_baggage *b = context;
	struct device seen = {0};

	(void)err;
	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];

		if (it->is != AWAY || it->index_there != link->ifi_index)
			continue;
		device_read(header, &seen);
		it->there = seen.home;
		it->settled = true;
	}
	return 0;
}

static int look_at_all(struct netlink *nl, void *context, struct error *err)
{
	return netlink_list_all(nl, RTM_GETLINK, on_device, context, err);
}

int netns_unpack_devices(struct netns_baggage *b, struct error *err)
{
	owned_netlink nl = {0};

	if (netlink_open(&nl, err) < 0 || each(b, false, &nl, settle, err) < 0)
		return -1;
	return netlink_read(&nl, look_at_all, b, err);
}

int netns_restore_devices(struct netns_baggage *b, struct error *err)
{
	owned_netlink nl = {0};
	struct error ignored;
	int result;

	if (netlink_open(&nl, err) < 0)
		return -1;
	/* a route's source may be an address of another device */
	result = each(b, true, &nl, settle, err);
	return each(b, true, &nl, lead, result < 0 ? &ignored : err) < 0 ? -1 : result;
}
