/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_NETNS_SCENE_H
#define TESTS_NETNS_SCENE_H

/* Three network namespaces in a process of its own: the container's, the network it is connected to, and a guest's.
 *
 * Links and addresses are made with messages written here, byte by byte, so that the room is not tested with itself. */

#include "netns/netns.h"
#include "tests/unit/base/scratch.h"
#include "tests/unit/cmocka.h"

struct scene {
	int container, peer, guest; /* network namespaces; the process begins in the container's */
	char side;                  /* what names in the peer's namespace begin with */
	int tun;                    /* O_PATH, opened outside of all three */
	struct arena *arena;
	struct error err;
};

enum scene_user { SCENE_AS_WE_ARE, SCENE_AS_NOBODY };

/* Run body in such a process; skips, with the reason, where the kernel allows no namespace. */
void scene_play(enum scene_user user, void (*body)(struct scene *scene));

/* Body's own way out: the test can't be made here. */
void scene_skip(const char *why) __attribute__((noreturn));

void scene_enter(int ns);
void scene_enter_guest(struct scene *scene);
/* The one that we are in; the caller's. */
int scene_namespace(void);

/* eth0 with addresses and routes of both families, of each kind. */
void scene_usual(struct scene *scene);

/* cella-tap0 for eth0, both tied together; skips where /dev/net/tun is not for us. */
int scene_tap(struct scene *scene);
int scene_redirected(struct scene *scene, struct netns_links *links);
/* cella-tap0 is the one that it is tied to. */
void scene_note_tap(struct netns_links *links, uint32_t which);

struct netns_links *scene_look(struct scene *scene);

/* ---- scene_links.c: what is made, and by which messages ---- */

/* One message of rtnetlink, that has to succeed. */
struct message {
	int type, flags;
	size_t length;
	unsigned char bytes[1024];
};
struct message message_of(int type, int flags, const void *header, size_t length);
void message_add(struct message *m, int type, const void *bytes, size_t length);
size_t message_open(struct message *m, int type);
void message_close(struct message *m, size_t mark);
void scene_ask(const struct message *m);

/* The number of a link that is there. */
int scene_index(const char *name);

/* A pair: `name` here with the MAC 02:00:00:00:00:mac, "p-" (for a guest's: "g-") and the name in the peer's namespace, both up. */
void scene_veth(struct scene *scene, const char *name, uint8_t mac);
void scene_up(const char *name);
void scene_remove(const char *name);
/* An ingress queue with no filter, as somebody else may have made it; whether there is one. */
void scene_ingress(const char *name);
bool scene_has_ingress(const char *name);
void scene_mtu(const char *name, uint32_t mtu);
void scene_address(const char *name, const char *ip, uint8_t prefix_length);
void scene_take(const char *name, const char *ip, uint8_t prefix_length);
/* The bytes of an address of either family, and how many they are. */
size_t scene_parse(const char *ip, unsigned char bytes[16], uint8_t *ret_family);

struct scene_route {
	const char *name, *to, *via, *source;
	uint8_t prefix_length, scope, type;
	uint32_t flags, metric, mtu;
};
void scene_route(const struct scene_route *route);
void scene_neighbour(const char *name, const char *ip, uint8_t mac);

/* ---- scene_same.c ---- */

/* Whether both say the same, index and order aside. */
void scene_same(const struct netns_links *a, const struct netns_links *b);

bool scene_ip_is(const struct netns_ip *ip, const char *text);

/* ---- scene_frames.c ---- */

/* A packet socket on a link of the current namespace. */
int scene_packets(const char *name);
void scene_arp(unsigned char frame[42], const uint8_t mac[6], const char *from, const char *who);
/* Wait for a frame that has these bytes at this offset, for so long at most; whether it came. */
struct frame_wanted {
	size_t offset, length;
	const void *bytes;
};
bool scene_await(int fd, size_t header, const struct frame_wanted *wanted, int timeout_ms);
/* Write bytes to one until that comes from the other: links that have just come up lose frames. */
bool scene_answered(int to, const void *bytes, size_t length, int from, size_t header,
                    const struct frame_wanted *wanted);

#endif
