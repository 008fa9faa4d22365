/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <sys/socket.h>

#include "scene.h"

/* What stands before each frame of a tap. */
enum { BEFORE = sizeof(struct virtio_net_hdr), FRAME = 42 };

static const uint8_t guest_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 0x77};

/* The guest sends a frame: whether that comes from the other. */
static bool guest_answered(int tap, const void *frame, size_t length, int from, size_t header,
                           const struct frame_wanted *wanted)
{
	unsigned char bytes[BEFORE + 256] = {0};

	CHECK(length <= 256);
	memcpy(bytes + BEFORE, frame, length);
	return scene_answered(tap, bytes, BEFORE + length, from, header, wanted);
}

static int peer_packets(struct scene *scene)
{
	int fd;

	scene_enter(scene->peer);
	fd = scene_packets("p-eth0");
	scene_enter(scene->container);
	return fd;
}

/* ---- ARP: a question and its answer ---- */

static void arp(struct scene *scene)
{
	static const unsigned char answer[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 2};
	const struct frame_wanted wanted = {12, sizeof(answer), answer};
	unsigned char frame[FRAME];
	int tap;

	scene_usual(scene);
	tap = scene_redirected(scene, scene_look(scene));
	scene_arp(frame, guest_mac, "10.1.2.3", "10.1.2.1");
	CHECK(guest_answered(tap, frame, sizeof(frame), tap, BEFORE, &wanted));
}

static void the_peers_kernel_answers_what_the_guest_asks(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, arp);
}

static void stranger(struct scene *scene)
{
	static const unsigned char answer[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 2};
	const struct frame_wanted answered = {12, sizeof(answer), answer};
	unsigned char frame[FRAME];
	const struct frame_wanted question = {0, sizeof(frame), frame};
	struct netns_links *links;
	int packets, tap;

	scene_usual(scene);
	links = scene_look(scene);
	packets = peer_packets(scene);
	scene_arp(frame, other_mac, "10.1.2.9", "10.1.2.3");
	CHECK(scene_answered(packets, frame, sizeof(frame), packets, 0, &answered));
	while (scene_await(packets, 0, &answered, 300)) /* it may have been asked more than once */
		;
	tap = scene_redirected(scene, links);
	CHECK(scene_answered(packets, frame, sizeof(frame), tap, BEFORE, &question));
	CHECK(!scene_await(packets, 0, &answered, 300));
}

static void the_guest_alone_is_asked_from_then_on(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, stranger);
}

/* ---- datagrams ---- */

static uint16_t sum_of(const unsigned char *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* From 10.1.2.3 to 10.1.2.1, port 4000, without UDP's checksum: 4 bytes "ping". */
static void datagram(unsigned char frame[46], const uint8_t to[6])
{
	static const unsigned char ip[] = {0x45, 0,   0, 32, 0, 0,  0,   0,   64,  17, 0,
	                                   0,    10,  1, 2,  3, 10, 1,   2,   1,   15, 160,
	                                   15,   160, 0, 12, 0, 0,  'p', 'i', 'n', 'g'};
	uint16_t sum;

	memcpy(frame, to, 6);
	memcpy(frame + 6, guest_mac, 6);
	frame[12] = 8;
	frame[13] = 0;
	memcpy(frame + 14, ip, sizeof(ip));
	sum = htons(sum_of(frame + 14, 20));
	memcpy(frame + 24, &sum, sizeof(sum));
}

static int bound_udp(struct scene *scene, uint8_t ret_mac[6])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(4000)};
	struct netns_links *links;
	int fd;

	scene_enter(scene->peer);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	links = scene_look(scene);
	memcpy(ret_mac, links->interfaces[0].mac, 6);
	scene_neighbour("p-eth0", "10.1.2.3", 1);
	scene_neighbour("p-eth0", "fd00::3", 1);
	scene_enter(scene->container);
	return fd;
}

static void there_and_back(struct scene *scene)
{
	const struct frame_wanted ping = {0, 4, "ping"}, pong = {42, 4, "pong"};
	struct sockaddr_in guest = {.sin_family = AF_INET, .sin_port = htons(4000)};
	unsigned char frame[46];
	uint8_t mac[6];
	int tap, udp;

	scene_usual(scene);
	tap = scene_redirected(scene, scene_look(scene));
	udp = bound_udp(scene, mac);
	datagram(frame, mac);
	CHECK(guest_answered(tap, frame, sizeof(frame), udp, 0, &ping));
	CHECK(inet_pton(AF_INET, "10.1.2.3", &guest.sin_addr) == 1);
	CHECK(connect(udp, (struct sockaddr *)&guest, sizeof(guest)) == 0);
	CHECK(scene_answered(udp, "pong", 4, tap, BEFORE, &pong));
}

