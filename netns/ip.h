/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_IP_H
#define NETNS_IP_H

#include <stddef.h>

#include "base/own.h"

#include "netns.h"

struct nl_addr;

/* How many bytes its address has: 4, 16, or 0 for none. */
size_t ip_length(const struct netns_ip *ip);

/* libnl's form of it, released by the caller; NULL for none, or when there is no memory. */
struct nl_addr *ip_to_nl(const struct netns_ip *ip, int prefix_length);

/* Ours of libnl's; none for NULL and for what is no address of these two families. */
struct netns_ip ip_from_nl(const struct nl_addr *address);

/* Whether both are the same in their first bits. */
bool ip_same_network(const struct netns_ip *a, const struct netns_ip *b, unsigned int bits);

/* Whether fe80::/10. */
bool ip_is_link_local_v6(const struct netns_ip *ip);

/* The longest text: address, slash, length. */
enum { IP_TEXT = INET6_ADDRSTRLEN + 4 };

/* Write kind, address and length ("route 10.0.0.0/8") for an error. Returns text. */
const char *ip_describe(const char *kind, const struct netns_ip *ip, int prefix_length, char *text,
                        size_t size);

void nl_address_release(struct nl_addr **address);
#define owned_nl_address OWNED(nl_address_release) struct nl_addr *

#endif
