/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_NETNS_H
#define NETNS_NETNS_H

/* netns: who can be reached. PROMISE: a new network namespace has its loopback device up; what a namespace
 * was given for its container can be handed to a guest, and be given back.
 *
 * The way of the second wall: netns_look() describes the container's interfaces; for each of them netns_tap()
 * makes a tap and netns_redirect() ties the two together; the guest makes the same of its own interfaces with
 * netns_apply_guest(). netns_undo() puts all back, for a namespace that outlives the container.
 *
 * All of it is about the network namespace the calling thread is in. Context: host (they allocate), but for
 * netns_loopback_up(). Spec: rtnetlink(7), tc-mirred(8). */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

enum {
	NETNS_NAME = 16, /* of an interface, with its NUL: IFNAMSIZ */
	NETNS_MAC = 6,
	NETNS_INTERFACES = 16,
	NETNS_ADDRESSES = 64,
	NETNS_ROUTES = 256,
	NETNS_NEIGHBOURS = 256,
	NETNS_NOWHERE = 255, /* the interface of a route that leads to none */
};

/* An address of either family; of none where family is 0. Numbers of the wire are in network order. */
struct netns_ip {
	uint8_t family; /* AF_INET, AF_INET6 or 0 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

struct netns_interface {
	char name[NETNS_NAME];
	uint8_t mac[NETNS_MAC];
	bool up;
	uint32_t mtu;
	/* where it was looked at; means nothing to a guest */
	uint32_t index, tap_index;
	char tap[NETNS_NAME]; /* what it is tied to, or will be; its index tells it from another of that name */
};

/* `interface` is a position in interfaces[], here and below. */
struct netns_address {
	uint8_t interface, prefix_length, scope;
	struct netns_ip local, peer, broadcast; /* the last two where there are any */
};

struct netns_route {
	uint8_t interface; /* NETNS_NOWHERE: a route that refuses, see type */
	uint8_t prefix_length;
	uint8_t type, scope, protocol; /* RTN_…, RT_SCOPE_…, RTPROT_… */
	bool onlink;
	uint32_t metric, mtu, mss;   /* 0: the kernel's default */
	struct netns_ip destination; /* always with a family */
	struct netns_ip gateway, source;
};

/* A permanent neighbour: no question is asked for its MAC. */
struct netns_neighbour {
	uint8_t interface;
	uint8_t mac[NETNS_MAC];
	struct netns_ip ip;
};

/* Which network namespace, for as long as this kernel runs: the number of an inode is given again. */
struct netns_identity {
	uint64_t device, inode, cookie; /* the last is 0 where the kernel (before 5.14) has none */
};

/* What a namespace was given: plain and without pointers, so that its members can go into a message. */
struct netns_links {
	struct netns_identity namespace; /* where they were looked at; means nothing to a guest */
	uint32_t interface_count, address_count, route_count, neighbour_count;
	struct netns_interface interfaces[NETNS_INTERFACES];
	struct netns_address addresses[NETNS_ADDRESSES];
	struct netns_route routes[NETNS_ROUTES];
	struct netns_neighbour neighbours[NETNS_NEIGHBOURS];
};

/* Set "lo" up in the network namespace this process is in.
 * Returns  0, or -1 and *err. Context: child, no allocation. Spec: netdevice(7), SIOCSIFFLAGS. */
int netns_loopback_up(struct error *err) FALLIBLE;

/* Of the one the caller is in. Returns 0, or -1 and *err. */
int netns_identify(struct netns_identity *ret, struct error *err) FALLIBLE;

/* Describe each interface but loopback that is up or has an address: its addresses (link-local ones of IPv6
 * left out: they follow from the MAC), its routes of the main table and its permanent neighbours.
 *
 * arena    has room for 64 KiB.
 * Returns  the description, in the arena, or NULL and *err: a system error; ERROR_UNSUPPORTED for what a guest
 *          could not be given: more than the bounds above, an interface that is not Ethernet, a route with
 *          several next hops. */
struct netns_links *netns_look(struct arena *arena, struct error *err) FALLIBLE;

/* Make a tap (Ethernet frames, each behind a struct virtio_net_hdr), set it up, without an IPv6 address of its own.
 *
 * tun      a descriptor of /dev/net/tun, borrowed; O_PATH will do. It is opened anew through /proc/self/fd,
 *          because a tap is born in the network namespace that its descriptor was opened in.
 * name     of the tap; not taken.
 * mtu      bytes, of the interface it will stand for.
 * Returns  its queue, owned by the caller, close-on-exec, O_NONBLOCK; the tap ends with it.
 *          -1 and *err.
 * Errors   EBUSY: the name is taken. EPERM: no CAP_NET_ADMIN over the namespace.
 * Spec     linux/if_tun.h, Documentation/networking/tuntap.rst. */
int netns_tap(int tun, const char *name, uint32_t mtu, struct error *err) FALLIBLE;

/* From now on all that arrives at the interface leaves by the tap, and all that arrives at the tap (what the
 * guest sends) leaves by the interface; then the addresses and routes that links has of the interface are taken
 * from it. Its link-local address of IPv6 stays, where nothing reaches it: the kernel answers at the interface no
 * more, the guest has its MAC.
 * which    position in links->interfaces.
 * Returns  0, or -1 and *err; what was begun is left for netns_undo().
 * Errors   ENODEV: one of the two is gone. EEXIST: the interface has filters of somebody else, which are left
 *          alone. ENOENT: the kernel lacks the ingress queue, act_mirred, or both of cls_matchall and cls_u32. */
