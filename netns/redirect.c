/* SPDX-License-Identifier: Apache-2.0 */
/* All of one link to another.
 *
 * What arrives at a link passes its ingress queue ("clsact") before anything else of the kernel sees it. There one
 * filter that matches all hands each frame to the action "mirred", which sends it out of the other link. Two
 * classifiers can match all: cls_matchall, and cls_u32 without a key; kernels are built with either.
 *
 * The messages are written here and not by libnl's objects for traffic control: a program that these are linked
 * into reads a file of names in /etc each time it starts.
 *
 * Our filter is known by its priority: nobody else's queue is ever removed. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/msg.h>
#include <string.h>

#include "base/table.h"

#include "give.h"
#include "link.h"
#include "redirect.h"

enum { OUR_PRIORITY = 0xce11 };

/* Attributes of a classifier that make it match all; where its actions go. */
struct classifier {
	const char *name;
	int actions;
	void (*match_all)(struct nl_msg **message);
};

static void nothing_to_say(struct nl_msg **message)
{
	(void)message;
}

/* No keys. One that compares nothing would not do: a frame too short to have it would pass by. */
static void u32_match_all(struct nl_msg **message)
{
	struct tc_u32_sel selector = {.flags = TC_U32_TERMINAL};

	message_put(message, TCA_U32_SEL, &selector, sizeof(selector));
}

static const struct classifier classifiers[] = {
	{"matchall", TCA_MATCHALL_ACT, nothing_to_say},
	{"u32",      TCA_U32_ACT,      u32_match_all },
};

static struct tcmsg filter_of(int index)
{
	return (struct tcmsg){
		.tcm_ifindex = index,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		.tcm_info = TC_H_MAKE((uint32_t)OUR_PRIORITY << 16, htons(ETH_P_ALL)),
	};
}

static struct nl_msg *queue_message(int type, int flags, int index)
{
	struct tcmsg queue = {
		.tcm_ifindex = index,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.tcm_parent = TC_H_CLSACT,
	};
	struct nl_msg *message = message_new(type, flags, &queue, sizeof(queue));

	message_put_text(&message, TCA_KIND, "clsact");
	return message;
}

static void put_action(struct nl_msg **message, int type, int to)
{
	struct tc_mirred all = {
		.action = TC_ACT_STOLEN,
		.eaction = TCA_EGRESS_REDIR,
		.ifindex = (uint32_t)to,
	};
	void *actions, *first, *options;

	message_enter(message, type, &actions);
	message_enter(message, 1, &first);
	message_put_text(message, TCA_ACT_KIND, "mirred");
	message_enter(message, TCA_ACT_OPTIONS, &options);
	message_put(message, TCA_MIRRED_PARMS, &all, sizeof(all));
	message_leave(*message, options);
	message_leave(*message, first);
	message_leave(*message, actions);
}

static struct nl_msg *filter_message(const struct classifier *classifier, int from, int to)
{
	struct tcmsg filter = filter_of(from);
	struct nl_msg *message =
		message_new(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &filter, sizeof(filter));
	void *options;

	message_put_text(&message, TCA_KIND, classifier->name);
	message_enter(&message, TCA_OPTIONS, &options);
	classifier->match_all(&message);
	put_action(&message, classifier->actions, to);
	message_leave(message, options);
	return message;
}

static int add_filter(struct netlink *nl, int from, int to, const char *name, struct error *err)
{
	struct request request = {.object = name, .verb = "redirect"};

	for (size_t i = 0; i < ARRAY_SIZE(classifiers); i++) {
		request.message = filter_message(&classifiers[i], from, to);
		if (netlink_ask(nl, &request, err) == 0)
			return 0;
		if (nl->errnum != ENOENT)
			return -1;
	}
	return -1;
}

/* The queue goes again when the filter can't be had: without it nobody would know it as ours. */
static int redirect(struct netlink *nl, int from, int to, const char *name, struct error *err)
{
	struct error ignored;
	struct request queue = {
		.message = queue_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, from),
		.object = name,
		.verb = "add an ingress queue",
	};

	if (netlink_ask(nl, &queue, err) < 0)
		return -1;
	if (add_filter(nl, from, to, name, err) == 0)
		return 0;
	queue.message = queue_message(RTM_DELQDISC, 0, from);
	(void)!netlink_ask(nl, &queue, &ignored);
	return -1;
}

int redirect_remove(struct netlink *nl, int index, const char *name, struct error *err)
{
	struct tcmsg filter = filter_of(index);
	struct request request = {
		.message = message_new(RTM_DELTFILTER, 0, &filter, sizeof(filter)),
		.object = name,
		.verb = "remove the redirection",
	};

	if (netlink_ask(nl, &request, err) < 0) {
		/* no such link, no queue (EINVAL), no filter */
		if (nl->errnum == ENODEV || nl->errnum == EINVAL || nl->errnum == ENOENT)
			return 0;
		return -1;
	}
	request.message = queue_message(RTM_DELQDISC, 0, index);
	return netlink_ask(nl, &request, err) < 0 ? -1 : 1;
}

struct search {
	int index;
	bool found;
};

static int on_filter(struct nl_msg *message, void *context, struct error *err)
{
	const struct tcmsg *filter = nlmsg_data(nlmsg_hdr(message));
	struct search *search = context;

	(void)err;
	if (filter->tcm_ifindex == search->index &&
	    TC_H_MAJ(filter->tcm_info) >> 16 == OUR_PRIORITY)
		search->found = true;
	return 0;
}

int redirect_find(struct netlink *nl, int index, struct error *err)
{
	const struct tcmsg any = {.tcm_ifindex = index, .tcm_parent = filter_of(index).tcm_parent};
	struct nl_msg *message = message_new(RTM_GETTFILTER, NLM_F_DUMP, &any, sizeof(any));
	struct search search = {.index = index};

	return netlink_list(nl, message, on_filter, &search, err) < 0 ? -1 : search.found;
}

int netns_is_redirected(const struct netns_links *links, uint32_t which, struct error *err)
{
	owned_netlink nl = {0};

	if (netlink_open(&nl, err) < 0)
		return -1;
	return redirect_find(&nl, (int)links->interfaces[which].index, err);
}

int netns_redirect(const struct netns_links *links, uint32_t which, const char *tap,
                   struct error *err)
{
	const struct netns_interface *interface = &links->interfaces[which];
	struct place place = {links, which, (int)interface->index};
	owned_netlink nl = {0};
	int guest = link_find(tap, err);

	if (guest < 0 || netlink_open(&nl, err) < 0 ||
	    redirect(&nl, place.index, guest, interface->name, err) < 0 ||
	    redirect(&nl, guest, place.index, tap, err) < 0 || take_routes(&nl, &place, err) < 0)
		return -1;
	return take_addresses(&nl, &place, err);
}
