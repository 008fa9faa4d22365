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

enum {
	OTHER_NAMES = 100,
	UPPER_AT_ONCE = 1024,
	UPPER_ROUNDS = 64,
	UPPER_GROUP = 0x63656c6c, /* one that nobody else has thought of */
};

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

/* What they are now, in the order of the baggage (index 0: it is not there), and what was made on top of them. */
struct present {
	const struct netns_baggage *b;
	int32_t home; /* the namespace, by its number there; negative: it has none */
	struct device devices[NETNS_DEVICES];
	int upper[UPPER_AT_ONCE];
	size_t upper_count;
};

/* One that is not there has never left, was brought back by who died before it could say so, or is no more. */
static int locate_all(struct netlink *nl, struct netns_baggage *b, struct present *now,
                      struct error *err)
{
	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];
		int index = is_away(it) ? find(nl, it, err) : 0;

		if (index < 0)
			return -1;
		now->devices[i].index = index;
		if (index == 0 && is_away(it))
			it->is = RETURNING;
	}
	return 0;
}

/* ---- whether they are the same ---- */

static struct device *at(struct present *now, int index)
{
	for (size_t i = 0; i < now->b->device_count; i++)
		if (now->devices[i].index == index)
			return &now->devices[i];
	return NULL;
}

static int on_link(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);
	struct present *now = context;
	struct device *it = at(now, link->ifi_index);
	struct device other = {0};

	(void)err;
	device_read(header, it ? it : &other);
	if (!it && other.home.link > 0 && other.home.link_namespace < 0 &&
	    at(now, other.home.link) && strcmp(other.home.kind, "veth") != 0 &&
	    now->upper_count < UPPER_AT_ONCE)
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
	owned_netlink nl = {0}; /* of its own: what follows the answer is not waited for */
	struct nl_msg *message;

	if (netlink_open(&nl, err) < 0)
		return -1;
	message = message_new(RTM_GETNSID, 0, &any, sizeof(any));
	message_put(&message, NETNSA_FD, &namespace, sizeof(namespace));
	return netlink_list(&nl, message, on_number, ret, err);
}

/* One that was linked with another one that had left with it, when that is back already. */
static bool has_lost_partner(const struct present *now, const struct device *it)
{
	for (size_t i = 0; i < now->b->device_count; i++)
		if (now->b->devices[i].index_there == it->there.link && now->devices[i].index == 0)
			return it->there.link > 0 && it->there.link_namespace < 0;
	return false;
}

/* A tun belongs to who has its descriptor, which nothing tells: one that a program has ruled over is not. */
static bool is_same(const struct present *now, size_t i)
{
	const struct device *it = &now->b->devices[i];
	const struct identity *was = &it->home, *is = &now->devices[i].home;

	if (strcmp(was->kind, is->kind) != 0 || strcmp(was->parent, is->parent) != 0 ||
	    memcmp(was->permanent, is->permanent, MAC_BYTES) != 0)
		return false;
	if (!it->settled)
		return true;
	if (is->link != it->there.link || is->link_namespace != it->there.link_namespace)
		return is->link_namespace >= 0 && is->link_namespace == now->home &&
		       has_lost_partner(now, it);
	return !now->b->loaded || strcmp(is->kind, "tun") != 0;
}

static void lose_others(struct netns_baggage *b, struct present *now)
{
	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];

		if (now->devices[i].index == 0 || is_same(now, i))
			continue;
		it->is = LOST;
		now->devices[i].index = 0;
		log_warning("%s: is not given back: what is in its place can't be told to be the "
		            "same device",
		            it->host_name);
	}
}

static int ask_of_upper(struct netlink *nl, int type, int index, struct error *err)
{
	static const uint32_t group = UPPER_GROUP;
	struct ifinfomsg link = {.ifi_index = index};
	struct request request = {
		.message = message_new(type, 0, &link, sizeof(link)),
		.object = "a device on top of one that is given back",
		.verb = "remove",
		.content = ENODEV, /* it was on top of another one of them */
	};

	message_put(&request.message, IFLA_GROUP, &group, sizeof(group));
	return netlink_ask(nl, &request, err);
}

/* As a group they go at once, which takes the kernel as long as one of them: somebody may have made thousands. */
static int remove_upper(struct netlink *nl, const struct present *now, struct error *err)
{
	for (size_t i = 0; i < now->upper_count; i++)
		if (ask_of_upper(nl, RTM_NEWLINK, now->upper[i], err) < 0)
			return -1;
	return ask_of_upper(nl, RTM_DELLINK, 0, err);
}

/* With what is on top of it none comes home. */
static int clear(struct netlink *nl, struct netns_baggage *b, struct present *now,
                 struct error *err)
{
	for (int i = 0; i < UPPER_ROUNDS; i++) {
		if (netlink_read(nl, look, now, err) < 0)
			return -1;
		if (i == 0)
			lose_others(b, now);
		if (now->upper_count == 0)
			return 0;
		if (remove_upper(nl, now, err) < 0)
			return -1;
	}
	return fail(err, ERROR_STATE, "devices", "there is always another one on top of them");
}

/* ---- as they were ---- */

struct bytes {
	const void *at;
	size_t length;
};
#define WHOLE(it)                                                                                  \
	{                                                                                          \
		&(it), sizeof(it)                                                                  \
	}

