/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_BAGGAGE_H
#define NETNS_BAGGAGE_H

/* What devices have that the kernel takes from them when it moves them: written down at home, given there in part,
 * and at home again whole.
 *
 * It outlives who wrote it down as the bytes of saved.c, which are these structs: whoever changes one of them, or what
 * is meant by it, changes their version there. */

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <net/if.h>

#include "netns.h"
#include "socket.h"

enum {
	ADDRESS_BYTES = 16, /* of an attribute of an address: IPv6, and a label */
	ADDRESS_KEPT = 6,
	MAC_BYTES = 32,
	KIND_BYTES = 32,
	PARENT_BYTES = 64,
	ALIAS_BYTES = 256,
	FURTHER_BYTES = 512,
	CONF_MOST = 96,
	NOTE_BYTES = 256,
	NOTES = NETNS_ROUTES + NETNS_NEIGHBOURS,
	/* of a link's flags those that say how it works, not how it is */
	LINK_FLAGS =
		IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_MULTICAST | IFF_DYNAMIC | IFF_DEBUG,
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
	RETURNING, /* likewise; or it was not there any more */
	RETURNED,
	LOST, /* what is in its place is another one */
};

/* What a device is: nobody who rules over the namespace that it is in can make another one that is the same, but by
 * a tun. All unused bytes are 0. */
struct identity {
	char kind[KIND_BYTES];     /* "": of hardware */
	char parent[PARENT_BYTES]; /* on which bus */
	uint8_t permanent[MAC_BYTES];
	int32_t link;           /* index of what it is on, or of its peer; 0 */
	int32_t link_namespace; /* where that is, by the number it has here; -1: here, or there is none */
};

/* What the kernel leaves to it, and a container may change. */
struct settings {
	uint8_t mac[MAC_BYTES];
	uint8_t mac_length;
	uint32_t mtu, queue_length, group, flags;
	char alias[ALIAS_BYTES];
	char further[FURTHER_BYTES]; /* names, each with a NUL; as many as have room */
	uint32_t further_length;
};

/* Its sysctls: net.ipv4.conf, from 1, and net.ipv6.conf, from 0, by the kernel's numbers. */
struct conf {
	int32_t v4[CONF_MOST], v6[CONF_MOST];
	uint32_t v4_count, v6_count;
};

struct device {
	char host_name[NETNS_NAME], name[NETNS_NAME];
	char now[NETNS_NAME]; /* where it is: host_name or name, unless that was taken */
	int index;            /* at home, before it left */
	int index_there;      /* 0: not known yet */
	int master;           /* the bridge or the like that it is a port of, by its index; 0 */
	uint8_t gen_mode;     /* IN6_ADDR_GEN_MODE_… */
	bool up;
	bool settled; /* there is what it is there; not before it was unpacked */
	enum whereabouts is;
	struct identity home, there; /* the same device, seen from here and from there */
	struct settings settings;
	struct conf conf;
};

struct netns_baggage {
	size_t device_count, address_count, note_count;
	int64_t written_ms; /* by clock_ms() */
	bool loaded;        /* from bytes: a program may have ruled over the devices since */
	struct device devices[NETNS_DEVICES];
	struct address addresses[NETNS_ADDRESSES];
	struct note notes[NOTES];
};

/* Fill in what the devices, whose names and indexes are there, have.
 * Returns  0, or -1 and *err. */
int baggage_write_down(struct netlink *nl, struct netns_baggage *b, struct error *err) FALLIBLE;

/* Of a link that is listed: whether it is up, master, gen_mode, what it is (as `home`), its settings and sysctls. */
void device_read(struct nlmsghdr *header, struct device *ret);

/* Sysctls of a link that is listed, from its IFLA_AF_SPEC or NULL; and those that are others now as they were, for the
 * device of this name in the namespace that we are in.
 * Returns  0, or -1 and the first *err: all others have been set. */
void conf_read(struct nlattr *families, struct conf *ret);
int conf_give(struct netlink *nl, int index, const char *device, const struct conf *was,
              const struct conf *now, struct error *err) FALLIBLE;

/* The link here that is this device, by its MAC and one of its two names.
 * Returns  its index, or 0; -1 and *err. */
int device_search(struct netlink *nl, const struct device *it, struct error *err) FALLIBLE;

/* Of which attributes of an address the value is kept, in this order. */
extern const int address_kept[ADDRESS_KEPT];

#endif
