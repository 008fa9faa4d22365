/* SPDX-License-Identifier: Apache-2.0 */
/* Devices on their way home.
 *
 * Who ruled over the namespace where they were may have done anything with them: named them otherwise, changed their
 * MAC, put others in their place that lead where the host's traffic should not go, made devices on top of them that
 * would still be there when they are not. So what comes home is what left, or nothing; it has the settings that it
 * left with before it comes; and what was made on top of it is removed. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"

#include "baggage.h"
#include "link.h"

enum { OTHER_NAMES = 100, UPPER_MOST = 64 };

/* ---- which they are ---- */

struct search {
	const struct device *device;
	int found;
};

static int compare_link(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);
	struct nlattr *mac = nlmsg_find_attr(header, sizeof(*link), IFLA_ADDRESS);
	struct nlattr *name = nlmsg_find_attr(header, sizeof(*link), IFLA_IFNAME);
	struct search *search = context;
	const struct device *it = search->device;
	const struct settings *settings = &it->settings;

	(void)err;
	if (!name || (nla_strcmp(name, it->name) != 0 && nla_strcmp(name, it->host_name) != 0) ||
	    (mac ? nla_len(mac) : 0) != settings->mac_length)
		return 0;
	if (settings->mac_length == 0 ||
	    memcmp(nla_data(mac), settings->mac, settings->mac_length) == 0)
		search->found = link->ifi_index;
	return 0;
}

int device_search(struct netlink *nl, const struct device *it, struct error *err)
{
	struct search search = {.device = it};

	return netlink_list_all(nl, RTM_GETLINK, compare_link, &search, err) < 0 ? -1
	                                                                         : search.found;
}

/* Returns its index there; 0 where there is none; -1 and *err. */
static int find(struct netlink *nl, const struct device *it, struct error *err)
{
	char name[IF_NAMESIZE];
	unsigned int index;

	if (it->index_there != 0) /* it may have another name by now */
		return if_indextoname((unsigned int)it->index_there, name) ? it->index_there
		       : errno == ENXIO                                    ? 0
		                        : fail_errno(err, it->name, "look up");
	if (it->is != AWAY)
		return device_search(nl, it, err);
	index = if_nametoindex(it->now);
	if (index == 0 && errno != ENODEV)
		return fail_errno(err, it->now, "look up");
	return (int)index;
}

static bool is_away(const struct device *it)
{
	return it->is != AT_HOME && it->is != RETURNED && it->is != LOST;
}

/* One that is not there has never left, was brought back by who died before it could say so, or is no more. */
static int locate_all(struct netlink *nl, struct netns_baggage *b, struct error *err)
{
	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];
		int index;

		if (!is_away(it))
			continue;
		index = find(nl, it, err);
		if (index < 0)
			return -1;
		it->index_there = index;
		if (index == 0)
			it->is = RETURNING;
	}
	return 0;
}

/* ---- whether they are the same ---- */

/* What they are now, and what was made on top of them. */
struct present {
	const struct netns_baggage *b;
	int32_t home; /* the namespace, by its number there; negative: it has none */
	struct device devices[NETNS_DEVICES];
	int upper[UPPER_MOST];
	size_t upper_count;
};

static const struct device *at(const struct netns_baggage *b, int index)
{
	for (size_t i = 0; i < b->device_count; i++)
		if (b->devices[i].index_there == index && is_away(&b->devices[i]))
			return &b->devices[i];
	return NULL;
}

static int on_link(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);
	struct present *now = context;
	const struct device *it = at(now->b, link->ifi_index);
	struct device other = {0};

	(void)err;
	if (it) {
		device_read(header, &now->devices[it - now->b->devices]);
		return 0;
	}
	device_read(header, &other);
	if (other.home.link != 0 && other.home.link_namespace < 0 && at(now->b, other.home.link) &&
	    strcmp(other.home.kind, "veth") != 0 && now->upper_count < UPPER_MOST)
		now->upper[now->upper_count++] = link->ifi_index;
	return 0;
}

static int look(struct netlink *nl, void *context, struct error *err)
{
	struct present *now = context;

	now->upper_count = 0;
	return netlink_list_all(nl, RTM_GETLINK, on_link, now, err);
}

