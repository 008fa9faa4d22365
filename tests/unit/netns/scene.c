/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/process.h"

#include "scene.h"

enum { SKIPPED = 77, NOBODY = 65534 };

void scene_skip(const char *why)
{
	(void)dprintf(2, "# skipped: %s\n", why);
	_exit(SKIPPED);
}

static int own_namespace(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void become_nobody(void)
{
	if (geteuid() == 0)
		CHECK(syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) == 0 &&
		      syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void play(enum scene_user user, void (*body)(struct scene *scene))
{
	struct scene scene = {.side = 'p', .tun = open("/dev/net/tun", O_PATH | O_CLOEXEC)};

	if (user == SCENE_AS_NOBODY)
		become_nobody();
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		scene_skip("no network namespace can be made here");
	scene.peer = own_namespace();
	CHECK(unshare(CLONE_NEWNET) == 0);
	scene.guest = own_namespace();
	CHECK(unshare(CLONE_NEWNET) == 0);
	scene.container = own_namespace();
	scene.arena = arena_new(1 << 20);
	CHECK(scene.arena);
	scene_up("lo");
	body(&scene);
	arena_free(scene.arena);
	_exit(0);
}

void scene_play(enum scene_user user, void (*body)(struct scene *scene))
{
	struct error err = {0};
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		play(user, body);
	status = process_wait(pid, &err);
	if (status == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

void scene_enter(int ns)
{
	CHECK(setns(ns, CLONE_NEWNET) == 0);
}

void scene_enter_guest(struct scene *scene)
{
	scene_enter(scene->guest);
	scene->side = 'g';
}

/* ---- messages ---- */

struct message message_of(int type, int flags, const void *header, size_t length)
{
	struct message m = {.type = type, .flags = flags};

	memcpy(m.bytes + NLMSG_HDRLEN, header, length);
	m.length = NLMSG_HDRLEN + NLMSG_ALIGN(length);
	return m;
}

void message_add(struct message *m, int type, const void *bytes, size_t length)
{
	struct rtattr head = {.rta_len = (unsigned short)RTA_LENGTH(length),
	                      .rta_type = (unsigned short)type};

	CHECK(m->length + RTA_SPACE(length) <= sizeof(m->bytes));
	memcpy(m->bytes + m->length, &head, sizeof(head));
	if (length)
		memcpy(m->bytes + m->length + RTA_LENGTH(0), bytes, length);
	m->length += RTA_SPACE(length);
}

size_t message_open(struct message *m, int type)
{
	size_t mark = m->length;

	message_add(m, type, NULL, 0);
	return mark;
}

void message_close(struct message *m, size_t mark)
{
	unsigned short length = (unsigned short)(m->length - mark);

	memcpy(m->bytes + mark, &length, sizeof(length));
}

/* 0, or the errno of the refusal. */
static int answer_to(const struct message *m)
{
	struct nlmsghdr head = {
		.nlmsg_len = (uint32_t)m->length,
		.nlmsg_type = (uint16_t)m->type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | m->flags),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct message sent = *m;
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		unsigned char rest[4096];
	} answer = {0};

	CHECK(fd >= 0);
	memcpy(sent.bytes, &head, sizeof(head));
	CHECK(send(fd, sent.bytes, sent.length, 0) == (ssize_t)sent.length);
	CHECK(recv(fd, &answer, sizeof(answer), 0) > 0);
	(void)close(fd);
	return answer.head.nlmsg_type == NLMSG_ERROR ? -answer.error.error : 0;
}

void scene_ask(const struct message *m)
{
	errno = answer_to(m);
	CHECK(errno == 0);
}

/* ---- links ---- */

static int index_of(const char *name)
{
	unsigned int index = if_nametoindex(name);

	CHECK(index != 0);
	return (int)index;
}

void scene_up(const char *name)
{
	struct ifinfomsg link = {.ifi_index = index_of(name),
	                         .ifi_flags = IFF_UP,
	                         .ifi_change = IFF_UP};
	struct message m = message_of(RTM_NEWLINK, 0, &link, sizeof(link));

	scene_ask(&m);
}

void scene_remove(const char *name)
{
	struct ifinfomsg link = {.ifi_index = index_of(name)};
	struct message m = message_of(RTM_DELLINK, 0, &link, sizeof(link));

	scene_ask(&m);
}

static struct message ingress(int type, int flags, const char *name)
{
	struct tcmsg queue = {.tcm_ifindex = index_of(name),
	                      .tcm_handle = TC_H_MAKE(TC_H_INGRESS, 0),
	                      .tcm_parent = TC_H_INGRESS};
	struct message m = message_of(type, flags, &queue, sizeof(queue));

	return m;
}

void scene_ingress(const char *name)
{
	struct message m = ingress(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, name);

	message_add(&m, TCA_KIND, "ingress", sizeof("ingress"));
	scene_ask(&m);
}

bool scene_has_ingress(const char *name)
{
	struct message m = ingress(RTM_GETQDISC, 0, name);

	return answer_to(&m) == 0;
}

void scene_mtu(const char *name, uint32_t mtu)
{
	struct ifinfomsg link = {.ifi_index = index_of(name)};
	struct message m = message_of(RTM_NEWLINK, 0, &link, sizeof(link));

	message_add(&m, IFLA_MTU, &mtu, sizeof(mtu));
	scene_ask(&m);
}

void scene_veth(struct scene *scene, const char *name, uint8_t mac)
{
	struct ifinfomsg link = {0};
	struct message m = message_of(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof(link));
	uint8_t address[6] = {2, 0, 0, 0, 0, mac};
	uint32_t ns = (uint32_t)scene->peer;
	char peer[IF_NAMESIZE];
	size_t info, data, other;
	int back = own_namespace();

	(void)snprintf(peer, sizeof(peer), "%c-%s", scene->side, name);
	message_add(&m, IFLA_IFNAME, name, strlen(name) + 1);
	message_add(&m, IFLA_ADDRESS, address, sizeof(address));
	info = message_open(&m, IFLA_LINKINFO);
	message_add(&m, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = message_open(&m, IFLA_INFO_DATA);
	other = message_open(&m, VETH_INFO_PEER);
	memcpy(m.bytes + m.length, &link, sizeof(link));
	m.length += sizeof(link);
	message_add(&m, IFLA_IFNAME, peer, strlen(peer) + 1);
	message_add(&m, IFLA_NET_NS_FD, &ns, sizeof(ns));
	message_close(&m, other);
	message_close(&m, data);
	message_close(&m, info);
	scene_ask(&m);
	scene_enter(scene->peer);
	scene_up(peer);
	scene_enter(back);
	scene_up(name);
	(void)close(back);
}

static size_t parse(const char *ip, unsigned char bytes[16], uint8_t *ret_family)
{
	if (inet_pton(AF_INET, ip, bytes) == 1) {
		*ret_family = AF_INET;
		return 4;
	}
	CHECK(inet_pton(AF_INET6, ip, bytes) == 1);
	*ret_family = AF_INET6;
	return 16;
}

static void ask_address(int type, int flags, const char *name, const char *ip,
                        uint8_t prefix_length)
{
	struct ifaddrmsg address = {.ifa_prefixlen = prefix_length,
	                            .ifa_index = (uint32_t)index_of(name),
	                            .ifa_flags = IFA_F_NODAD};
	unsigned char bytes[16];
	size_t length = parse(ip, bytes, &address.ifa_family);
	struct message m;

	if (address.ifa_family == AF_INET)
		address.ifa_flags = 0;
	m = message_of(type, flags, &address, sizeof(address));
	message_add(&m, IFA_LOCAL, bytes, length);
	message_add(&m, IFA_ADDRESS, bytes, length);
	scene_ask(&m);
}

void scene_address(const char *name, const char *ip, uint8_t prefix_length)
{
	ask_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, name, ip, prefix_length);
}

void scene_take(const char *name, const char *ip, uint8_t prefix_length)
{
	ask_address(RTM_DELADDR, 0, name, ip, prefix_length);
}

static void add_route_address(struct message *m, int type, const char *ip)
{
	unsigned char bytes[16];
	uint8_t family;

	if (ip) {
		size_t length = parse(ip, bytes, &family);

		message_add(m, type, bytes, length);
	}
}

void scene_route(const struct scene_route *route)
{
	unsigned char bytes[16];
	struct rtmsg head = {
		.rtm_dst_len = route->prefix_length,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = route->scope,
		.rtm_type = route->type ? route->type : RTN_UNICAST,
		.rtm_flags = route->flags,
	};
	struct message m;

	(void)parse(route->to, bytes, &head.rtm_family);
	m = message_of(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	add_route_address(&m, RTA_DST, route->to);
	add_route_address(&m, RTA_GATEWAY, route->via);
	add_route_address(&m, RTA_PREFSRC, route->source);
	if (route->name) {
		int index = index_of(route->name);

		message_add(&m, RTA_OIF, &index, sizeof(index));
	}
	if (route->metric)
		message_add(&m, RTA_PRIORITY, &route->metric, sizeof(route->metric));
	if (route->mtu) {
		size_t mark = message_open(&m, RTA_METRICS);

		message_add(&m, RTAX_MTU, &route->mtu, sizeof(route->mtu));
		message_close(&m, mark);
	}
	scene_ask(&m);
}

void scene_neighbour(const char *name, const char *ip, uint8_t mac)
{
	struct ndmsg head = {.ndm_ifindex = index_of(name), .ndm_state = NUD_PERMANENT};
	uint8_t address[6] = {2, 0, 0, 0, 0, mac};
	unsigned char bytes[16];
	size_t length = parse(ip, bytes, &head.ndm_family);
	struct message m = message_of(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));

	message_add(&m, NDA_DST, bytes, length);
	message_add(&m, NDA_LLADDR, address, sizeof(address));
	scene_ask(&m);
}

void scene_usual(struct scene *scene)
{
	static const struct scene_route routes[] = {
		{.name = "eth0",       .to = "169.254.1.1",                      .prefix_length = 32,                            .scope = RT_SCOPE_LINK},
		{.name = "eth0",                    .to = "0.0.0.0",                                               .via = "169.254.1.1",                                                           .mtu = 1300},
		{.name = "eth0",
	         .to = "10.5.0.0",
	         .prefix_length = 16,
	         .via = "10.1.2.1",
	         .metric = 7,
	         .source = "10.1.2.4"},
		{.name = "eth0",
	         .to = "10.6.0.0",
	         .prefix_length = 16,
	         .via = "192.0.2.1",
	         .flags = RTNH_F_ONLINK},
		{.to = "10.7.0.0",                    .prefix_length = 16,                                               .type = RTN_BLACKHOLE											      },
		{.name = "eth0",   .to = "::",                                         .via = "fd00::1",										       .metric = 90},
		{.name = "eth0",.to = "fd07::",.prefix_length = 48,.metric = 33},
		{.to = "fd08::",        .prefix_length = 48,.type = RTN_UNREACHABLE},
	};

	scene_veth(scene, "eth0", 1);
	scene_mtu("eth0", 1400);
	scene_address("eth0", "10.1.2.3", 24);
	scene_address("eth0", "10.1.2.4", 24);
	scene_address("eth0", "192.168.7.1", 32);
	scene_address("eth0", "fd00::3", 64);
	scene_address("eth0", "fd00::4", 64);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		scene_route(&routes[i]);
	scene_neighbour("eth0", "169.254.1.1", 9);
	scene_neighbour("eth0", "fd00::1", 9);
	scene_enter(scene->peer);
	scene_address("p-eth0", "10.1.2.1", 24);
	scene_address("p-eth0", "fd00::1", 64);
	scene_enter(scene->container);
}

int scene_tap(struct scene *scene)
{
	int fd = netns_tap(scene->tun, "cella-tap0", 1400, false, &scene->err);

	if (fd < 0 && (scene->err.errnum == EACCES || scene->err.errnum == EBADF ||
	               scene->err.errnum == ENODEV))
		scene_skip("/dev/net/tun is not for us");
	CHECK(fd >= 0);
	return fd;
}

void scene_note_tap(struct netns_links *links, uint32_t which)
{
	static const char tap[] = "cella-tap0";

	memcpy(links->interfaces[which].tap, tap, sizeof(tap));
	links->interfaces[which].tap_index = if_nametoindex(tap);
}

int scene_redirected(struct scene *scene, struct netns_links *links)
{
	int fd = scene_tap(scene);

	scene_note_tap(links, 0);
	if (netns_redirect(links, 0, "cella-tap0", &scene->err) < 0) {
		(void)dprintf(2, "# %s: %s\n", scene->err.object, scene->err.reason);
		if (scene->err.errnum == ENOENT)
			scene_skip("the kernel has no classifier or action for it");
		CHECK(!"redirected");
	}
	return fd;
}

struct netns_links *scene_look(struct scene *scene)
{
	struct netns_links *links = netns_look(scene->arena, &scene->err);

	if (!links)
		(void)dprintf(2, "# %s: %s\n", scene->err.object, scene->err.reason);
	CHECK(links);
	return links;
}

/* ---- the same? ---- */

static bool same_ip(const struct netns_ip *a, const struct netns_ip *b)
{
	size_t length = a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;

	return a->family == b->family && memcmp(&a->v6, &b->v6, length) == 0;
}

static bool same_route(const struct netns_route *a, const struct netns_route *b)
{
	return a->interface == b->interface && a->prefix_length == b->prefix_length &&
	       a->type == b->type && a->scope == b->scope && a->protocol == b->protocol &&
	       a->onlink == b->onlink && a->metric == b->metric && a->mtu == b->mtu &&
	       a->mss == b->mss && same_ip(&a->destination, &b->destination) &&
	       same_ip(&a->gateway, &b->gateway) && same_ip(&a->source, &b->source);
}

static bool has_route(const struct netns_links *links, const struct netns_route *route)
{
	for (uint32_t i = 0; i < links->route_count; i++)
		if (same_route(&links->routes[i], route))
			return true;
	return false;
}

static bool has_neighbour(const struct netns_links *links, const struct netns_neighbour *wanted)
{
	for (uint32_t i = 0; i < links->neighbour_count; i++)
		if (links->neighbours[i].interface == wanted->interface &&
		    memcmp(links->neighbours[i].mac, wanted->mac, NETNS_MAC) == 0 &&
		    same_ip(&links->neighbours[i].ip, &wanted->ip))
			return true;
	return false;
}

void scene_same(const struct netns_links *a, const struct netns_links *b)
{
	CHECK(a->interface_count == b->interface_count && a->address_count == b->address_count);
	CHECK(a->route_count == b->route_count && a->neighbour_count == b->neighbour_count);
	for (uint32_t i = 0; i < a->interface_count; i++) {
		CHECK(strcmp(a->interfaces[i].name, b->interfaces[i].name) == 0);
		CHECK(memcmp(a->interfaces[i].mac, b->interfaces[i].mac, NETNS_MAC) == 0);
		CHECK(a->interfaces[i].mtu == b->interfaces[i].mtu);
		CHECK(a->interfaces[i].up == b->interfaces[i].up);
	}
	for (uint32_t i = 0; i < a->address_count; i++) {
		CHECK(a->addresses[i].interface == b->addresses[i].interface);
		CHECK(a->addresses[i].prefix_length == b->addresses[i].prefix_length);
		CHECK(a->addresses[i].scope == b->addresses[i].scope);
		CHECK(same_ip(&a->addresses[i].local, &b->addresses[i].local));
		CHECK(same_ip(&a->addresses[i].peer, &b->addresses[i].peer));
		CHECK(same_ip(&a->addresses[i].broadcast, &b->addresses[i].broadcast));
	}
	for (uint32_t i = 0; i < a->route_count; i++)
		CHECK(has_route(b, &a->routes[i]));
	for (uint32_t i = 0; i < a->neighbour_count; i++)
		CHECK(has_neighbour(b, &a->neighbours[i]));
}

bool scene_ip_is(const struct netns_ip *ip, const char *text)
{
	struct netns_ip wanted = {0};

	(void)parse(text, (unsigned char *)&wanted.v6, &wanted.family);
	return same_ip(ip, &wanted);
}

/* ---- frames ---- */

int scene_packets(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
	                         .sll_protocol = htons(ETH_P_ALL),
	                         .sll_ifindex = index_of(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));

	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	return fd;
}

void scene_arp(unsigned char frame[42], const uint8_t mac[6], const char *from, const char *who)
{
	static const unsigned char question[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};

	memset(frame, 0, 42);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, question, sizeof(question));
	memcpy(frame + 22, mac, 6);
	CHECK(inet_pton(AF_INET, from, frame + 28) == 1);
	CHECK(inet_pton(AF_INET, who, frame + 38) == 1);
}

bool scene_await(int fd, size_t header, const struct frame_wanted *wanted, int timeout_ms)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	unsigned char frame[2048];

	/* other frames come by, a few of them, when links come up */
	for (int others = 0; others < 100; others++) {
		ssize_t n;

		if (poll(&waiting, 1, timeout_ms) != 1)
			return false;
		n = read(fd, frame, sizeof(frame));
		if (n >= (ssize_t)(header + wanted->offset + wanted->length) &&
		    memcmp(frame + header + wanted->offset, wanted->bytes, wanted->length) == 0)
			return true;
	}
	return false;
}

bool scene_answered(int to, const void *bytes, size_t length, int from, size_t header,
                    const struct frame_wanted *wanted)
{
	for (int tries = 0; tries < 100; tries++) {
		CHECK(write(to, bytes, length) == (ssize_t)length);
		if (scene_await(from, header, wanted, 200))
			return true;
	}
	return false;
}