int netns_redirect(const struct netns_links *links, uint32_t which, const char *tap,
                   struct error *err) FALLIBLE;

/* Whether netns_redirect() has tied the interface to a tap, which may have gone since. Returns 1 or 0; -1 and *err. */
int netns_is_redirected(const struct netns_links *links, uint32_t which,
                        struct error *err) FALLIBLE;

/* Take back what netns_tap() and netns_redirect() did to all interfaces of links: filters, taps (one that has not our
 * filter yet ends with its descriptors, or is somebody else's); and give the interfaces back their addresses, routes
 * and neighbours. Content where there is nothing to do or an interface is gone; one that has been tied to another tap
 * of that name since is left alone.
 * Returns  0, or -1 and the first *err, with the interface's name in front: all else has been tried. */
int netns_undo(const struct netns_links *links, struct error *err) FALLIBLE;

/* A device of the host's that a container gets. Names as the kernel has them; the first may be an alternative one, the
 * second may have one "%d". */
struct netns_device {
	const char *host_name, *name; /* of it here, and there; the second may be NULL: the same */
};

enum { NETNS_DEVICES = 64 };

/* What devices have that the kernel takes from them when it moves them, and where each of them is. */
struct netns_baggage;
void netns_baggage_free(struct netns_baggage *baggage);

/* As bytes, for a process that comes later on this machine, by this version of the program: until it was saved once
 * nothing may be sent, and who was sent after it is looked for.
 *
 * netns_baggage_save()  at the end of out, which may fail: text_check().
 * netns_baggage_load()  whatever the bytes are. ret_baggage for netns_baggage_free().
 *                       Returns 0, or -1 and *err: ERROR_UNSUPPORTED where another version has saved them. */
void netns_baggage_save(const struct netns_baggage *baggage, struct text *out);
int netns_baggage_load(const char *bytes, size_t length, struct netns_baggage **ret_baggage,
                       struct error *err) FALLIBLE;

/* Look up devices here and write down what they have. Nothing moves yet.
 * ret_baggage  for netns_baggage_free().
 * Returns      0, or -1 and *err.
 * Errors       ENODEV: there is none. ERROR_UNSUPPORTED: more of them, or more addresses, than the bounds above. */
int netns_pack_devices(const struct netns_device *devices, size_t count,
                       struct netns_baggage **ret_baggage, struct error *err) FALLIBLE;

/* There: put the first number for "%d" that makes it a name which no interface has. Returns 0, or -1 and *err. */
int netns_number_devices(struct netns_baggage *baggage, struct error *err) FALLIBLE;

/* Move them from here into the namespace `target` (borrowed), under their new names.
 * Returns  0, or -1 and *err, with the device's name in front; which have moved by then the baggage knows.
 * Errors   EEXIST: the name is taken there. EPERM: no CAP_NET_ADMIN here or there.
 * Spec     rtnetlink(7), IFLA_NET_NS_FD; runtime-spec 1.3 config-linux.md, "Network Devices". */
int netns_send_devices(struct netns_baggage *baggage, int target, struct error *err) FALLIBLE;

/* There: give them their permanent addresses of global scope, and set them up. Returns 0, or -1 and *err. */
int netns_unpack_devices(struct netns_baggage *baggage, struct error *err) FALLIBLE;

/* There: send back to `target` those that are there, whatever they are called, with the MAC, MTU, flags, queue
 * length, group and alias that they left with. Devices on top of them that are there end. One whose name somebody else
 * has taken meanwhile comes under another one; what is not certainly the device that left (its kind, its bus, its own
 * MAC, what it is on or its peer are others; a tun) stays: both with a warning.
 * Returns  0, or -1 and *err: the first that stayed; the others have gone. Can be done again. */
int netns_return_devices(struct netns_baggage *baggage, int target, struct error *err) FALLIBLE;

/* Those that have not come back can't be reached: netns_restore_devices() will look for them at home. */
void netns_miss_devices(struct netns_baggage *baggage);

/* Here again: give those that are back all that they had: addresses of every kind (with what is left of their time),
 * labels, whether they were up, the bridge that they were a port of, routes that somebody made, permanent neighbours,
 * further names, sysctls (of IPv6 those that are no intervals). A route that is there by now stays as it is. Lost are
 * the device's queues and filters, and routes with several next hops; what is on top of it here has stayed. A warning
 * tells of one that is not back. Can be done again.
 * Returns  0, or -1 and the first *err, with the device's name in front: all else has been tried. */
int netns_restore_devices(struct netns_baggage *baggage, struct error *err) FALLIBLE;

/* In the guest: make of the interface with the same MAC what is described: name, MTU, addresses (IPv6 ones without
 * looking for duplicates), up, routes, neighbours; and set loopback up. What is so already is fine. Interfaces that
 * share a MAC are told apart by their order.
 * Returns  0, or -1 and *err, with the interface's name in front. */
int netns_apply_guest(const struct netns_links *links, struct error *err) FALLIBLE;

#endif
