/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_BAGGAGE_H
#define NETNS_BAGGAGE_H

/* What devices have that the kernel takes from them when it moves them: written down at home, given there in part,
 * and at home again whole.
 *
 * It is in memory that two processes share: where one of them dies between two moves, the other one knows where
 * each device is. */

#include <linux/if_addr.h>

#include "netns.h"
#include "socket.h"

enum {
	ADDRESS_BYTES = 16, /* of an attribute of an address: IPv6, and a label */
	ADDRESS_KEPT = 6,
	MAC_BYTES = 32,
	NOTE_BYTES = 256,
	NOTES = NETNS_ROUTES + NETNS_NEIGHBOURS,
};

struct address {
	int index; /* of the device, at home */
	bool goes; /* there, too: else for the way back only */
	struct ifaddrmsg head;
	uint32_t flags;
	struct ifa_cacheinfo times;
	uint8_t value[ADDRESS_KEPT][ADDRESS_BYTES];
	uint8_t length[ADDRESS_KEPT]; /* 0: it has none */
};

/* A route or a neighbour, for the way back: the kernel's own bytes, but for the device's index. */
struct note {
	int index;
	uint16_t type;     /* RTM_NEWROUTE, RTM_NEWNEIGH */
	uint16_t head;     /* how long the header is, which attributes follow */
	uint16_t length;   /* of all */
	bool with_gateway; /* after those without: it is looked up by the routes that are there */
	_Alignas(4) uint8_t bytes[NOTE_BYTES];
};

enum whereabouts {
	AT_HOME,
	LEAVING, /* the kernel has been asked: who asked may have died before it heard the answer */
	AWAY,
	RETURNING, /* likewise; or it could not be brought back */
	RETURNED,
};

struct device {
	char host_name[NETNS_NAME], name[NETNS_NAME];
	char now[NETNS_NAME]; /* where it is: host_name or name, unless that was taken */
	int index;            /* at home, before it left */
	int index_there;      /* 0: not known yet */
	int master;           /* the bridge or the like that it is a port of, by its index; 0 */
	uint8_t mac[MAC_BYTES], mac_length;
	uint8_t gen_mode; /* IN6_ADDR_GEN_MODE_… */
	bool up;
	enum whereabouts is;
};

struct netns_baggage {
	size_t device_count, address_count, note_count;
	int64_t written_ms; /* by clock_ms() */
	struct device devices[NETNS_DEVICES];
	struct address addresses[NETNS_ADDRESSES];
	struct note notes[NOTES];
};

/* Fill in what the devices, whose names and indexes are there, have.
 * Returns  0, or -1 and *err. */
int baggage_write_down(struct netlink *nl, struct netns_baggage *b, struct error *err) FALLIBLE;

/* The link here that is this device, by its MAC and one of its two names.
 * Returns  its index, or 0; -1 and *err. */
int device_search(struct netlink *nl, const struct device *it, struct error *err) FALLIBLE;

/* Of which attributes of an address the value is kept, in this order. */
extern const int address_kept[ADDRESS_KEPT];

#endif
