/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/rtnetlink.h>

#include "scene.h"

static const struct netns_route *route_to(const struct netns_links *links, const char *to,
                                          uint8_t length)
{
	for (uint32_t i = 0; i < links->route_count; i++)
		if (links->routes[i].prefix_length == length &&
		    scene_ip_is(&links->routes[i].destination, to))
			return &links->routes[i];
	CHECK(!"the route is there");
	return NULL;
}

static void usual(struct scene *scene)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct netns_links *links;

	scene_usual(scene);
	links = scene_look(scene);
	CHECK(links->interface_count == 1 && strcmp(links->interfaces[0].name, "eth0") == 0);
	CHECK(links->interfaces[0].mtu == 1400 && links->interfaces[0].up);
	CHECK(memcmp(links->interfaces[0].mac, mac, sizeof(mac)) == 0);
	CHECK(links->address_count == 5);
	CHECK(scene_ip_is(&links->addresses[0].local, "10.1.2.3"));
	CHECK(links->addresses[0].prefix_length == 24 && links->addresses[0].scope == 0);
	CHECK(scene_ip_is(&links->addresses[1].local, "192.168.7.1"));
	CHECK(links->addresses[1].prefix_length == 32);
	CHECK(scene_ip_is(&links->addresses[2].local, "10.1.2.4"));
	CHECK(scene_ip_is(&links->addresses[4].local, "fd00::3"));
	CHECK(links->neighbour_count == 2 && links->neighbours[0].mac[5] == 9);
}

static void addresses_mtu_and_mac_are_read(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, usual);
}

static void usual_routes(struct scene *scene)
{
	struct netns_links *links;
	const struct netns_route *route;

	scene_usual(scene);
	links = scene_look(scene);
	/* eight of ours, 10.1.2.0/24 and fd00::/64 of the kernel */
	CHECK(links->route_count == 10);
	route = route_to(links, "0.0.0.0", 0);
	CHECK(scene_ip_is(&route->gateway, "169.254.1.1") && route->mtu == 1300 && !route->onlink);
	route = route_to(links, "169.254.1.1", 32);
	CHECK(!route->gateway.family && route->scope == RT_SCOPE_LINK);
	route = route_to(links, "10.5.0.0", 16);
	CHECK(route->metric == 7 && scene_ip_is(&route->source, "10.1.2.4"));
	CHECK(route_to(links, "10.6.0.0", 16)->onlink);
	route = route_to(links, "10.7.0.0", 16);
	CHECK(route->type == RTN_BLACKHOLE && route->interface == NETNS_NOWHERE);
	route = route_to(links, "::", 0);
	CHECK(scene_ip_is(&route->gateway, "fd00::1") && route->metric == 90 &&
	      route->interface == 0);
	CHECK(route_to(links, "fd07::", 48)->metric == 33);
	CHECK(route_to(links, "fd08::", 48)->interface == NETNS_NOWHERE);
	CHECK(route_to(links, "fd00::", 64)->protocol == RTPROT_KERNEL);
}

static void routes_of_both_families_are_read(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, usual_routes);
}

static void nobodys(struct scene *scene)
{
	scene_usual(scene);
	CHECK(scene_look(scene)->interface_count == 1);
}

static void a_plain_user_may_look_in_a_namespace_of_theirs(void **state)
{
	(void)state;
	scene_play(SCENE_AS_NOBODY, nobodys);
}

static void alone(struct scene *scene)
{
	struct netns_links *links = scene_look(scene);

	CHECK(links->interface_count == 0 && links->address_count == 0 && links->route_count == 0);
}

static void loopback_is_nothing(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, alone);
}

/* Each link has a route to fe80::/64 of its own, and all of these are left out. */
static void two(struct scene *scene)
{
	struct netns_links *links;

	scene_veth(scene, "eth0", 1);
	scene_veth(scene, "eth1", 2);
	scene_address("eth1", "10.1.2.3", 24);
	links = scene_look(scene);
	CHECK(links->interface_count == 2 && links->address_count == 1 && links->route_count == 1);
	CHECK(links->addresses[0].interface == 1 && links->routes[0].interface == 1);
	CHECK(strcmp(links->interfaces[1].name, "eth1") == 0);
}

static void each_address_is_of_its_interface(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, two);
}

