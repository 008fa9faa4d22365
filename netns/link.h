/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETNS_LINK_H
#define NETNS_LINK_H

#include <stdint.h>

#include "socket.h"

/* Change one thing of a link. name: for the error. Each returns 0, or -1 and *err. */
int link_up(struct netlink *nl, int index, const char *name, struct error *err) FALLIBLE;
int link_down(struct netlink *nl, int index, const char *name, struct error *err) FALLIBLE;
int link_set_mtu(struct netlink *nl, int index, const char *name, uint32_t mtu,
                 struct error *err) FALLIBLE;
/* Move it into the namespace, under this name. */
int link_move(struct netlink *nl, int index, int target, const char *name,
              struct error *err) FALLIBLE;
/* Only while it is down. */
int link_rename(struct netlink *nl, int index, const char *from, const char *to,
                struct error *err) FALLIBLE;

/* A port of the bridge (or the like) with this index. */
int link_set_master(struct netlink *nl, int index, int master, struct error *err) FALLIBLE;

/* A further name of it: another one, or one less. One that it has, or that it has not, is fine. */
int link_further(struct netlink *nl, int index, const char *name, bool add,
                 struct error *err) FALLIBLE;

/* How it makes its link-local address of IPv6: IN6_ADDR_GEN_MODE_…; fine where the kernel has no IPv6. */
int link_set_gen_mode(struct netlink *nl, int index, uint8_t mode, struct error *err) FALLIBLE;

/* No address of IPv6 by itself when it comes up; fine where the kernel has no IPv6. */
int link_silence_v6(struct netlink *nl, int index, const char *name, struct error *err) FALLIBLE;

/* The index of the link with this name; -1 and *err (errnum ENODEV) where there is none. */
int link_find(const char *name, struct error *err) FALLIBLE;

#endif
