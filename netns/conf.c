/* SPDX-License-Identifier: Apache-2.0 */
/* The sysctls of a device: net.ipv4.conf.NAME and net.ipv6.conf.NAME. The kernel lists them with the link, and makes
 * new ones where it moves to. It takes those of IPv4 back the same way; those of IPv6 by their files, which are of the
 * network namespace that we are in. */
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/table.h"

#include "baggage.h"

/* Those of IPv6 that are plain numbers, in the order in which they are given: without IPv6 nothing else can be. */
static const struct {
	int number;
	const char *name;
} v6_names[] = {
	{DEVCONF_DISABLE_IPV6,                 "disable_ipv6"                },
	{DEVCONF_FORWARDING,                   "forwarding"                  },
	{DEVCONF_HOPLIMIT,                     "hop_limit"                   },
	{DEVCONF_ACCEPT_RA,                    "accept_ra"                   },
	{DEVCONF_ACCEPT_REDIRECTS,             "accept_redirects"            },
	{DEVCONF_AUTOCONF,                     "autoconf"                    },
	{DEVCONF_DAD_TRANSMITS,                "dad_transmits"               },
	{DEVCONF_RTR_SOLICITS,                 "router_solicitations"        },
	{DEVCONF_USE_TEMPADDR,                 "use_tempaddr"                },
	{DEVCONF_TEMP_VALID_LFT,               "temp_valid_lft"              },
	{DEVCONF_TEMP_PREFERED_LFT,            "temp_prefered_lft"           },
	{DEVCONF_REGEN_MAX_RETRY,              "regen_max_retry"             },
	{DEVCONF_MAX_ADDRESSES,                "max_addresses"               },
	{DEVCONF_FORCE_MLD_VERSION,            "force_mld_version"           },
	{DEVCONF_ACCEPT_RA_DEFRTR,             "accept_ra_defrtr"            },
	{DEVCONF_ACCEPT_RA_PINFO,              "accept_ra_pinfo"             },
	{DEVCONF_ACCEPT_RA_RTR_PREF,           "accept_ra_rtr_pref"          },
	{DEVCONF_ACCEPT_RA_RT_INFO_MAX_PLEN,   "accept_ra_rt_info_max_plen"  },
	{DEVCONF_PROXY_NDP,                    "proxy_ndp"                   },
	{DEVCONF_OPTIMISTIC_DAD,               "optimistic_dad"              },
	{DEVCONF_ACCEPT_SOURCE_ROUTE,          "accept_source_route"         },
	{DEVCONF_ACCEPT_DAD,                   "accept_dad"                  },
	{DEVCONF_FORCE_TLLAO,                  "force_tllao"                 },
	{DEVCONF_NDISC_NOTIFY,                 "ndisc_notify"                },
	{DEVCONF_SUPPRESS_FRAG_NDISC,          "suppress_frag_ndisc"         },
	{DEVCONF_ACCEPT_RA_FROM_LOCAL,         "accept_ra_from_local"        },
	{DEVCONF_USE_OPTIMISTIC,               "use_optimistic"              },
	{DEVCONF_ACCEPT_RA_MTU,                "accept_ra_mtu"               },
	{DEVCONF_USE_OIF_ADDRS_ONLY,           "use_oif_addrs_only"          },
	{DEVCONF_ACCEPT_RA_MIN_HOP_LIMIT,      "accept_ra_min_hop_limit"     },
	{DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN,  "ignore_routes_with_linkdown" },
	{DEVCONF_DROP_UNICAST_IN_L2_MULTICAST, "drop_unicast_in_l2_multicast"},
	{DEVCONF_DROP_UNSOLICITED_NA,          "drop_unsolicited_na"         },
	{DEVCONF_KEEP_ADDR_ON_DOWN,            "keep_addr_on_down"           },
	{DEVCONF_ENHANCED_DAD,                 "enhanced_dad"                },
	{DEVCONF_DISABLE_POLICY,               "disable_policy"              },
	{DEVCONF_ACCEPT_RA_RT_INFO_MIN_PLEN,   "accept_ra_rt_info_min_plen"  },
};

static uint32_t read_numbers(struct nlattr *from, int32_t *to, size_t most)
{
	size_t count = from ? (size_t)nla_len(from) / sizeof(*to) : 0;

	if (count > most)
		count = most;
	memset(to, 0, most * sizeof(*to));
	if (count > 0)
		memcpy(to, nla_data(from), count * sizeof(*to));
	return (uint32_t)count;
}

void conf_read(struct nlattr *families, struct conf *ret)
{
	ret->v4_count = read_numbers(attribute_in(attribute_in(families, AF_INET), IFLA_INET_CONF),
	                             ret->v4, CONF_MOST);
	ret->v6_count =
		read_numbers(attribute_in(attribute_in(families, AF_INET6), IFLA_INET6_CONF),
	                     ret->v6, CONF_MOST);
}

/* ---- back ---- */

/* Numbers begin with 1; whether it forwards multicasts is a daemon's to say. */
static int give_v4(struct netlink *nl, int index, const struct conf *was, const struct conf *now,
                   struct error *err)
{
	struct ifinfomsg link = {.ifi_index = index};
	struct request request = {.object = "net.ipv4.conf", .verb = "set"};
	void *families, *v4, *conf;
	bool any = false;

	request.message = message_new(RTM_NEWLINK, 0, &link, sizeof(link));
	message_enter(&request.message, IFLA_AF_SPEC, &families);
	message_enter(&request.message, AF_INET, &v4);
	message_enter(&request.message, IFLA_INET_CONF, &conf);
	for (uint32_t i = 0; i < was->v4_count && i < now->v4_count; i++) {
		if (was->v4[i] == now->v4[i] || i + 1 == IPV4_DEVCONF_MC_FORWARDING)
			continue;
		message_put(&request.message, (int)i + 1, &was->v4[i], sizeof(was->v4[i]));
		any = true;
	}
	message_leave(request.message, conf);
	message_leave(request.message, v4);
	message_leave(request.message, families);
	if (any)
		return netlink_ask(nl, &request, err);
	nlmsg_free(request.message);
	return 0;
}

static int give_v6(const char *device, const struct conf *was, const struct conf *now,
                   struct error *err)
{
	char path[64 + NETNS_NAME], value[16];
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(v6_names); i++) {
		uint32_t number = (uint32_t)v6_names[i].number;
		struct error why;

		if (number >= was->v6_count || number >= now->v6_count ||
		    was->v6[number] == now->v6[number])
			continue;
		(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", device,
		               v6_names[i].name);
		(void)snprintf(value, sizeof(value), "%d", was->v6[number]);
		if (fd_write_file(AT_FDCWD, path, value, &why) == 0 || result < 0)
			continue;
		*err = why;
		result = -1;
	}
	return result;
}

int conf_give(struct netlink *nl, int index, const char *device, const struct conf *was,
              const struct conf *now, struct error *err)
{
	struct error ignored;
	int result = give_v4(nl, index, was, now, err);

	return give_v6(device, was, now, result < 0 ? &ignored : err) < 0 ? -1 : result;
}
