/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/socket.h>

#include "scene.h"

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

	(void)scene_parse(text, (unsigned char *)&wanted.v6, &wanted.family);
	return same_ip(ip, &wanted);
}
