/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netlink/addr.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ip.h"

size_t ip_length(const struct netns_ip *ip)
{
	if (ip->family == AF_INET)
		return sizeof(ip->v4);
	return ip->family == AF_INET6 ? sizeof(ip->v6) : 0;
}

struct nl_addr *ip_to_nl(const struct netns_ip *ip, int prefix_length)
{
	struct nl_addr *address;

	if (ip_length(ip) == 0)
		return NULL;
	address = nl_addr_build(ip->family, &ip->v6, ip_length(ip));
	if (address)
		nl_addr_set_prefixlen(address, prefix_length);
	return address;
}

struct netns_ip ip_from_nl(const struct nl_addr *address)
{
	struct netns_ip ip = {0};
	size_t length;

	if (!address)
		return ip;
	ip.family = (uint8_t)nl_addr_get_family(address);
	length = nl_addr_get_len(address);
	/* "default" comes without bytes */
	if (ip_length(&ip) == 0 || (length != 0 && length != ip_length(&ip)))
		return (struct netns_ip){0};
	if (length)
		memcpy(&ip.v6, nl_addr_get_binary_addr(address), length);
	return ip;
}

bool ip_same_network(const struct netns_ip *a, const struct netns_ip *b, unsigned int bits)
{
	const uint8_t *x = a->v6.s6_addr, *y = b->v6.s6_addr;
	unsigned int rest = bits % 8;

	if (a->family != b->family || bits > 8 * ip_length(a) || memcmp(x, y, bits / 8) != 0)
		return false;
	return rest == 0 || (x[bits / 8] ^ y[bits / 8]) >> (8 - rest) == 0;
}

bool ip_is_link_local_v6(const struct netns_ip *ip)
{
	return ip->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&ip->v6);
}

const char *ip_describe(const char *kind, const struct netns_ip *ip, int prefix_length, char *text,
                        size_t size)
{
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(ip->family, &ip->v6, address, sizeof(address));
	(void)snprintf(text, size, "%s %s/%d", kind, address, prefix_length);
	return text;
}

void nl_address_release(struct nl_addr **address)
{
	if (*address)
		nl_addr_put(*address);
}
