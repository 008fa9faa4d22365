/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include "scene.h"

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

int scene_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	CHECK(index != 0);
	return (int)index;
}

void scene_up(const char *name)
{
	struct ifinfomsg link = {.ifi_index = scene_index(name),
	                         .ifi_flags = IFF_UP,
	                         .ifi_change = IFF_UP};
	struct message m = message_of(RTM_NEWLINK, 0, &link, sizeof(link));

	scene_ask(&m);
}

void scene_remove(const char *name)
{
	struct ifinfomsg link = {.ifi_index = scene_index(name)};
	struct message m = message_of(RTM_DELLINK, 0, &link, sizeof(link));

	scene_ask(&m);
}

static struct message ingress(int type, int flags, const char *name)
{
	struct tcmsg queue = {.tcm_ifindex = scene_index(name),
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
	struct ifinfomsg link = {.ifi_index = scene_index(name)};
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
	int back = scene_namespace();

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

size_t scene_parse(const char *ip, unsigned char bytes[16], uint8_t *ret_family)
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
	                            .ifa_index = (uint32_t)scene_index(name),
	                            .ifa_flags = IFA_F_NODAD};
	unsigned char bytes[16];
	size_t length = scene_parse(ip, bytes, &address.ifa_family);
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
		size_t length = scene_parse(ip, bytes, &family);

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

	(void)scene_parse(route->to, bytes, &head.rtm_family);
	m = message_of(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	add_route_address(&m, RTA_DST, route->to);
	add_route_address(&m, RTA_GATEWAY, route->via);
	add_route_address(&m, RTA_PREFSRC, route->source);
	if (route->name) {
		int index = scene_index(route->name);

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
	struct ndmsg head = {.ndm_ifindex = scene_index(name), .ndm_state = NUD_PERMANENT};
	uint8_t address[6] = {2, 0, 0, 0, 0, mac};
	unsigned char bytes[16];
	size_t length = scene_parse(ip, bytes, &head.ndm_family);
	struct message m = message_of(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));

	message_add(&m, NDA_DST, bytes, length);
	message_add(&m, NDA_LLADDR, address, sizeof(address));
	scene_ask(&m);
}