struct change {
	const char *verb;
	int type;
	struct bytes was, is;
};

static void ask(struct netlink *nl, struct nl_msg *message, const struct device *it,
                const char *verb)
{
	struct request request = {.message = message, .object = it->host_name, .verb = verb};
	struct error ignored;

	if (netlink_ask(nl, &request, &ignored) < 0)
		log_dropped("linux.netDevices", &ignored);
}

static void put_back(struct netlink *nl, const struct device *it, int index,
                     const struct change *change)
{
	struct ifinfomsg link = {.ifi_index = index};
	struct nl_msg *message;

	if (change->was.length == change->is.length &&
	    memcmp(change->was.at, change->is.at, change->is.length) == 0)
		return;
	message = message_new(RTM_NEWLINK, 0, &link, sizeof(link));
	message_put(&message, change->type, change->was.at, change->was.length);
	ask(nl, message, it, change->verb);
}

static void put_back_flags(struct netlink *nl, const struct device *it, const struct device *now)
{
	struct ifinfomsg link = {.ifi_index = now->index,
	                         .ifi_flags = it->settings.flags,
	                         .ifi_change = it->settings.flags ^ now->settings.flags};

	if (link.ifi_change != 0)
		ask(nl, message_new(RTM_NEWLINK, 0, &link, sizeof(link)), it, "flags");
}

/* All of them: one that somebody has at home by now would keep it here. It gets its own there again. */
static void take_further(struct netlink *nl, const struct device *now)
{
	const struct settings *s = &now->settings;
	struct error ignored;

	for (size_t i = 0; i < s->further_length; i += strlen(s->further + i) + 1)
		if (link_further(nl, now->index, s->further + i, false, &ignored) < 0)
			log_dropped("linux.netDevices", &ignored);
}

/* Free first, since a bond gives back a MAC when one leaves it, and down: there are devices whose MAC is not changed
 * while they are up. What can't be put back is said. */
static void put_all_back(struct netlink *nl, const struct device *it, const struct device *now)
{
	const struct settings *was = &it->settings, *is = &now->settings;
	size_t alias_was = strlen(was->alias), alias_is = strlen(is->alias);
	const struct change changes[] = {
		{"MAC",          IFLA_ADDRESS, {was->mac, was->mac_length}, {is->mac, is->mac_length}},
		{"MTU",          IFLA_MTU,     WHOLE(was->mtu),             WHOLE(is->mtu)           },
		{"queue length", IFLA_TXQLEN,  WHOLE(was->queue_length),    WHOLE(is->queue_length)  },
		{"group",        IFLA_GROUP,   WHOLE(was->group),           WHOLE(is->group)         },
		{"alias",        IFLA_IFALIAS, {was->alias, alias_was},     {is->alias, alias_is}    },
	};
	struct error ignored;

	if (now->master != 0 && link_set_master(nl, now->index, 0, &ignored) < 0)
		log_dropped("linux.netDevices", &ignored);
	if (link_down(nl, now->index, it->host_name, &ignored) < 0)
		log_dropped("linux.netDevices", &ignored);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		put_back(nl, it, now->index, &changes[i]);
	put_back_flags(nl, it, now);
	take_further(nl, now);
}

/* ---- home ---- */

static void set_name(struct device *it, const char *name)
{
	(void)snprintf(it->now, sizeof(it->now), "%s", name);
}

static int tell_its_name(const struct device *it)
{
	log_warning("%s: is back as %s: another device has its name by now", it->host_name,
	            it->now);
	return 0;
}

/* Under its own name; where somebody else has that by now, under the one that it has there, or as the kernel names what
 * comes back to the first namespace. The kernel moves first and renames then: it says EEXIST of one that has come. */
static int move_home(struct netlink *nl, struct device *it, int index, int target,
                     struct error *err)
{
	char there[IF_NAMESIZE], name[IF_NAMESIZE];

	if (!if_indextoname((unsigned int)index, there))
		return fail_errno(err, it->name, "look up");
	set_name(it, it->host_name);
	if (link_move(nl, index, target, it->now, err) == 0)
		return 0;
	for (int i = 0; err->errnum == EEXIST && i < OTHER_NAMES; i++) {
		if (!if_indextoname((unsigned int)index, name)) {
			set_name(it, there);
			return tell_its_name(it);
		}
		(void)snprintf(name, sizeof(name), "dev%d", i);
		set_name(it, name);
		if (link_move(nl, index, target, name, err) == 0)
			return tell_its_name(it);
	}
	return -1;
}

static int bring_home(struct netlink *nl, struct device *it, const struct device *now, int target,
                      struct error *err)
{
	it->is = RETURNING;
	put_all_back(nl, it, now);
	if (move_home(nl, it, now->index, target, err) < 0)
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
	if (locate_all(nl, b, now, err) < 0 || find_home(target, &now->home, err) < 0 ||
	    clear(nl, b, now, err) < 0)
		return -1;
	for (size_t i = 0; i < b->device_count; i++)
		if (now->devices[i].index != 0 &&
		    bring_home(nl, &b->devices[i], &now->devices[i], target,
		               result < 0 ? &ignored : err) < 0)
			result = -1;
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