static void a_datagram_goes_there_and_back(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, there_and_back);
}

static void ipv6(struct scene *scene)
{
	static const unsigned char to_peer[] = {0x33, 0x33, 0, 0, 0,    1,    2,    0,
	                                        0,    0,    0, 1, 0x86, 0xdd, 0x60, 0x0a};
	const struct frame_wanted out = {0, sizeof(to_peer), to_peer}, in = {62, 4, "pong"};
	struct sockaddr_in6 guest = {.sin6_family = AF_INET6, .sin6_port = htons(4000)};
	int tap, packets, udp;
	uint8_t mac[6];

	scene_usual(scene);
	tap = scene_redirected(scene, scene_look(scene));
	packets = peer_packets(scene);
	CHECK(guest_answered(tap, to_peer, sizeof(to_peer), packets, 0, &out));
	(void)close(bound_udp(scene, mac));
	scene_enter(scene->peer);
	udp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(udp >= 0 && inet_pton(AF_INET6, "fd00::3", &guest.sin6_addr) == 1);
	CHECK(connect(udp, (struct sockaddr *)&guest, sizeof(guest)) == 0);
	CHECK(scene_answered(udp, "pong", 4, tap, BEFORE, &in));
}

static void frames_of_ipv6_go_there_and_back(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, ipv6);
}

/* ---- what is taken, and what stands in the way ---- */

static void taken(struct scene *scene)
{
	struct netns_links *links, *after;

	scene_usual(scene);
	links = scene_look(scene);
	(void)scene_redirected(scene, links);
	after = scene_look(scene);
	CHECK(after->interface_count == 2 && after->address_count == 0);
	CHECK(after->route_count == 2); /* those that refuse are not the interface's */
	CHECK(after->routes[0].interface == NETNS_NOWHERE);
	CHECK(after->routes[1].interface == NETNS_NOWHERE);
}

static void the_interface_loses_addresses_and_routes(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, taken);
}

static void gone(struct scene *scene)
{
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	(void)scene_tap(scene);
	scene_remove("eth0");
	CHECK(netns_redirect(links, 0, "cella-tap0", &scene->err) < 0);
	CHECK(scene->err.errnum == ENODEV && strcmp(scene->err.object, "eth0") == 0);
	CHECK(!scene_has_ingress("cella-tap0"));
}

static void an_interface_that_has_gone_is_named(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, gone);
}

static void no_tap(struct scene *scene)
{
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	CHECK(netns_redirect(links, 0, "cella-tap0", &scene->err) < 0);
	CHECK(scene->err.errnum == ENODEV && strcmp(scene->err.object, "cella-tap0") == 0);
	scene_same(links, scene_look(scene));
	CHECK(!scene_has_ingress("eth0"));
}

static void without_a_tap_nothing_is_changed(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, no_tap);
}

static void foreign(struct scene *scene)
{
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	scene_ingress("eth0");
	(void)scene_tap(scene);
	scene_note_tap(links, 0);
	CHECK(netns_is_redirected(links, 0, &scene->err) == 0);
	CHECK(netns_redirect(links, 0, "cella-tap0", &scene->err) < 0);
	CHECK(scene->err.errnum == EEXIST && strcmp(scene->err.object, "eth0") == 0);
	CHECK(strstr(scene->err.reason, " (")); /* the kernel's own words */
	CHECK(netns_undo(links, &scene->err) == 0);
	CHECK(scene_has_ingress("eth0"));
}

static void filters_of_somebody_else_are_left_alone(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_peers_kernel_answers_what_the_guest_asks),
		cmocka_unit_test(the_guest_alone_is_asked_from_then_on),
		cmocka_unit_test(a_datagram_goes_there_and_back),
		cmocka_unit_test(frames_of_ipv6_go_there_and_back),
		cmocka_unit_test(the_interface_loses_addresses_and_routes),
		cmocka_unit_test(an_interface_that_has_gone_is_named),
		cmocka_unit_test(without_a_tap_nothing_is_changed),
		cmocka_unit_test(filters_of_somebody_else_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