static int on_number(struct nl_msg *message, void *context, struct error *err)
{
	struct nlattr *number =
		nlmsg_find_attr(nlmsg_hdr(message), sizeof(struct rtgenmsg), NETNSA_NSID);
	int32_t *ret = context;

	(void)err;
	*ret = number ? (int32_t)nla_get_u32(number) : NETNSA_NSID_NOT_ASSIGNED;
	return 0;
}

static int find_home(int target, int32_t *ret, struct error *err)
{
	const struct rtgenmsg any = {.rtgen_family = AF_UNSPEC};
	uint32_t namespace = (uint32_t)target;
	struct nl_msg *message = message_new(RTM_GETNSID, 0, &any, sizeof(any));
	owned_netlink nl = {0}; /* of its own: what follows the answer is not waited for */

	message_put(&message, NETNSA_FD, &namespace, sizeof(namespace));
	if (netlink_open(&nl, err) < 0) {
		nlmsg_free(message);
		return -1;
	}
	return netlink_list(&nl, message, on_number, ret, err);
}

/* Nobody there can link a device of his with one at home: what is, is one of those that came from there. (One that was
 * linked with another one that has left with it is so, too, when that is back already.) A tun is whoever's has its
 * descriptor, which nothing tells. */
static bool is_same(const struct device *it, const struct identity *now, int32_t home, bool ruled)
{
	const struct identity *was = &it->home;

	if (strcmp(was->kind, now->kind) != 0 || strcmp(was->parent, now->parent) != 0 ||
	    memcmp(was->permanent, now->permanent, MAC_BYTES) != 0)
		return false;
	if (!it->settled || (now->link_namespace >= 0 && now->link_namespace == home))
		return true;
	return now->link == it->there.link && now->link_namespace == it->there.link_namespace &&
	       !(ruled && strcmp(now->kind, "tun") == 0);
}

static void lose_others(struct netns_baggage *b, const struct present *now)
{
	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];

		if (!is_away(it) || it->is == RETURNING ||
		    is_same(it, &now->devices[i].home, now->home, b->loaded))
			continue;
		it->is = LOST;
		log_warning("%s: is not given back: what is in its place can't be told to be the "
		            "same device",
		            it->host_name);
	}
}

static void remove_upper(struct netlink *nl, const struct present *now)
{
	struct error ignored;

	for (size_t i = 0; i < now->upper_count; i++) {
		struct ifinfomsg link = {.ifi_index = now->upper[i]};
		struct request request = {
			.message = message_new(RTM_DELLINK, 0, &link, sizeof(link)),
			.object = "a device on top of one that is given back",
			.verb = "remove",
			.content = ENODEV, /* it was on top of another one of them */
		};

		if (netlink_ask(nl, &request, &ignored) < 0)
			log_dropped("linux.netDevices", &ignored);
	}
}

/* ---- as they were ---- */

struct change {
	const char *verb;
	int type;
	const void *was, *is;
	size_t length, now_length;
};

static void put_back(struct netlink *nl, const struct device *it, const struct change *change)
{
	struct ifinfomsg link = {.ifi_index = it->index_there};
	struct request request = {.object = it->host_name, .verb = change->verb};
	struct error ignored;

	if (change->length == change->now_length &&
	    memcmp(change->was, change->is, change->length) == 0)
		return;
	request.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link));
	message_put(&request.message, change->type, change->was, change->length);
	if (netlink_ask(nl, &request, &ignored) < 0)
		log_dropped("linux.netDevices", &ignored);
}

static void put_back_flags(struct netlink *nl, const struct device *it, uint32_t now)
{
	struct ifinfomsg link = {.ifi_index = it->index_there,
	                         .ifi_flags = it->settings.flags,
	                         .ifi_change = (it->settings.flags ^ now) & LINK_FLAGS};
	struct request request = {.object = it->host_name, .verb = "flags"};
	struct error ignored;

	if (link.ifi_change == 0)
		return;
	request.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link));
	if (netlink_ask(nl, &request, &ignored) < 0)
		log_dropped("linux.netDevices", &ignored);
}

/* All of them: one that somebody has at home by now would keep it here. It gets its own there again. */
static void take_further(struct netlink *nl, const struct device *it, const struct settings *now)
{
	struct error ignored;

	for (size_t i = 0; i < now->further_length; i += strlen(now->further + i) + 1)
		if (link_further(nl, it->index_there, now->further + i, false, &ignored) < 0)
			log_dropped("linux.netDevices", &ignored);
}

