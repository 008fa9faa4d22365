/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the host's that a container gets. The kernel moves a device bare: down, without its addresses. So these
 * are written down first (baggage.c), and given back on the other side (unpack.c). */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

#include "baggage.h"
#include "link.h"

enum { OTHER_NAMES = 100, MOST_NUMBERS = 1000 };

/* ---- packing ---- */

static void set_name(char to[NETNS_NAME], const char *name)
{
	memset(to, 0, NETNS_NAME);
	memcpy(to, name, strnlen(name, NETNS_NAME - 1));
}

static int name_all(const struct netns_device *devices, size_t count, struct netns_baggage *b,
                    struct error *err)
{
	if (count > NETNS_DEVICES)
		return fail(err, ERROR_UNSUPPORTED, "devices", "more than %d", NETNS_DEVICES);
	for (size_t i = 0; i < count; i++) {
		struct device *it = &b->devices[i];

		it->index = link_find(devices[i].host_name, err);
		if (it->index < 0)
			return -1;
		/* which it need not be: it is found by another name that it has, too */
		if (!if_indextoname((unsigned int)it->index, it->host_name))
			return fail_errno(err, devices[i].host_name, "look up");
		set_name(it->name, devices[i].name ? devices[i].name : it->host_name);
		set_name(it->now, it->host_name);
		b->device_count++;
	}
	return 0;
}

int netns_pack_devices(const struct netns_device *devices, size_t count,
                       struct netns_baggage **ret_baggage, struct error *err)
{
	owned_netlink nl = {0};
	struct netns_baggage *b =
		mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return fail_errno(err, "devices", "mmap");
	if (netlink_open(&nl, err) == 0 && name_all(devices, count, b, err) == 0 &&
	    baggage_write_down(&nl, b, err) == 0) {
		*ret_baggage = b;
		return 0;
	}
	netns_baggage_free(b);
	return -1;
}

void netns_baggage_free(struct netns_baggage *b)
{
	if (b)
		(void)munmap(b, sizeof(*b));
}

static bool is_taken(const struct netns_baggage *b, const char *name)
{
	for (size_t i = 0; i < b->device_count; i++)
		if (strcmp(b->devices[i].name, name) == 0)
			return true;
	return if_nametoindex(name) != 0;
}

static int number(const struct netns_baggage *b, struct device *it, struct error *err)
{
	const char *at = strchr(it->name, '%');
	char name[NETNS_NAME];

	for (int i = 0; i < MOST_NUMBERS; i++) {
		int length = snprintf(name, sizeof(name), "%.*s%d%s", (int)(at - it->name),
		                      it->name, i, at + strlen("%d"));

		if (length >= (int)sizeof(name) || is_taken(b, name))
			continue;
		set_name(it->name, name);
		return 0;
	}
	return fail(err, ERROR_STATE, it->host_name, "no name of the form '%s' is free", it->name);
}

int netns_number_devices(struct netns_baggage *b, struct error *err)
{
	for (size_t i = 0; i < b->device_count; i++)
		if (strchr(b->devices[i].name, '%') && number(b, &b->devices[i], err) < 0)
			return -1;
	return 0;
}

/* ---- moving ---- */

/* The kernel moves first and renames then: where the new name is taken the device is there, under its old one; and an
 * answer may be lost. So who looks for it will have to search. */
static bool has_stayed(const struct device *it)
{
	struct error ignored;

	return link_find(it->host_name, &ignored) == it->index;
}

int netns_send_devices(struct netns_baggage *b, int target, struct error *err)
{
	owned_netlink nl = {0};

	if (netlink_open(&nl, err) < 0)
		return -1;
	for (size_t i = 0; i < b->device_count; i++) {
		struct device *it = &b->devices[i];

		it->is = LEAVING;
		if (link_move(&nl, it->index, target, it->name, err) < 0) {
			it->is = has_stayed(it) ? AT_HOME : LEAVING;
			return error_within(err, "%s", it->host_name);
		}
		set_name(it->now, it->name);
		it->is = AWAY;
	}
	return 0;
}

struct search {
	const struct device *device;
	int found;
};

static int on_link(struct nl_msg *message, void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	const struct ifinfomsg *link = nlmsg_data(header);
	struct nlattr *mac = nlmsg_find_attr(header, sizeof(*link), IFLA_ADDRESS);
	struct nlattr *name = nlmsg_find_attr(header, sizeof(*link), IFLA_IFNAME);
	struct search *search = context;
	const struct device *it = search->device;

	(void)err;
	if (!name || (nla_strcmp(name, it->name) != 0 && nla_strcmp(name, it->host_name) != 0) ||
	    (mac ? nla_len(mac) : 0) != it->mac_length)
		return 0;
	if (it->mac_length == 0 || memcmp(nla_data(mac), it->mac, it->mac_length) == 0)
		search->found = link->ifi_index;
	return 0;
}

int device_search(struct netlink *nl, const struct device *it, struct error *err)
{
	struct search search = {.device = it};

	return netlink_list_all(nl, RTM_GETLINK, on_link, &search, err) < 0 ? -1 : search.found;
}

/* Returns its index there; 0 where it is not there, which may be; -1 and *err. */
static int find(struct netlink *nl, struct device *it, struct error *err)
{
	if (it->is == LEAVING)
		return device_search(nl, it, err);
	if (it->index_there == 0)
		return link_find(it->now, err);
	/* a hook may have given it another name */
	if (if_indextoname((unsigned int)it->index_there, it->now))
		return it->index_there;
	return it->is == RETURNING ? 0 : fail_errno(err, it->name, "look up");
}

/* Under its own name; where somebody else has that by now, under the one that it has, or as the kernel names what comes
 * back to the first namespace. */
static int move_home(struct netlink *nl, struct device *it, int index, int target,
                     struct error *err)
{
	char name[NETNS_NAME];

	if (link_move(nl, index, target, it->host_name, err) == 0) {
		set_name(it->now, it->host_name);
		return 0;
	}
	if (err->errnum != EEXIST)
		return -1;
	for (int i = 0; i < OTHER_NAMES && if_indextoname((unsigned int)index, it->now); i++) {
		(void)snprintf(name, sizeof(name), "dev%d", i);
		if (link_move(nl, index, target, name, err) == 0) {
			set_name(it->now, name);
			break;
		}
		if (i == OTHER_NAMES - 1)
			return -1;
	}
	log_warning("%s: is back as %s: another device has its name by now", it->host_name,
	            it->now);
	return 0;
}

static int bring_home(struct netlink *nl, struct device *it, int target, struct error *err)
{
	int index = find(nl, it, err);

	if (index < 0)
		return -1;
	it->is = RETURNING;
	if (index == 0) /* it never left, or was brought back, by who died before it could say so */
		return 0;
	if (move_home(nl, it, index, target, err) < 0)
		return error_within(err, "%s", it->host_name);
	it->is = RETURNED;
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

		if (it->is != AT_HOME && it->is != RETURNED &&
		    bring_home(&nl, it, target, result < 0 ? &ignored : err) < 0)
			result = -1;
	}
	return result;
}