static void refused(struct scene *scene, const char *reason)
{
	CHECK(!netns_look(scene->arena, &scene->err));
	CHECK(scene->err.kind == ERROR_UNSUPPORTED);
	CHECK(strstr(scene->err.reason, reason));
}

static void hundreds(struct scene *scene)
{
	char ip[32];

	scene_veth(scene, "eth0", 1);
	for (unsigned int i = 1; i <= NETNS_ADDRESSES; i++) {
		(void)snprintf(ip, sizeof(ip), "10.1.%u.1", i);
		scene_address("eth0", ip, 24);
	}
	CHECK(scene_look(scene)->address_count == NETNS_ADDRESSES);
	for (unsigned int i = NETNS_ADDRESSES + 1; i <= 200; i++) {
		(void)snprintf(ip, sizeof(ip), "10.1.%u.1", i);
		scene_address("eth0", ip, 24);
	}
	refused(scene, "more than 64 addresses");
}

static void hundreds_of_addresses_are_refused(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, hundreds);
}

static void many_routes(struct scene *scene)
{
	char to[32];

	scene_veth(scene, "eth0", 1);
	scene_address("eth0", "10.1.2.3", 24);
	for (unsigned int i = 0; i < NETNS_ROUTES; i++) {
		struct scene_route route = {.name = "eth0", .to = to, .prefix_length = 24};

		if (i == NETNS_ROUTES - 1)
			CHECK(scene_look(scene)->route_count == NETNS_ROUTES);
		(void)snprintf(to, sizeof(to), "10.20.%u.0", i);
		scene_route(&route);
	}
	refused(scene, "more than 256 routes");
}

static void hundreds_of_routes_are_refused(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, many_routes);
}

static void many_links(struct scene *scene)
{
	char name[16];

	for (uint8_t i = 0; i <= NETNS_INTERFACES; i++) {
		(void)snprintf(name, sizeof(name), "eth%u", i);
		scene_veth(scene, name, i);
	}
	refused(scene, "more than 16 interfaces");
}

static void more_interfaces_than_a_guest_gets_are_refused(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, many_links);
}

static void several_hops(struct scene *scene)
{
	struct rtmsg head = {.rtm_family = AF_INET,
	                     .rtm_dst_len = 8,
	                     .rtm_table = RT_TABLE_MAIN,
	                     .rtm_protocol = RTPROT_STATIC,
	                     .rtm_type = RTN_UNICAST};
	struct message m = message_of(RTM_NEWROUTE, NLM_F_CREATE, &head, sizeof(head));
	unsigned char to[] = {11, 0, 0, 0};
	size_t hops;

	scene_veth(scene, "eth0", 1);
	scene_address("eth0", "10.1.2.3", 24);
	message_add(&m, RTA_DST, to, sizeof(to));
	hops = message_open(&m, RTA_MULTIPATH);
	for (unsigned char i = 1; i <= 2; i++) {
		struct rtnexthop hop = {.rtnh_len = sizeof(hop) + RTA_SPACE(4)};
		unsigned char gateway[] = {10, 1, 2, (unsigned char)(i + 10)};

		memcpy(m.bytes + m.length, &hop, sizeof(hop));
		m.length += sizeof(hop);
		message_add(&m, RTA_GATEWAY, gateway, sizeof(gateway));
	}
	message_close(&m, hops);
	scene_ask(&m);
	refused(scene, "several next hops");
	CHECK(strcmp(scene->err.object, "route 11.0.0.0/8") == 0);
}

static void a_route_of_several_hops_is_refused_by_name(void **state)
{
	(void)state;
	scene_play(SCENE_AS_WE_ARE, several_hops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_mtu_and_mac_are_read),
		cmocka_unit_test(routes_of_both_families_are_read),
		cmocka_unit_test(a_plain_user_may_look_in_a_namespace_of_theirs),
		cmocka_unit_test(loopback_is_nothing),
		cmocka_unit_test(each_address_is_of_its_interface),
		cmocka_unit_test(hundreds_of_addresses_are_refused),
		cmocka_unit_test(hundreds_of_routes_are_refused),
		cmocka_unit_test(more_interfaces_than_a_guest_gets_are_refused),
		cmocka_unit_test(a_route_of_several_hops_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
