/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the host's that a container gets. The kernel moves a device bare: down, without its addresses. So these
 * are written down first (baggage.c), and given back on the other side (unpack.c). The way home is in return.c. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "baggage.h"
#include "link.h"

enum { MOST_NUMBERS = 1000 };

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
	struct netns_baggage *b = calloc(1, sizeof(*b));

	if (!b)
		return fail(err, ERROR_SYSTEM, "devices", "out of memory");
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
	free(b);
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