/* Free first, since a bond gives back a MAC when one leaves it, and down: there are devices whose MAC is not changed
 * while they are up. What can't be put back is said. */
static void put_all_back(struct netlink *nl, const struct device *it, const struct device *present)
{
	const struct settings *was = &it->settings, *now = &present->settings;
	const struct change changes[] = {
		{"MAC",          IFLA_ADDRESS, was->mac,           now->mac,           was->mac_length,    now->mac_length          },
		{"MTU",          IFLA_MTU,     &was->mtu,          &now->mtu,          sizeof(was->mtu),   sizeof(now->mtu)         },
		{"queue length", IFLA_TXQLEN,  &was->queue_length, &now->queue_length,
	         sizeof(was->queue_length),								sizeof(now->queue_length)},
		{"group",        IFLA_GROUP,   &was->group,        &now->group,        sizeof(was->group),
	         sizeof(now->group)												 },
		{"alias",        IFLA_IFALIAS, was->alias,         now->alias,         strlen(was->alias),
	         strlen(now->alias)												 },
	};
	struct error ignored;

	if (present->master != 0 && link_set_master(nl, it->index_there, 0, &ignored) < 0)
		log_dropped("linux.netDevices", &ignored);
	if (link_down(nl, it->index_there, it->host_name, &ignored) < 0)
		log_dropped("linux.netDevices", &ignored);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		put_back(nl, it, &changes[i]);
	put_back_flags(nl, it, now->flags);
	take_further(nl, it, now);
}

/* ---- home ---- */

static void set_name(struct device *it, const char *name)
{
	(void)snprintf(it->now, sizeof(it->now), "%s", name);
}

static int is_back_as(const struct device *it)
{
	log_warning("%s: is back as %s: another device has its name by now", it->host_name,
	            it->now);
	return 0;
}

/* Under its own name; where somebody else has that by now, under the one that it has there, or as the kernel names what
 * comes back to the first namespace. The kernel moves first and renames then: it says EEXIST of one that has come. */
static int move_home(struct netlink *nl, struct device *it, int target, struct error *err)
{
	unsigned int index = (unsigned int)it->index_there;
	char there[IF_NAMESIZE], name[IF_NAMESIZE];

	if (!if_indextoname(index, there))
		return fail_errno(err, it->name, "look up");
	set_name(it, it->host_name);
	if (link_move(nl, (int)index, target, it->now, err) == 0)
		return 0;
	for (int i = 0; err->errnum == EEXIST && i < OTHER_NAMES; i++) {
		if (!if_indextoname(index, name)) {
			set_name(it, there);
			return is_back_as(it);
		}
		(void)snprintf(name, sizeof(name), "dev%d", i);
		set_name(it, name);
		if (link_move(nl, (int)index, target, name, err) == 0)
			return is_back_as(it);
	}
	return -1;
}

static int bring_home(struct netlink *nl, struct device *it, const struct device *now, int target,
                      struct error *err)
{
	it->is = RETURNING;
	put_all_back(nl, it, now);
	if (move_home(nl, it, target, err) < 0)
		return error_within(err, "%s", it->host_name);
	it->is = RETURNED;
	return 0;
}

static int bring_all(struct netlink *nl, struct netns_baggage *b, struct present *now, int target,
                     struct error *err)
{
	struct error ignored;
	int result = 0;

	now->b = b;
	if (locate_all(nl, b, err) < 0 || find_home(target, &now->home, err) < 0 ||
	    netlink_read(nl, look, now, err) < 0)
		return -1;
	lose_others(b, now);
	remove_upper(nl, now);
	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];

		if (is_away(it) && it->index_there != 0 &&
		    bring_home(nl, it, &now->devices[i], target, result < 0 ? &ignored : err) < 0)
			result = -1;
	}
	return result;
}

int netns_return_devices(struct netns_baggage *b, int target, struct error *err)
{
	owned_netlink nl = {0};
	struct present *now = calloc(1, sizeof(*now));
	int result;

	if (!now)
		return fail(err, ERROR_SYSTEM, "devices", "out of memory");
	result = netlink_open(&nl, err) < 0 ? -1 : bring_all(&nl, b, now, target, err);
	free(now);
	return result;
}

void netns_miss_devices(struct netns_baggage *b)
{
	for (size_t i = 0; i < b->device_count; i++)
		if (is_away(&b->devices[i]))
			b->devices[i].is = RETURNING;
}
